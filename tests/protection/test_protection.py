"""What the server calls: values are bound to the columns and rows they were sealed for."""

from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Column, LargeBinary, MetaData, Table, Uuid, func
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from fingertip_server.protection.errors import Forged, Unreadable
from fingertip_server.protection.protection import Protection
from fingertip_server.protection.types import Blind, DataClass, Protected, Sealed
from tests.protection.rings import SUITES, ring_of


class Base(DeclarativeBase):
    """The base of the tables of this file."""


class Customer(Base):
    """A table with personal columns."""

    __tablename__ = "customer"
    customer_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    name: Mapped[Sealed] = mapped_column(Protected())
    phone: Mapped[Sealed | None] = mapped_column(Protected())
    face: Mapped[Sealed | None] = mapped_column(Protected(DataClass.C3))
    phone_index: Mapped[bytes] = mapped_column(Blind())
    card_index: Mapped[bytes | None] = mapped_column(Blind())
    photo: Mapped[bytes] = mapped_column(LargeBinary)


contacts = Table("contact", MetaData(), Column("name", Protected()), Column("phone", Protected()))

ROW = UUID("018f3c7e-0000-7000-8000-000000000001")
PROTECTIONS = [Protection(ring_of(*SUITES, active=active)) for active in (1, 2)]

every_suite = pytest.mark.parametrize("protection", PROTECTIONS, ids=["international", "national"])


@every_suite
@given(text=st.text(max_size=60), row_id=st.uuids())
def test_a_text_opens_in_its_row(protection: Protection, text: str, row_id: UUID) -> None:
    sealed = protection.seal(Customer.name, row_id, text)
    assert protection.open(Customer.name, row_id, sealed) == text
    # Whether the row's number comes as a UUID or as its text, and as what type the column gives it.
    assert protection.open(Customer.name, str(row_id), bytes(sealed)) == text


@every_suite
def test_a_value_moved_to_another_row_column_or_table_does_not_open(protection: Protection) -> None:
    sealed = protection.seal(Customer.name, ROW, "王小明")
    with pytest.raises(Unreadable):
        protection.open(Customer.name, uuid4(), sealed)
    with pytest.raises(Unreadable):
        protection.open(Customer.phone, ROW, sealed)
    with pytest.raises(Unreadable):
        protection.open(contacts.c.name, ROW, sealed)


def test_values_that_are_no_text_are_sealed_as_they_are() -> None:
    protection = PROTECTIONS[0]
    sealed = protection.seal(Customer.face, ROW, b"\xff\x00")
    assert protection.open_bytes(Customer.face, ROW, sealed) == b"\xff\x00"


def test_the_orm_and_core_name_a_column_alike() -> None:
    protection = PROTECTIONS[0]
    sealed = protection.seal(Customer.name, ROW, "王小明")
    assert protection.open(Base.metadata.tables["customer"].c.name, ROW, sealed) == "王小明"


def test_only_personal_columns_are_sealed_and_only_index_columns_find() -> None:
    protection = PROTECTIONS[0]
    with pytest.raises(TypeError, match="photo is not of the type Protected"):
        protection.seal(Base.metadata.tables["customer"].c.photo, ROW, b"")
    with pytest.raises(TypeError, match="phone is not of the type Blind"):
        protection.blind(Base.metadata.tables["customer"].c.phone, "13812345678")
    with pytest.raises(TypeError, match="not a column of a table"):
        protection.seal(Column("name", Protected()), ROW, b"")


def test_a_personal_column_takes_sealed_values_only() -> None:
    dialect = func.now().compile().dialect
    column = Protected()
    sealed = PROTECTIONS[0].seal(Customer.name, ROW, "王小明")
    assert column.process_bind_param(sealed, dialect) is sealed
    assert column.process_bind_param(None, dialect) is None
    with pytest.raises(TypeError, match="sealed values only"):
        column.process_bind_param("王小明".encode(), dialect)  # type: ignore[arg-type]
    stored = column.process_result_value(bytes(sealed), dialect)
    assert isinstance(stored, Sealed)


def test_a_sealed_value_shows_its_length_only() -> None:
    sealed = PROTECTIONS[0].seal(Customer.name, ROW, "王小明")
    assert f"{sealed}" == repr(sealed) == f"«sealed, {len(sealed)} bytes»"


def test_every_personal_column_can_be_found_with_its_class() -> None:
    found = {
        column.name: column.type.data_class
        for column in Customer.__table__.columns
        if isinstance(column.type, Protected)
    }
    assert found == {"name": DataClass.C2, "phone": DataClass.C2, "face": DataClass.C3}


@every_suite
@given(one=st.text(max_size=20), other=st.text(max_size=20))
def test_a_column_finds_equal_values_and_no_others(
    protection: Protection, one: str, other: str
) -> None:
    index = protection.blind(Customer.phone_index, one)
    assert len(index) == 16
    assert (index == protection.blind(Customer.phone_index, other)) == (one == other)
    assert index != protection.blind(Customer.card_index, one)


def test_indexes_and_token_hashes_stay_when_the_active_version_moves_on() -> None:
    before, after = PROTECTIONS
    assert before.seal(Customer.name, ROW, "x")[:1] != after.seal(Customer.name, ROW, "x")[:1]
    assert before.blind(Customer.phone_index, "1") == after.blind(Customer.phone_index, "1")
    assert before.token_hash("token") == after.token_hash("token")


def test_another_key_ring_finds_nothing() -> None:
    stranger = Protection(ring_of(*SUITES, seed=1))
    ours = PROTECTIONS[0]
    assert stranger.blind(Customer.phone_index, "1") != ours.blind(Customer.phone_index, "1")
    assert stranger.token_hash("token") != ours.token_hash("token")


@every_suite
def test_a_stored_answer_opens_for_its_own_call_only(protection: Protection) -> None:
    sealed = protection.answer_seal("staff:7", "IssueTicket", "r1", b"answer")
    assert protection.answer_open("staff:7", "IssueTicket", "r1", sealed) == b"answer"
    for principal, method, request_id in (
        ("staff:8", "IssueTicket", "r1"),
        ("staff:7", "CallTicket", "r1"),
        ("staff:7", "IssueTicket", "r2"),
        ("staff:7I", "ssueTicket", "r1"),
    ):
        with pytest.raises(Unreadable):
            protection.answer_open(principal, method, request_id, sealed)


@every_suite
@given(value=st.binary(max_size=60), other=st.binary(max_size=60))
def test_a_commitment_is_about_one_value(
    protection: Protection, value: bytes, other: bytes
) -> None:
    commitment = protection.commit(value)
    assert protection.is_commitment_to(commitment, value)
    assert protection.is_commitment_to(commitment, other) == (value == other)
    # Two commitments to one value cannot be linked.
    assert commitment[-32:] != protection.commit(value)[-32:]


def test_a_commitment_without_its_key_is_noise() -> None:
    commitment = PROTECTIONS[0].commit(b"13812345678")
    stranger = Protection(ring_of(*SUITES, seed=1))
    assert not stranger.is_commitment_to(commitment, b"13812345678")
    with pytest.raises(Unreadable, match="version 1"):
        Protection(ring_of(SUITES[1])).is_commitment_to(commitment, b"13812345678")


@every_suite
@given(payload=st.binary(max_size=60), data=st.data())
def test_a_signed_token_is_verified_whole(
    protection: Protection, payload: bytes, data: st.DataObject
) -> None:
    signed = protection.sign("resume", payload)
    assert protection.verify("resume", signed) == payload
    position = data.draw(st.integers(0, len(signed) * 8 - 1))
    forged = bytearray(signed)
    forged[position // 8] ^= 1 << position % 8
    with pytest.raises(Forged):
        protection.verify("resume", bytes(forged))
    with pytest.raises(Forged):
        protection.verify("resume", signed[: position // 8])


def test_a_token_signed_for_one_purpose_is_none_for_another() -> None:
    protection = PROTECTIONS[0]
    signed = protection.sign("page", b"payload")
    with pytest.raises(Forged):
        protection.verify("resume", signed)
    with pytest.raises(Forged):
        Protection(ring_of(*SUITES, seed=1)).verify("page", signed)


def test_tokens_of_an_older_version_stay_valid() -> None:
    before, after = PROTECTIONS
    assert after.verify("page", before.sign("page", b"payload")) == b"payload"
