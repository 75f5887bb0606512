"""Decisions about identities."""

from datetime import UTC, datetime, timedelta

import pytest

from fingertip_server import errors
from fingertip_server.identity import rules, tokens

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
LOCK_OUT = timedelta(minutes=30)
RIGHT = rules.Attempt(is_counted=True, matches=True)
WRONG = rules.Attempt(is_counted=True, matches=False)
NONE_LEFT = rules.Attempt(is_counted=False, matches=False)


def account(
    *, is_active: bool = True, failed: int = 0, locked_until: datetime | None = None
) -> rules.Account:
    return rules.Account("100103", is_active, failed, locked_until)


def test_the_right_password_opens_an_account() -> None:
    opened = rules.check_sign_in(account(failed=9), RIGHT, now=NOW, lock_out=LOCK_OUT)
    assert opened.staff_id == "100103"


@pytest.mark.parametrize(
    ("found", "attempt", "reason"),
    [
        (None, WRONG, "WRONG_CREDENTIALS"),
        # An unknown number has no attempt that could be counted.
        (None, NONE_LEFT, "WRONG_CREDENTIALS"),
        (account(), WRONG, "WRONG_CREDENTIALS"),
        (account(is_active=False), RIGHT, "WRONG_CREDENTIALS"),
        (account(failed=10), NONE_LEFT, "LOCKED_OUT"),
        (account(failed=10, locked_until=NOW + LOCK_OUT), NONE_LEFT, "LOCKED_OUT"),
        # Counted before somebody else's failure locked the account.
        (account(failed=10, locked_until=NOW + LOCK_OUT), RIGHT, "LOCKED_OUT"),
        (account(failed=10, locked_until=NOW), RIGHT, None),
    ],
)
def test_who_is_let_in(
    found: rules.Account | None, attempt: rules.Attempt, reason: str | None
) -> None:
    if reason is None:
        assert rules.check_sign_in(found, attempt, now=NOW, lock_out=LOCK_OUT) == found
        return
    with pytest.raises(errors.DomainError) as refusal:
        rules.check_sign_in(found, attempt, now=NOW, lock_out=LOCK_OUT)
    assert refusal.value.reason_name == reason


def test_a_locked_account_says_when_to_try_again() -> None:
    until = NOW + timedelta(minutes=7)
    with pytest.raises(errors.LimitReached) as refusal:
        rules.check_sign_in(account(locked_until=until), RIGHT, now=NOW, lock_out=LOCK_OUT)
    assert datetime.fromisoformat(refusal.value.metadata["retry_time"]) == until


@pytest.mark.parametrize(
    ("found", "until"),
    [
        (account(failed=9), None),
        (account(failed=10), NOW + LOCK_OUT),
        (account(failed=11), NOW + LOCK_OUT),
        # Who tries while he is locked out does not wait longer for it.
        (account(failed=10, locked_until=NOW + timedelta(minutes=1)), None),
    ],
)
def test_the_last_failure_locks(found: rules.Account, until: datetime | None) -> None:
    assert rules.lock_until(found, now=NOW, attempts_max=10, lock_out=LOCK_OUT) == until


@pytest.mark.parametrize(
    ("password", "rule"),
    [
        ("Kp3-mon", "length"),
        ("Kp3-" * 33, "length"),
        ("aaaaaaaa", "variety"),
        ("abababab", "variety"),
        ("x100103y", "staff_number"),
        ("Kp3-mond", None),
        ("春眠不觉晓处处闻", None),
    ],
)
def test_a_password_is_not_easily_guessed(password: str, rule: str | None) -> None:
    if rule is None:
        rules.check_password("100103", password)
        return
    with pytest.raises(errors.InvalidState) as refusal:
        rules.check_password("100103", password)
    assert refusal.value.metadata == {"rule": rule}


@pytest.mark.parametrize(
    ("now", "is_over"), [(899.9, False), (900.0, True), (1000.0, True), (-5.0, False)]
)
def test_a_session_idles(now: float, *, is_over: bool) -> None:
    assert is_over == rules.is_session_over(
        now, expires_seconds=43_200, last_used_seconds=0, idle_seconds=900
    )


@pytest.mark.parametrize(("now", "is_over"), [(43_199.9, False), (43_200.0, True)])
def test_a_session_in_use_expires(now: float, *, is_over: bool) -> None:
    assert is_over == rules.is_session_over(
        now, expires_seconds=43_200, last_used_seconds=now - 1, idle_seconds=900
    )


@pytest.mark.parametrize(
    ("is_head_office", "wanted", "shown"),
    [(True, "", ""), (True, "0102", "0102"), (False, "", "0101"), (False, "0101", "0101")],
)
def test_which_staff_are_listed(wanted: str, shown: str, *, is_head_office: bool) -> None:
    assert rules.unit_to_list("0101", is_head_office=is_head_office, wanted=wanted) == shown


def test_a_branch_does_not_see_the_staff_of_another() -> None:
    with pytest.raises(errors.PermissionDenied) as refusal:
        rules.unit_to_list("0101", is_head_office=False, wanted="0102")
    assert refusal.value.reason_name == "OTHER_BRANCH"


def test_tokens_differ_and_are_fit_for_a_header() -> None:
    made = {tokens.new_token() for _ in range(1000)}
    assert len(made) == 1000
    assert all(len(token) == 43 and token.isascii() and token.isprintable() for token in made)


def test_a_code_is_typed_in_any_way_that_looks_alike() -> None:
    assert tokens.normalise_code("7q3k-9zrt xm2p") == "7Q3K9ZRTXM2P"
    assert tokens.normalise_code("OIL0-1111-AAAA") == "01101111AAAA"


def test_a_new_code_has_no_letter_that_is_misread() -> None:
    for _ in range(200):
        code = tokens.new_enrolment_code()
        assert [len(group) for group in code.split("-")] == [4, 4, 4]
        assert tokens.normalise_code(code) == code.replace("-", "")
