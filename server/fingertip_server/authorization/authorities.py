"""By what somebody decides: his own level, and what others lent him.

Authority can be lent, a skill cannot: whoever is to decide by another's level has learned the work
himself, where it takes learning.
"""

from collections.abc import Collection, Iterable

from sqlalchemy import Connection

from fingertip_server.authorization import rules
from fingertip_server.authorization.rules import Authority, Decider, Need, Parties, Person
from fingertip_server.authorization.tables import Task
from fingertip_server.identity import delegations
from fingertip_server.identity.delegations import InForce
from fingertip_server.identity.directory import StaffRow
from fingertip_server.rpc.call import Call
from fingertip_server.rpc.principal import Principal

Account = StaffRow | Principal


def deciders(connection: Connection, accounts: Collection[Account], skill: str) -> list[Decider]:
    """Returns accounts of staff as those who may decide about tasks of a skill, in their order."""
    persons = [_person(account) for account in accounts]
    lent = delegations.in_force(connection, {person.person_id for person in persons})
    return [
        _decider(account, person, lent, skill)
        for account, person in zip(accounts, persons, strict=True)
    ]


def decider(connection: Connection, account: Account, skill: str) -> Decider:
    """Returns an account of a member of staff as who may decide about tasks of a skill."""
    [found] = deciders(connection, [account], skill)
    return found


def by_skill(connection: Connection, account: Account, skills: Iterable[str]) -> dict[str, Decider]:
    """Returns an account of a member of staff as who may decide about tasks of each skill."""
    person = _person(account)
    lent = delegations.in_force(connection, {person.person_id})
    return {skill: _decider(account, person, lent, skill) for skill in skills}


def need(task: Task) -> Need:
    """Returns what authority a task takes."""
    return Need(task.level, task.scene_code)


def held(call: Call, by: Decider, task: Task, excluded: Parties) -> Authority:
    """Returns the authority by which somebody decides about a task, his own if that is enough.

    What was lent is not taken back before the end of the transaction. Raises AUTHORITY_TOO_LOW.
    """
    for authority in by.authorities:
        if not rules.admits(authority, need(task), excluded):
            continue
        if authority.delegation_id is None:
            return authority
        lent = delegations.hold(call.connection, authority.delegation_id)
        if lent is not None and lent.level >= task.level:
            return authority
    raise rules.authority_too_low(task.level)


def _decider(account: Account, person: Person, lent: Iterable[InForce], skill: str) -> Decider:
    his = [each for each in lent if each.delegate_person_id == person.person_id]
    return Decider(
        person,
        (
            Authority(account.level),
            *(
                authority
                for each in his
                if each.delegate_id == _number(account)
                for authority in _of(each, skill)
            ),
        ),
        frozenset(each.delegator_person_id for each in his),
    )


def _of(lent: InForce, skill: str) -> list[Authority]:
    scenes = ("",) if skill in lent.skills else lent.scene_codes
    lender = Person(lent.delegator_person_id, lent.delegator_customer_id)
    return [
        Authority(lent.level, lent.delegation_id, lender, scene, lent.expires_at)
        for scene in scenes
    ]


def _person(account: Account) -> Person:
    if account.person_id is None:
        raise TypeError("Only a member of staff decides.")
    return Person(account.person_id, account.customer_id)


def _number(account: Account) -> str:
    return account.id if isinstance(account, Principal) else account.staff_id
