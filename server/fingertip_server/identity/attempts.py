"""Attempts to prove by a password who one is: counted first, checked then, and locked out together.

Signing in and standing by as the second person share an account's attempts.
"""

from fingertip_server.identity import accounts, passwords, rules
from fingertip_server.identity.rules import Account, Attempt
from fingertip_server.rpc.call import Call
from fingertip_server.rpc.phases import Outside


async def take(outside: Outside, staff_number: str, password: str) -> Attempt:
    """Counts an attempt, then checks the password; for unknown numbers too, at the same cost."""
    attempts_max = outside.bank.policies.count("identity.sign_in_attempts_max")
    counted = await outside.read(accounts.count_attempt, staff_number, attempts_max)
    if counted.is_known and not counted.is_counted:
        return Attempt(is_counted=False, matches=False)
    matches = await passwords.check(counted.password_hash, password)
    return Attempt(is_counted=counted.is_counted, matches=matches)


def opened(call: Call, staff_number: str) -> Account:
    """Returns the account that the call's attempt opens, with its count of failures at naught.

    Raises LOCKED_OUT and WRONG_CREDENTIALS.
    """
    account = rules.check_sign_in(
        accounts.lock(call.connection, staff_number),
        of_call(call),
        now=call.now,
        lock_out=call.bank.policies.duration("identity.lock_out"),
    )
    forgive(call, account)
    return account


def forgive(call: Call, account: Account) -> None:
    """Gives a locked account's attempts back, after one that was right."""
    accounts.set_lock(call.connection, account.staff_id, failed_attempts=0, locked_until=None)


def failed(call: Call, staff_number: str) -> None:
    """Locks an account of which all attempts failed, and records which account it is."""
    account = accounts.lock(call.connection, staff_number)
    if account is None:
        # Not even the number is recorded: people type their password into the wrong field.
        return
    policies = call.bank.policies
    until = rules.lock_until(
        account,
        now=call.now,
        attempts_max=policies.count("identity.sign_in_attempts_max"),
        lock_out=policies.duration("identity.lock_out"),
    )
    if until is not None:
        accounts.set_lock(
            call.connection,
            account.staff_id,
            failed_attempts=account.failed_attempts,
            locked_until=until,
        )
    call.record("staff", account.staff_id, "LOCKED" if until else "")


def of_call(call: Call) -> Attempt:
    """Returns the attempt that was made in the call's prepare phase."""
    attempt = call.prepared
    if not isinstance(attempt, Attempt):
        raise TypeError("A password is checked before the transaction.")
    return attempt
