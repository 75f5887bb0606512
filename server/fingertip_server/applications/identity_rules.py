"""What the register's answer about a person means: 银发〔2007〕345号.

A failed check is not sufficient to turn anybody away: the bank looks for other proofs, asks the
police, and when their time to answer is over it may not refuse for this reason any more.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from fingertip_server.applications.faults import Fault, FaultKind
from fingertip_server.applications.persons import LABELS, Party
from fingertip_server.packs.working_days import Calendar


class Outcome(StrEnum):
    """The register's five answers, called as the contract calls them."""

    CONSISTENT_WITH_PHOTO = "CONSISTENT_WITH_PHOTO"
    CONSISTENT_WITHOUT_PHOTO = "CONSISTENT_WITHOUT_PHOTO"
    NAME_DIFFERS = "NAME_DIFFERS"
    NUMBER_UNKNOWN = "NUMBER_UNKNOWN"
    NOT_CHECKED = "NOT_CHECKED"


class State(StrEnum):
    """How far an identity is known, called as the contract calls it."""

    CHECKING = "CHECKING"
    CONFIRMED = "CONFIRMED"
    IDENTITY_UNRESOLVED = "IDENTITY_UNRESOLVED"
    PROVEN_OTHERWISE = "PROVEN_OTHERWISE"
    NOT_CHECKED = "NOT_CHECKED"


_FOUND = {
    Outcome.CONSISTENT_WITH_PHOTO: State.CONFIRMED,
    Outcome.CONSISTENT_WITHOUT_PHOTO: State.CONFIRMED,
    Outcome.NAME_DIFFERS: State.IDENTITY_UNRESOLVED,
    Outcome.NUMBER_UNKNOWN: State.IDENTITY_UNRESOLVED,
    Outcome.NOT_CHECKED: State.NOT_CHECKED,
}
_SAYS = {Outcome.NAME_DIFFERS: "号码存在但姓名不符", Outcome.NUMBER_UNKNOWN: "号码不存在"}


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of a person: the last answer, None while it is awaited, and other proofs."""

    party: Party
    outcome: Outcome | None
    is_proven: bool
    unhindered_at: datetime | None

    @property
    def state(self) -> State:
        """Returns how far the identity is known."""
        if self.outcome is None:
            return State.CHECKING
        found = _FOUND[self.outcome]
        is_proven = self.is_proven and found is State.IDENTITY_UNRESOLVED
        return State.PROVEN_OTHERWISE if is_proven else found


def is_unresolved(outcome: Outcome) -> bool:
    """Tells whether an answer has the bank look for other proofs."""
    return _FOUND[outcome] is State.IDENTITY_UNRESOLVED


def unhindered_at(
    answered: datetime, zone: ZoneInfo, calendar: Calendar, working_days: int
) -> datetime:
    """Returns when the police's working days to answer are over: with the end of the last one."""
    last = calendar.after(answered.astimezone(zone).date(), working_days)
    return _midnight(last + timedelta(days=1), zone)


def unasked(party: Party) -> Fault:
    """Returns the fault of a person about whom nobody asked."""
    note = f"{LABELS[party]}尚未联网核查。"
    return Fault(f"identity.{party.lower()}", FaultKind.IDENTITY_UNCHECKED, note)


def judge(standing: Standing, *, unchecked_accepted: bool, now: datetime) -> Fault | None:
    """Returns what stands against a submission, or has to be known to the authoriser."""
    subject, label = f"identity.{standing.party.lower()}", LABELS[standing.party]
    match standing.state:
        case State.CHECKING:
            note = f"{label}联网核查尚无结果，请稍候。"
            return Fault(subject, FaultKind.IDENTITY_UNCHECKED, note)
        case State.NOT_CHECKED if unchecked_accepted:
            note = f"{label}未能联网核查，可先行办理，系统将事后补核查。"
            return Fault(subject, FaultKind.WARNING, note)
        case State.NOT_CHECKED:
            note = f"{label}未能联网核查，请稍后重新核查。"
            return Fault(subject, FaultKind.IDENTITY_UNCHECKED, note)
        case State.IDENTITY_UNRESOLVED:
            is_over = standing.unhindered_at is not None and standing.unhindered_at <= now
            kind = FaultKind.WARNING if is_over else FaultKind.IDENTITY_UNRESOLVED
            said = _SAYS[standing.outcome] if standing.outcome else ""
            advice = (
                "已超过公安机关答复期限，不得因此拒绝办理。"
                if is_over
                else "不构成拒绝办理的理由，请采集并亲见其他身份证明。"
            )
            return Fault(subject, kind, f"{label}联网核查未一致（{said}），{advice}")
        case _:
            return None


def told_to_authoriser(standing: Standing) -> str:
    """Returns what the authoriser has to look at because of a person; "" for nothing."""
    label = LABELS[standing.party]
    match standing.state:
        case State.NOT_CHECKED:
            return f"{label}未能联网核查：证件原件真实，人证一致，事后将补核查"
        case State.IDENTITY_UNRESOLVED | State.PROVEN_OTHERWISE if standing.outcome:
            said = _SAYS[standing.outcome]
            return f"{label}联网核查未一致（{said}）：其他身份证明足以确认身份"
        case _:
            return ""


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time.min, zone)
