"""What other domains call: looks for persons on the lists, and keeps every look."""

from collections.abc import Sequence
from uuid import UUID, uuid4

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from fingertip_server.rpc.call import Call
from fingertip_server.screening import rules, timers
from fingertip_server.screening.tables import (
    ScreeningEntry,
    ScreeningHit,
    ScreeningKey,
    ScreeningList,
    ScreeningRecord,
)
from fingertip_server.screening.values import (
    Effect,
    Findings,
    Match,
    Means,
    Person,
    Stage,
    Subject,
)

_ENTRIES = select(
    ScreeningKey.blind, ScreeningKey.list_code, ScreeningKey.entry_number, ScreeningEntry.effect
).join(
    ScreeningEntry,
    (ScreeningEntry.list_code == ScreeningKey.list_code)
    & (ScreeningEntry.entry_number == ScreeningKey.entry_number),
)
_POSITIONS = select(ScreeningList.list_code, ScreeningList.position)


def hits(call: Call, persons: Sequence[Person]) -> Findings:
    """Returns what the lists say of persons now. Changes nothing."""
    wanted: dict[bytes, list[tuple[str, Means]]] = {}
    for person in persons:
        for means, key in rules.keys_of_person(person):
            blind = call.protection.blind(ScreeningKey.blind, key)
            wanted.setdefault(blind, []).append((person.party, means))
    found = call.connection.execute(_ENTRIES.where(ScreeningKey.blind.in_(wanted)))
    matches = {
        Match(party, row.list_code, row.entry_number, means, Effect(row.effect))
        for row in found
        for party, means in wanted[row.blind]
    }
    positions = {row.list_code: row.position for row in call.connection.execute(_POSITIONS)}
    in_order = sorted(matches, key=lambda match: (*match.entry, match.means))
    return Findings(tuple(in_order), positions)


def screen(call: Call, stage: Stage, subject: Subject, persons: Sequence[Person]) -> Findings:
    """Looks for persons on the lists, keeps that it did, and has compliance told of a hit."""
    findings = hits(call, persons)
    screening_id = uuid4()
    call.session.add(
        ScreeningRecord(
            screening_id=screening_id,
            application_id=subject.application_id,
            revision=subject.revision,
            stage=stage,
            screen_time=call.now,
            positions=findings.positions,
            matches=[[*match.entry, match.means, match.effect] for match in findings.matches],
            effect=findings.effect,
        )
    )
    if findings.effect is not None:
        _tell(call, screening_id, stage, subject)
    return findings


def decided(call: Call, application_id: UUID) -> frozenset[tuple[str, str, str]]:
    """Returns the entries that were known at the last submission: who stands where."""
    rows = call.session.scalars(
        select(ScreeningRecord.matches)
        .where(
            ScreeningRecord.application_id == application_id,
            ScreeningRecord.stage == Stage.SUBMISSION,
        )
        .order_by(ScreeningRecord.screen_time.desc())
        .limit(1)
    )
    return frozenset((match[0], match[1], match[2]) for matches in rows for match in matches)


def _tell(call: Call, screening_id: UUID, stage: Stage, subject: Subject) -> None:
    """Opens a hit unless one is open, and has compliance told in a transaction of its own.

    A submission tells branch and centre already; and neither is to learn of this.
    """
    call.session.execute(
        insert(ScreeningHit)
        .values(
            screening_id=screening_id,
            application_id=subject.application_id,
            branch_id=subject.branch_id,
            journey_id=subject.journey_id,
            stage=stage,
            hit_time=call.now,
        )
        .on_conflict_do_nothing()
    )
    call.start_timer(timers.TELL, screening_id, call.now)
