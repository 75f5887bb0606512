"""Another member of staff proves with his own factor that he stands beside the caller."""

from dataclasses import dataclass

import pytest
from sqlalchemy import Connection

from fingertip.identity.v1.second_person_pb2 import SecondPerson
from fingertip_server import errors
from fingertip_server.app import App
from fingertip_server.identity import directory, second_person
from fingertip_server.identity.directory import StaffRow
from fingertip_server.identity.rules import Attempt
from fingertip_server.rpc.call import Call
from fingertip_server.rpc.phases import Outside
from fingertip_server.rpc.principal import Principal, PrincipalKind
from tests.conftest import Database
from tests.world import PASSWORD, World

_PERMISSION = "applications.capture"
_ATTEMPTS_MAX = 10


@dataclass(frozen=True)
class _Request:
    second_person: SecondPerson


def _request(number: str, password: str = PASSWORD) -> _Request:
    return _Request(SecondPerson(staff_number=number, password=password))


async def _stand_by(server: App, number: str, password: str = PASSWORD) -> StaffRow:
    """Does with 100103 what the pipeline does with a method that needs a second person."""
    frame, request = server.frame, _request(number, password)
    found = await server.units.autocommit(lambda c: directory.staff(c, "100103"))
    assert found is not None
    caller = Principal(
        kind=PrincipalKind.STAFF,
        id=found.staff_id,
        branch_id=found.branch_id,
        person_id=found.person_id,
    )
    prepared = await second_person.prepare(
        Outside(caller, frame.protection, frame.bank, frame.units, frame.authority), request
    )

    def call_on(connection: Connection, attempt: Attempt) -> Call:
        return Call(
            principal=caller,
            connection=connection,
            protection=frame.protection,
            bank=frame.bank,
            hooks=frame.hooks,
            method="test",
            prepared=attempt,
        )

    try:
        return await server.units.transaction(
            lambda c: second_person.verified(call_on(c, prepared), request, _PERMISSION)
        )
    except errors.DomainError as error:
        refusal = error
    await server.units.transaction(
        lambda c: second_person.refuse(call_on(c, prepared), request, refusal)
    )
    raise refusal


async def _reason(server: App, number: str, password: str = PASSWORD) -> str:
    try:
        await _stand_by(server, number, password)
    except errors.DomainError as error:
        return error.reason_name
    return ""


async def _failed_attempts(database: Database, number: str) -> int:
    [row] = await database.as_owner("SELECT failed_attempts FROM staff WHERE staff_id = $1", number)
    return int(row["failed_attempts"])


async def test_somebody_else_of_the_branch_stands_by(server: App) -> None:
    second = await _stand_by(server, "100104")
    assert (second.staff_id, second.branch_id) == ("100104", "0101")


@pytest.mark.parametrize(
    ("number", "password", "reason"),
    [
        ("100104", "not-the-password", "WRONG_CREDENTIALS"),
        ("199999", PASSWORD, "WRONG_CREDENTIALS"),
        ("100103", PASSWORD, "FOUR_EYES"),
        ("100202", PASSWORD, "OTHER_BRANCH"),
        ("100101", PASSWORD, "PERMISSION_MISSING"),
        ("100107", PASSWORD, "NOT_ON_SHIFT"),
    ],
    ids=["password", "number", "caller", "branch", "role", "off_duty"],
)
async def test_nobody_else_stands_by(server: App, number: str, password: str, reason: str) -> None:
    assert await _reason(server, number, password) == reason


async def test_nobody_suspended_stands_by(server: App, database: Database) -> None:
    await database.as_owner("UPDATE staff SET state = 'SUSPENDED' WHERE staff_id = '100104'")
    assert await _reason(server, "100104") == "WRONG_CREDENTIALS"


async def test_standing_by_and_signing_in_share_their_attempts(
    server: App, world: World, database: Database
) -> None:
    for _ in range(_ATTEMPTS_MAX):
        assert await _reason(server, "100104", "not-the-password") == "WRONG_CREDENTIALS"
    assert await _reason(server, "100104") == "LOCKED_OUT"
    with pytest.raises(Exception, match="LOCKED_OUT"):
        await world.bare_tablet.sign_in("100104", PASSWORD)


async def test_a_refusal_after_the_right_password_counts_as_no_failure(
    server: App, database: Database
) -> None:
    assert await _reason(server, "100202", "not-the-password") == "WRONG_CREDENTIALS"
    assert await _failed_attempts(database, "100202") == 1
    for _ in range(_ATTEMPTS_MAX + 1):
        assert await _reason(server, "100202") == "OTHER_BRANCH"
    assert await _failed_attempts(database, "100202") == 0
