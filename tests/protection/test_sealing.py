"""Sealed values open in their own place and nowhere else, whatever is done to them."""

from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from fingertip_server.protection.errors import Unreadable
from fingertip_server.protection.keyring import KeyRing, KeyVersion, Purpose
from fingertip_server.protection.sealing import OVERHEAD_BYTES, Sealer, context_of
from fingertip_server.protection.suite import AES_256_GCM_SHA256, SM4_GCM_SM3, Aes256GcmSha256
from tests.protection.rings import SUITES, ring_of

SEALERS = [Sealer(ring_of(*SUITES, active=active), Purpose.FIELD) for active in (1, 2)]

sealers = pytest.mark.parametrize("sealer", SEALERS, ids=["international", "national"])


@sealers
@given(plaintext=st.binary(max_size=500), context=st.binary(max_size=60))
def test_what_is_sealed_opens_in_its_place(
    sealer: Sealer, plaintext: bytes, context: bytes
) -> None:
    sealed = sealer.seal(context, plaintext)
    assert sealer.open(context, sealed) == plaintext
    assert len(sealed) == len(plaintext) + OVERHEAD_BYTES


@sealers
@given(plaintext=st.binary(max_size=40), place=st.binary(), other=st.binary())
def test_what_is_sealed_does_not_open_in_another_place(
    sealer: Sealer, plaintext: bytes, place: bytes, other: bytes
) -> None:
    assume(place != other)
    with pytest.raises(Unreadable):
        sealer.open(other, sealer.seal(place, plaintext))


@sealers
@given(plaintext=st.binary(max_size=40), data=st.data())
def test_one_flipped_bit_anywhere_is_noticed(
    sealer: Sealer, plaintext: bytes, data: st.DataObject
) -> None:
    sealed = bytearray(sealer.seal(b"place", plaintext))
    position = data.draw(st.integers(0, len(sealed) * 8 - 1))
    sealed[position // 8] ^= 1 << position % 8
    with pytest.raises(Unreadable):
        sealer.open(b"place", bytes(sealed))


@sealers
@given(length=st.integers(0, 60))
def test_a_value_cut_short_is_noticed(sealer: Sealer, length: int) -> None:
    sealed = sealer.seal(b"place", b"x" * 40)
    with pytest.raises(Unreadable):
        sealer.open(b"place", sealed[:length])


def test_a_value_cannot_be_relabelled_with_another_suite() -> None:
    sealed = SEALERS[0].seal(b"place", b"value")
    with pytest.raises(Unreadable):
        SEALERS[0].open(b"place", bytes([SM4_GCM_SM3.number]) + sealed[1:])


def test_a_value_cannot_be_relabelled_with_another_version_even_of_the_same_key() -> None:
    first = KeyVersion(1, AES_256_GCM_SHA256, b"k" * 32)
    twin = replace(first, number=2)
    sealer = Sealer(KeyRing({1: first, 2: twin}, active=first, lookup=first), Purpose.FIELD)
    sealed = sealer.seal(b"place", b"value")
    with pytest.raises(Unreadable):
        sealer.open(b"place", twin.header + sealed[len(twin.header) :])


def test_another_purpose_and_another_ring_do_not_open_it() -> None:
    ring = ring_of(AES_256_GCM_SHA256)
    sealed = Sealer(ring, Purpose.FIELD).seal(b"place", b"value")
    for stranger in (
        Sealer(ring, Purpose.ANSWER),
        Sealer(ring_of(AES_256_GCM_SHA256, seed=1), Purpose.FIELD),
    ):
        with pytest.raises(Unreadable):
            stranger.open(b"place", sealed)


def test_equal_values_never_look_equal() -> None:
    sealed = {SEALERS[0].seal(b"place", b"value") for _ in range(1000)}
    assert len(sealed) == 1000
    assert len({value[3:15] for value in sealed}) == 1000


def test_each_place_has_a_data_key_of_its_own() -> None:
    seen = set[bytes]()

    class Spy(Aes256GcmSha256):
        def encrypt(self, key: bytes, nonce: bytes, plaintext: bytes, context: bytes) -> bytes:
            seen.add(key)
            return super().encrypt(key, nonce, plaintext, context)

    sealer = Sealer(ring_of(Spy()), Purpose.FIELD)
    for row in range(100):
        sealer.seal(context_of("customer", "phone", str(row)), b"13812345678")
    assert len(seen) == 100


@given(st.lists(st.text(max_size=5), max_size=4), st.lists(st.text(max_size=5), max_size=4))
def test_different_parts_make_different_contexts(one: list[str], other: list[str]) -> None:
    assert (context_of(*one) == context_of(*other)) == (one == other)


@pytest.mark.parametrize("plaintext", ["王小明".encode(), b"6225881414207430"])
def test_nothing_of_the_plaintext_is_in_the_sealed_value(plaintext: bytes) -> None:
    for sealer in SEALERS:
        assert plaintext not in sealer.seal(b"place", plaintext)
