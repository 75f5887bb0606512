"""Walks the contract's descriptors."""

from collections.abc import Iterator

from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor

from fingertip.applications.v1 import applications_service_pb2
from fingertip.audit.v1 import audit_service_pb2
from fingertip.authorization.v1 import authorization_service_pb2
from fingertip.customer.v1 import customer_service_pb2
from fingertip.events.v1 import events_service_pb2
from fingertip.fulfilment.v1 import fulfilment_service_pb2
from fingertip.identity.v1 import identity_service_pb2
from fingertip.lobby.v1 import lobby_service_pb2
from fingertip.screening.v1 import screening_service_pb2
from fingertip.vouchers.v1 import vouchers_service_pb2

_FILES = (
    applications_service_pb2,
    audit_service_pb2,
    authorization_service_pb2,
    customer_service_pb2,
    events_service_pb2,
    fulfilment_service_pb2,
    identity_service_pb2,
    lobby_service_pb2,
    screening_service_pb2,
    vouchers_service_pb2,
)


def methods() -> list[MethodDescriptor]:
    """Returns every method of the contract."""
    return [
        method
        for file in _FILES
        for service in file.DESCRIPTOR.services_by_name.values()
        for method in service.methods
    ]


def fields(message: Descriptor, seen: frozenset[str] = frozenset()) -> Iterator[FieldDescriptor]:
    """Yields the fields of a message of ours and of those that it holds."""
    if message.full_name in seen or not message.full_name.startswith("fingertip."):
        return
    for field in message.fields:
        yield field
        if field.message_type is not None:
            yield from fields(field.message_type, seen | {message.full_name})
