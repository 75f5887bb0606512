"""Hashing and checking of passwords."""

import asyncio
import time

import pytest

from fingertip_server import errors
from fingertip_server.identity import passwords


def test_a_password_is_known_by_its_hash_alone() -> None:
    hashed = passwords.accepted_hash("100103", "Kp3-mond", former=[])
    assert hashed.startswith("$argon2id$v=19$m=65536,t=3,")
    assert "Kp3" not in hashed
    assert passwords.is_match(hashed, "Kp3-mond")
    assert not passwords.is_match(hashed, "Kp3-mone")


def test_two_accounts_with_one_password_have_two_hashes() -> None:
    made = {passwords.accepted_hash(number, "Kp3-mond", []) for number in ("100103", "100104")}
    assert len(made) == 2


def test_a_former_password_does_not_come_back() -> None:
    former = [passwords.accepted_hash("100103", "Kp3-mond", [])]
    with pytest.raises(errors.InvalidState) as refusal:
        passwords.accepted_hash("100103", "Kp3-mond", former)
    assert refusal.value.metadata == {"rule": "reuse"}


def test_the_same_characters_match_however_the_keyboard_composes_them() -> None:
    hashed = passwords.accepted_hash("100103", "cafe\u0301-3456", [])
    assert passwords.is_match(hashed, "caf\u00e9-3456")


def test_an_account_that_nobody_has_costs_the_same_work() -> None:
    hashed = passwords.accepted_hash("100103", "Kp3-mond", [])

    def cpu_seconds(password_hash: str | None) -> float:
        start = time.thread_time()
        assert not passwords.is_match(password_hash, "wrong-one")
        return time.thread_time() - start

    known = min(cpu_seconds(hashed) for _ in range(3))
    nobody = min(cpu_seconds(None) for _ in range(3))
    assert nobody == pytest.approx(known, rel=0.4)


async def test_checking_does_not_hold_up_other_calls() -> None:
    hashed = passwords.accepted_hash("100103", "Kp3-mond", [])
    turns = 0

    async def take_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0.001)

    others = asyncio.create_task(take_turns())
    assert await passwords.check(hashed, "Kp3-mond")
    others.cancel()
    assert turns > 10
