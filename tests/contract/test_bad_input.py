"""What every method's rules refuse, and what every refusal in the code says of itself."""

import ast
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from google.protobuf import message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor

import fingertip_server
from buf.validate import validate_pb2
from fingertip.customer.v1.customer_service_pb2 import SyncCustomersRequest
from fingertip_server import errors
from fingertip_server.rpc import validation
from tests.contract import documented
from tests.contract.descriptors import fields, methods

_SOURCES = Path(fingertip_server.__file__).parent
_NO_REFUSALS = {"print", "ErrorReason.Name"}
# Texts that a person may type and others read: what nobody sees must not stand in them. The other
# free texts are keys that are looked up, secrets, or the bank's own data.
_NOT_FOR_READERS = {
    "etag",
    "page_token",
    "resume_token",
    "password",
    "enrolment_code",
    "staff_number",
    "staff_id",
    "branch_id",
    "centre_id",
    "home_branch_id",
    "relationship_manager_id",
    "tier_code",
    "chain",
    "item_id",
    "kind",
    "customer_number",
    "core_reference",
    "position",
    "previous_position",
}
# Examined by CheckApplication, which tells the teller in his words; or as the bank's systems gave.
_EXAMINED_OTHERWISE = {
    "fingertip.applications.v1.Answer.value",
    "fingertip.customer.v1.CustomerRecord.name",
    "fingertip.customer.v1.CustomerRecord.mobile",
    "fingertip.customer.v1.CustomerRecord.address",
    "fingertip.customer.v1.Profile.occupation",
    "fingertip.customer.v1.Profile.risk_level",
    "fingertip.customer.v1.Holdings.Holding.product_name",
    "fingertip.customer.v1.Holdings.Holding.account_number",
    "fingertip.customer.v1.Transactions.Transaction.description",
    "fingertip.customer.v1.Transactions.Transaction.account_number",
    "fingertip.customer.v1.Preferences.preferences",
    "fingertip.customer.v1.Intentions.intentions",
}
_HIDDEN = ("\u202e", "\u200b", "\ufeff", "\x07", "\x1b", "\r", "\t", "\u2028", "\u2066")

by_method = pytest.mark.parametrize("method", methods(), ids=lambda method: method.full_name)


def _rules(field: FieldDescriptor) -> validate_pb2.FieldRules:
    rules: validate_pb2.FieldRules = field.GetOptions().Extensions[validate_pb2.field]
    return rules


@by_method
def test_an_empty_request_is_taken_or_refused_with_its_fields(method: MethodDescriptor) -> None:
    request = message_factory.GetMessageClass(method.input_type)()
    try:
        validation.validate(validation.parse(type(request), b""))
    except errors.InvalidArgument as refusal:
        named = {violation.field for violation in refusal.violations}
        known = set(method.input_type.fields_by_name) | set(method.input_type.oneofs_by_name)
        assert named
        assert named <= known


@by_method
def test_an_enum_of_a_request_is_a_known_one(method: MethodDescriptor) -> None:
    open_ones = [
        field.full_name
        for field in fields(method.input_type)
        if field.enum_type is not None
        and not (
            _rules(field).repeated.items if field.is_repeated else _rules(field)
        ).enum.defined_only
    ]
    assert not open_ones


@by_method
def test_a_choice_of_a_request_is_made(method: MethodDescriptor) -> None:
    messages = {field.containing_type for field in fields(method.input_type)}
    open_ones = [
        oneof.full_name
        for message in messages
        if message is not None
        for oneof in message.oneofs
        if not oneof.GetOptions().Extensions[validate_pb2.oneof].required
    ]
    assert not open_ones


@by_method
def test_a_number_of_a_request_is_bounded_below(method: MethodDescriptor) -> None:
    unbounded = [
        field.full_name
        for field in fields(method.input_type)
        if field.type in {FieldDescriptor.TYPE_INT32, FieldDescriptor.TYPE_INT64}
        and not (_rules(field).int32.HasField("gte") or _rules(field).int64.HasField("gte"))
    ]
    assert not unbounded


@by_method
def test_a_text_that_people_read_has_nothing_that_nobody_sees(method: MethodDescriptor) -> None:
    for field in fields(method.input_type):
        text = _rules(field).string
        if (
            field.type != FieldDescriptor.TYPE_STRING
            or text.uuid
            or field.name in _NOT_FOR_READERS
            or field.full_name in _EXAMINED_OTHERWISE
        ):
            continue
        assert field.containing_type is not None
        for hidden in _HIDDEN:
            message = message_factory.GetMessageClass(field.containing_type)()
            written = f"12{hidden}345"
            values = [written] if field.is_repeated else written
            refused = f"{field.name}[0]" if field.is_repeated else field.name
            with pytest.raises(errors.InvalidArgument) as caught:
                validation.validate(type(message)(**{field.name: values}))
            assert refused in {violation.field for violation in caught.value.violations}


@by_method
def test_a_rule_about_several_fields_is_called_after_one_of_them(method: MethodDescriptor) -> None:
    for message in _messages(method.input_type):
        for rule in message.GetOptions().Extensions[validate_pb2.message].cel:
            assert rule.id.rpartition(".")[2] in message.fields_by_name


def test_a_violation_names_its_place_in_a_list() -> None:
    request = SyncCustomersRequest()
    for number in ("1", "not one", "2"):
        request.records.add(customer_number=number, version=1)
    request.records[2].card_numbers.append("x")
    with pytest.raises(errors.InvalidArgument) as caught:
        validation.validate(request)
    named = [violation.field for violation in caught.value.violations]
    assert named[-2:] == ["records[1].customer_number", "records[2].card_numbers[0]"]


def test_every_refusal_is_what_its_reason_s_comment_says() -> None:
    known = documented.reasons()
    found = 0
    for path in _SOURCES.rglob("*.py"):
        for kind, name, keys in _refusals(ast.parse(path.read_text())):
            reason = known[name]
            assert getattr(errors, kind).code is reason.code, f"{path}: {name}"
            assert reason.has(keys - {"violations"}), f"{path}: {name}"
            is_named = "violations" in keys
            assert is_named or reason.code is not grpc.StatusCode.INVALID_ARGUMENT, (
                f"{path}: {name}"
            )
            found += 1
    assert found > len(known) / 2


def _refusals(tree: ast.AST) -> Iterator[tuple[str, str, set[str]]]:
    """Yields the class, reason and keywords of every refusal that a file makes."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        reason = ast.unparse(node.args[0])
        if (
            reason.startswith("ErrorReason.ERROR_REASON_")
            and ast.unparse(node.func) not in _NO_REFUSALS
        ):
            kind = ast.unparse(node.func).rpartition(".")[2]
            name = reason.removeprefix("ErrorReason.ERROR_REASON_")
            yield kind, name, {keyword.arg or "" for keyword in node.keywords}


def _messages(message: Descriptor) -> set[Descriptor]:
    inner = {field.containing_type for field in fields(message)}
    return {message} | {found for found in inner if found is not None}
