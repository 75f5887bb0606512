"""What a log may show of a message: nothing personal, nothing long, nothing that breaks a line."""

import importlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.message import Message

from fingertip.options.v1 import options_pb2
from fingertip_server.protection.redact import redact

PLANTED = "6225881414207430"
_KIND = FieldDescriptorProto
_C2 = options_pb2.DATA_CLASS_C2
_C3 = options_pb2.DATA_CLASS_C3


def _file() -> FileDescriptorProto:
    file = FileDescriptorProto(name="tests/redact.proto", package="tests.redact", syntax="proto3")
    file.dependency.append("fingertip/options/v1/options.proto")
    kind = file.enum_type.add(name="Kind")
    kind.value.add(name="KIND_UNSPECIFIED", number=0)
    kind.value.add(name="KIND_VISIT", number=1)
    message = file.message_type.add(name="Letter")
    letter = ".tests.redact.Letter"

    def add(name: str, kind: "FieldDescriptorProto.Type.ValueType", type_name: str = "") -> None:
        field = message.field.add(name=name, number=len(message.field) + 1, type=kind)
        field.label = _KIND.LABEL_OPTIONAL
        if type_name:
            field.type_name = type_name

    def add_map(name: str, value: FieldDescriptorProto) -> None:
        entry = message.nested_type.add(name=f"{name.title()}Entry")
        entry.options.map_entry = True
        label = _KIND.LABEL_OPTIONAL
        entry.field.add(name="key", number=1, type=_KIND.TYPE_STRING, label=label)
        entry.field.append(value)
        add(name, _KIND.TYPE_MESSAGE, f"{letter}.{name.title()}Entry")
        message.field[-1].label = _KIND.LABEL_REPEATED

    add("ticket", _KIND.TYPE_STRING)
    add("count", _KIND.TYPE_INT64)
    add("kind", _KIND.TYPE_ENUM, ".tests.redact.Kind")
    add("image", _KIND.TYPE_BYTES)
    add("inner", _KIND.TYPE_MESSAGE, letter)
    add("lines", _KIND.TYPE_STRING)
    message.field[-1].label = _KIND.LABEL_REPEATED
    add("inners", _KIND.TYPE_MESSAGE, letter)
    message.field[-1].label = _KIND.LABEL_REPEATED
    value = FieldDescriptorProto(name="value", number=2, label=_KIND.LABEL_OPTIONAL)
    value.type = _KIND.TYPE_MESSAGE
    value.type_name = letter
    add_map("named", value)
    for name, kind_of, type_name, data_class in (
        ("phone", _KIND.TYPE_STRING, "", _C2),
        ("password", _KIND.TYPE_STRING, "", _C3),
        ("scan", _KIND.TYPE_BYTES, "", _C2),
        ("person", _KIND.TYPE_MESSAGE, letter, _C2),
        ("phones", _KIND.TYPE_STRING, "", _C2),
        ("opened_by", _KIND.TYPE_STRING, "", options_pb2.DATA_CLASS_C1),
    ):
        add(name, kind_of, type_name)
        message.field[-1].options.Extensions[options_pb2.data_class] = data_class
    message.field[-2].label = _KIND.LABEL_REPEATED
    return file


descriptor_pool.Default().AddSerializedFile(_file().SerializeToString())
Letter = message_factory.GetMessageClass(
    descriptor_pool.Default().FindMessageTypeByName("tests.redact.Letter")
)


@pytest.mark.parametrize(
    ("letter", "shown"),
    [
        (Letter(), "{}"),
        (Letter(ticket="A007", count=3), "{ticket: 'A007', count: 3}"),
        (Letter(kind=1), "{kind: KIND_VISIT}"),
        (Letter(kind=7), "{kind: 7}"),
        (Letter(image=b"\xff" * 9), "{image: «9 bytes»}"),
        (Letter(lines=["a", "b"]), "{lines: ['a', 'b']}"),
        (Letter(phone=PLANTED), "{phone: «C2»}"),
        (Letter(password=PLANTED), "{password: «C3»}"),
        (Letter(scan=PLANTED.encode()), "{scan: «C2»}"),
        (Letter(person=Letter(ticket=PLANTED)), "{person: «C2»}"),
        (Letter(phones=[PLANTED, PLANTED]), "{phones: «C2»}"),
        (Letter(opened_by="支行"), "{opened_by: '支行'}"),
        (Letter(inner=Letter(phone=PLANTED)), "{inner: {phone: «C2»}}"),
        (Letter(inners=[Letter(), Letter(phone=PLANTED)]), "{inners: [{}, {phone: «C2»}]}"),
        (Letter(named={"k": Letter(phone=PLANTED)}), "{named: ['k': {phone: «C2»}]}"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_message_is_shown_without_what_is_personal(letter: Message, shown: str) -> None:
    assert redact(letter) == shown


def test_a_text_cannot_break_the_line_or_turn_its_direction() -> None:
    shown = redact(Letter(ticket="a\nb\u202ec\u2028d\x00\x1b[0m'"))
    assert shown.isprintable()
    assert "\n" not in shown


def test_long_texts_and_long_messages_are_cut() -> None:
    assert redact(Letter(ticket="x" * 1000)) == "{ticket: '" + "x" * 200 + "'…}"
    many = Letter(lines=["line"] * 100_000)
    assert len(redact(many)) == 2001
    assert redact(many).endswith("…")
    assert len(redact(many, chars_max=50)) == 51


def test_a_deep_message_is_cut_and_not_a_fault() -> None:
    letter = Letter()
    for _ in range(90):
        letter = Letter(inner=letter)
    assert redact(letter).startswith("{inner: {inner: ")


def test_what_a_newer_contract_added_is_not_shown() -> None:
    newer = Letter(ticket=PLANTED).SerializeToString()
    unknown = bytes([15 << 3 | 2]) + newer[1:]
    assert redact(Letter.FromString(unknown)) == "{}"


def _messages(descriptors: Iterable[Descriptor]) -> Iterator[Descriptor]:
    for descriptor in descriptors:
        yield descriptor
        yield from _messages(descriptor.nested_types)


def test_no_personal_text_of_the_contract_is_ever_shown() -> None:
    root = Path(options_pb2.__file__).parents[3]
    tried = 0
    for path in root.glob("fingertip/**/*_pb2.py"):
        module = importlib.import_module(".".join(path.relative_to(root).with_suffix("").parts))
        for descriptor in _messages(module.DESCRIPTOR.message_types_by_name.values()):
            message = message_factory.GetMessageClass(descriptor)()
            for field in descriptor.fields:
                data_class = field.GetOptions().Extensions[options_pb2.data_class]
                is_text = field.type == FieldDescriptor.TYPE_STRING and not field.is_repeated
                if data_class in (_C2, _C3) and is_text:
                    setattr(message, field.name, PLANTED)
                    tried += 1
            assert PLANTED not in redact(message)
    assert tried >= 10
