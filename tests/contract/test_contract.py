"""What holds for every method, message and reason of the contract."""

import re
from pathlib import Path

import pytest
from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor

import fingertip_server
from buf.validate import validate_pb2
from fingertip.errors.v1.error_reason_pb2 import ErrorReason
from fingertip.events.v1.event_pb2 import Event
from fingertip.options.v1 import options_pb2
from fingertip_server.packs.permissions import PERMISSIONS
from tests.contract.descriptors import fields, methods
from tests.world import read_demo

_SOURCES = Path(fingertip_server.__file__).parent
# Nobody's role holds these: they are everybody's, or belong to devices by their kind.
_NOT_OF_ROLES = {
    "public",
    "identity.sign_in",
    "lobby.numbers.reserve",
    "fulfilment.work",
    "customer.sync",
    "screening.sync",
}

by_method = pytest.mark.parametrize("method", methods(), ids=lambda method: method.full_name)


def _name(field: FieldDescriptor) -> str:
    return field.full_name


@by_method
def test_every_string_and_list_of_a_request_has_a_maximum(method: MethodDescriptor) -> None:
    unbounded = []
    for field in fields(method.input_type):
        rules = field.GetOptions().Extensions[validate_pb2.field]
        if field.is_repeated and not rules.repeated.max_items:
            unbounded.append(_name(field))
        text = rules.repeated.items.string if field.is_repeated else rules.string
        if field.type == FieldDescriptor.TYPE_STRING:
            bounded = text.max_len or text.len or text.uuid
            if not bounded:
                unbounded.append(_name(field))
    assert not unbounded


def test_what_people_type_is_declared_to_be_kept_in_the_clear() -> None:
    names = {"purpose", "note", "reason", "explanation", "place", "appeal_route"}
    texts = {
        field.full_name: field.GetOptions().Extensions[options_pb2.clear_text]
        for method in methods()
        for field in fields(method.input_type)
        if field.name in names and field.type == FieldDescriptor.TYPE_STRING
    }
    assert len(texts) > 25
    # What the bank's own systems say of a restriction is nobody's typing, and is sealed.
    assert {name for name, is_declared in texts.items() if not is_declared} == {
        "fingertip.customer.v1.RestrictionRecord.appeal_route",
        "fingertip.customer.v1.RestrictionRecord.reason",
    }


@by_method
def test_every_method_names_the_reasons_that_exist(method: MethodDescriptor) -> None:
    proto = Path(method.containing_service.file.name)
    source = (Path(__file__).parents[2] / "protos" / proto).read_text()
    before, found, _ = source.partition(f"rpc {method.name}(")
    assert found
    comment = before[before.rindex("\n\n") :]
    named = set(re.findall(r"\b[A-Z]+(?:_[A-Z]+)+\b", comment))
    known = {name.removeprefix("ERROR_REASON_") for name in ErrorReason.keys()}  # noqa: SIM118
    assert named <= known | {"PERMISSION_DENIED", "FAILED_PRECONDITION"}


@by_method
def test_every_permission_is_held_by_some_role(method: MethodDescriptor) -> None:
    permission = method.GetOptions().Extensions[options_pb2.permission]
    held = {permission for role in read_demo().roles for permission in role.permissions}
    assert permission in held | _NOT_OF_ROLES


def test_a_role_can_be_allowed_what_methods_and_events_ask_for_and_nothing_else() -> None:
    asked = {method.GetOptions().Extensions[options_pb2.permission] for method in methods()}
    events = {
        permission
        for method in methods()
        for permission in method.GetOptions().Extensions[options_pb2.event_permissions]
    }
    assert not asked & events
    assert asked | events == PERMISSIONS | {"public"}


def test_events_ask_for_permissions_of_the_contract() -> None:
    code = "".join(path.read_text() for path in _SOURCES.rglob("*.py"))
    for method in methods():
        for permission in method.GetOptions().Extensions[options_pb2.event_permissions]:
            assert f'"{permission}"' in code
    assert set(re.findall(r'permission="([a-z_.]+)"', code)) <= PERMISSIONS


def test_events_hold_nothing_personal() -> None:
    personal = [
        _name(field)
        for field in fields(Event.DESCRIPTOR)
        if field.GetOptions().Extensions[options_pb2.data_class] > options_pb2.DATA_CLASS_C1
    ]
    assert not personal


def test_no_field_asks_for_what_a_tablet_must_never_take() -> None:
    forbidden = re.compile(r"(^|_)(pin|cvv|cvn|track|expiry)(_|$)")
    found = [
        _name(field)
        for method in methods()
        for field in fields(method.input_type)
        if forbidden.search(field.name)
    ]
    assert not found


def test_every_reason_is_raised_somewhere() -> None:
    code = "".join(path.read_text() for path in _SOURCES.rglob("*.py"))
    unused = [
        name
        for name in ErrorReason.keys()  # noqa: SIM118 - an enum wrapper, not a dict
        if name != "ERROR_REASON_UNSPECIFIED" and name not in code
    ]
    assert not unused


def test_only_the_frame_and_operators_commit() -> None:
    allowed = {"rpc/units.py", "db/migrating.py"}
    found = {
        str(path.relative_to(_SOURCES))
        for path in _SOURCES.rglob("*.py")
        if ".commit()" in path.read_text()
    }
    assert found <= allowed
