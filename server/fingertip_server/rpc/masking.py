"""Masks what answers show, by the data classes of the contract."""

from collections.abc import Callable
from functools import cache, partial

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from fingertip.options.v1 import options_pb2
from fingertip_server.protection import masking

Change = Callable[[Message], None]


def mask(answer: Message) -> None:
    """Masks C2 texts and clears C3 fields, in place. Costs nothing where there are none.

    Fields of a newer contract go too: nobody here knows how personal they are.
    """
    if _changes(answer.DESCRIPTOR):
        answer.DiscardUnknownFields()
        _mask_known(answer)


def _mask_known(answer: Message) -> None:
    for change in _changes(answer.DESCRIPTOR):
        change(answer)


def without_secrets(answer: Message) -> Message:
    """Returns the answer itself, or a copy without its C3 fields where its kind has such."""
    if not _clearings(answer.DESCRIPTOR):
        return answer
    kept = type(answer)()
    kept.CopyFrom(answer)
    clear_secrets(kept)
    return kept


def clear_secrets(message: Message) -> None:
    """Clears C3 fields, in place. Costs nothing where there are none."""
    for change in _clearings(message.DESCRIPTOR):
        change(message)


def has_secrets(message: Descriptor) -> bool:
    """Tells whether a kind of message holds C3 fields, however deep."""
    return bool(_clearings(message))


@cache
def _changes(message: Descriptor) -> tuple[Change, ...]:
    return tuple(_plan(message, _mask_known, _changes, _is_masked))


@cache
def _clearings(message: Descriptor) -> tuple[Change, ...]:
    return tuple(_plan(message, clear_secrets, _clearings, lambda _: False))


def _plan(
    message: Descriptor,
    recurse: Callable[[Message], None],
    plan_of: Callable[[Descriptor], tuple[Change, ...]],
    is_masked: Callable[[FieldDescriptor], bool],
) -> list[Change]:
    changes: list[Change] = []
    for field in message.fields:
        options = field.GetOptions().Extensions
        if options[options_pb2.data_class] == options_pb2.DATA_CLASS_C3:
            changes.append(_clearing(field.name))
        elif is_masked(field):
            changes.append(_masking(field, partial(masking.mask, options[options_pb2.mask])))
        elif field.message_type is not None and _reaches(field.message_type, plan_of, message):
            changes.append(_descending(field, recurse))
    return changes


def _reaches(
    inner: Descriptor, plan_of: Callable[[Descriptor], tuple[Change, ...]], outer: Descriptor
) -> bool:
    # The contract has no recursive messages; google's own hold nothing personal.
    own = inner.full_name.startswith("fingertip.") and inner.full_name != outer.full_name
    return own and bool(plan_of(inner))


def _is_masked(field: FieldDescriptor) -> bool:
    options = field.GetOptions().Extensions
    return (
        field.type == FieldDescriptor.TYPE_STRING
        and options[options_pb2.data_class] == options_pb2.DATA_CLASS_C2
        and options[options_pb2.mask] != options_pb2.MASK_NONE
    )


def _clearing(name: str) -> Change:
    return lambda message: message.ClearField(name)


def _masking(field: FieldDescriptor, masked: Callable[[str], str]) -> Change:
    def change_one(message: Message) -> None:
        value = getattr(message, field.name)
        if value:
            setattr(message, field.name, masked(value))

    def change_all(message: Message) -> None:
        values = getattr(message, field.name)
        values[:] = [masked(value) for value in values]

    return change_all if field.is_repeated else change_one


def _descending(field: FieldDescriptor, recurse: Callable[[Message], None]) -> Change:
    def descend_one(message: Message) -> None:
        if message.HasField(field.name):
            recurse(getattr(message, field.name))

    def descend_all(message: Message) -> None:
        for element in getattr(message, field.name):
            recurse(element)

    return descend_all if field.is_repeated else descend_one
