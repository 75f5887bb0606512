"""Holds requests to the rules that the contract states on its fields."""

from itertools import islice

import protovalidate
from google.protobuf.message import DecodeError, Message

from fingertip.errors.v1.error_reason_pb2 import ErrorReason
from fingertip_server import errors
from fingertip_server.rpc import bounds, clear_texts

# More would help nobody, and a request may break a rule a thousand times.
_VIOLATIONS_MAX = 50
_SENTENCE_LENGTH_MAX = 200


def parse(kind: type[Message], content: bytes) -> Message:
    """Returns the message in `content`. Raises INVALID_ARGUMENT when there is none."""
    try:
        request = kind.FromString(content)
    except DecodeError:
        raise invalid(
            [errors.Violation("", "The bytes are not a message of the contract.")]
        ) from None
    if faults := list(islice(bounds.faults(request, content), _VIOLATIONS_MAX)):
        raise invalid(faults)
    return request


def validate(request: Message) -> None:
    """Raises INVALID_ARGUMENT with every field that breaks a rule, or tells who somebody is."""
    violations = protovalidate.collect_violations(request)
    if violations:
        raise invalid(
            [
                errors.Violation(_path(found), found.proto.message[:_SENTENCE_LENGTH_MAX])
                for found in violations[:_VIOLATIONS_MAX]
            ]
        )
    # Only of bounded texts: the rules have held.
    if telling := list(islice(clear_texts.faults(request), _VIOLATIONS_MAX)):
        raise invalid(telling)


def invalid(violations: list[errors.Violation]) -> errors.InvalidArgument:
    """Returns the refusal of a request with these faults."""
    return errors.InvalidArgument(
        ErrorReason.ERROR_REASON_INVALID_REQUEST,
        "The request breaks rules of the contract.",
        violations=violations,
    )


def _path(violation: protovalidate.Violation) -> str:
    found = violation.proto
    names: list[str] = []
    for element in found.field.elements if found.field else ():
        place = element.subscript
        names.append(
            element.field_name if place is None else f"{element.field_name}[{place.value}]"
        )
    if found.rule is None and "." in found.rule_id:
        # A rule about several fields of a message is called after one of them.
        names.append(found.rule_id.rpartition(".")[2])
    return ".".join(names)
