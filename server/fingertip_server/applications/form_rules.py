"""Holds the answers to the rules that their form declares. Knows no form, and no database."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from types import MappingProxyType

from fingertip_server.applications.faults import Fault, FaultKind
from fingertip_server.packs.schema_rules import (
    Answered,
    AnyOf,
    AsInMaster,
    AtMost,
    Attached,
    Circumstance,
    Differs,
    FormRule,
    MasterField,
    NotAfter,
    NotBefore,
    Rule,
    Same,
    Unshared,
)


@dataclass(frozen=True, slots=True)
class Known:
    """What rules are about.

    `answer` returns a field's answer in its one spelling, "" for none and for one that is wrong by
    itself; `written` whether there is any. `limits` are the bank's policies of amounts. `shared`
    names the fields whose number is known of another person.
    """

    answer: Callable[[str], str]
    written: Callable[[str], bool]
    attachments: Collection[str]
    master: Mapping[MasterField, str]
    limits: Mapping[str, Decimal]
    shared: Collection[str]
    today: date


def check(rules: Collection[FormRule], known: Known) -> list[Fault]:
    """Returns the faults by the rules that count, in their order."""
    return [
        Fault(rule.subject, FaultKind.WARNING if rule.warning else _KINDS[type(rule)], rule.note)
        for rule in rules
        if all(_is_met(circumstance, known) for circumstance in rule.when)
        and _is_broken(rule, known)
    ]


def _is_met(circumstance: Circumstance, known: Known) -> bool:
    """Tells whether it is so; a limit that the bank does not have is exceeded."""
    answer = known.answer(circumstance.field)
    if circumstance.above is None:
        return answer in circumstance.values
    limit = known.limits.get(circumstance.above)
    return bool(answer) and (limit is None or Decimal(answer) > limit)


def _is_broken(rule: FormRule, known: Known) -> bool:
    match rule:
        case Answered():
            return not known.written(rule.subject)
        case Attached():
            return rule.subject not in known.attachments
        case Unshared():
            return rule.subject in known.shared
        case _:
            answer = known.answer(rule.subject)
            return bool(answer) and _breaks(rule, answer, known)


def _breaks(
    rule: AnyOf | NotBefore | NotAfter | AtMost | Same | Differs | AsInMaster,
    answer: str,
    known: Known,
) -> bool:
    match rule:
        case AnyOf():
            return answer not in rule.values
        case NotBefore() | NotAfter():
            other = known.answer(rule.other) if rule.other else known.today.isoformat()
            days = (answer, other) if isinstance(rule, NotBefore) else (other, answer)
            return bool(other) and date.fromisoformat(days[0]) < date.fromisoformat(days[1])
        case AtMost():
            return _exceeds(rule, Decimal(answer), known)
        case Same():
            return answer != known.answer(rule.other)
        case Differs():
            return answer == known.answer(rule.other)
        case AsInMaster():
            kept = known.master.get(rule.master, "")
            return bool(kept) and answer != kept


def _exceeds(rule: AtMost, amount: Decimal, known: Known) -> bool:
    if rule.other is not None:
        other = known.answer(rule.other)
        return bool(other) and amount > Decimal(other)
    limit = known.limits.get(rule.policy or "")
    # A limit that the bank's newer pack does not have any more admits nothing.
    return limit is None or amount > limit


_KINDS: Mapping[type[Rule], FaultKind] = MappingProxyType(
    {
        Answered: FaultKind.MISSING,
        AnyOf: FaultKind.CONTRADICTION,
        NotBefore: FaultKind.CONTRADICTION,
        NotAfter: FaultKind.CONTRADICTION,
        AtMost: FaultKind.LIMIT,
        Same: FaultKind.CONTRADICTION,
        Differs: FaultKind.CONTRADICTION,
        AsInMaster: FaultKind.CONTRADICTION,
        Attached: FaultKind.MISSING,
        Unshared: FaultKind.CONTRADICTION,
    }
)
