"""What a role can be allowed: what the contract's methods ask for, and what its events ask for."""

from collections.abc import Iterator

from google.protobuf.descriptor import FileDescriptor, MethodDescriptor

from fingertip.applications.v1 import applications_service_pb2
from fingertip.audit.v1 import audit_service_pb2
from fingertip.authorization.v1 import authorization_service_pb2
from fingertip.customer.v1 import customer_service_pb2
from fingertip.events.v1 import events_service_pb2
from fingertip.fulfilment.v1 import fulfilment_service_pb2
from fingertip.identity.v1 import identity_service_pb2
from fingertip.lobby.v1 import lobby_service_pb2
from fingertip.options.v1 import options_pb2
from fingertip.screening.v1 import screening_service_pb2
from fingertip.vouchers.v1 import vouchers_service_pb2

_FILES: tuple[FileDescriptor, ...] = (
    applications_service_pb2.DESCRIPTOR,
    audit_service_pb2.DESCRIPTOR,
    authorization_service_pb2.DESCRIPTOR,
    customer_service_pb2.DESCRIPTOR,
    events_service_pb2.DESCRIPTOR,
    fulfilment_service_pb2.DESCRIPTOR,
    identity_service_pb2.DESCRIPTOR,
    lobby_service_pb2.DESCRIPTOR,
    screening_service_pb2.DESCRIPTOR,
    vouchers_service_pb2.DESCRIPTOR,
)
# Asked of nobody.
_PUBLIC = "public"


def _asked_for(method: MethodDescriptor) -> Iterator[str]:
    options = method.GetOptions().Extensions
    yield options[options_pb2.permission]
    yield from options[options_pb2.event_permissions]


PERMISSIONS = frozenset(
    permission
    for file in _FILES
    for service in file.services_by_name.values()
    for method in service.methods
    for permission in _asked_for(method)
    if permission != _PUBLIC
)
