"""The numbers of the rules: each with its unit and where it comes from.

Rule texts change and a bank's compliance has the last word, so that a number which a rule reads
stands in the pack. Which policies there are, and of which kind, the product knows: `KINDS`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, TypeAlias

from pydantic import Field, StringConstraints, ValidationInfo, field_validator

from fingertip_server.packs import quantities
from fingertip_server.packs.quantities import Money
from fingertip_server.packs.schema_types import DottedWords, Frozen, Sentence

PolicyValue: TypeAlias = int | timedelta | Money | bool

_COUNTED = frozenset(
    {
        "characters",
        "times",
        "tickets",
        "tasks",
        "accounts",
        "months",
        "years",
        "vouchers",
        "per_mille",
        "working_days",
    }
)
_FLAG = "flag"
_UNITS = sorted({*_COUNTED, *quantities.DURATION_UNITS, _FLAG})
_FLAGS = {"true": True, "false": False}


class PolicyKind(StrEnum):
    """How a policy is read."""

    COUNT = "count"
    DURATION = "duration"
    MONEY = "money"
    FLAG = "flag"


_KEYS = {
    PolicyKind.COUNT: (
        "accounts.class_one_max",
        "accounts.class_two_max",
        "accounts.class_three_max",
        "accounts.dormant_months",
        "authorization.overflow_tasks_per_authoriser",
        "authorization.messages_max",
        "agreements.characters_per_second",
        "documents.validity_years_under_16",
        "documents.validity_years_16_to_25",
        "documents.validity_years_26_to_45",
        "fulfilment.attempts_max",
        "identity.sign_in_attempts_max",
        "identity_check.police_working_days",
        "lobby.no_show_recalls",
        "lobby.recallable_tickets",
        "lobby.requeue_after_tickets",
        "lobby.reserved_block_tickets",
        "lobby.vip_calls_in_a_row_max",
        "quality.second_look_share",
        "minors.guardian_under_years",
        "minors.household_register_under_years",
        "minors.proxy_from_years",
        "vouchers.held_max",
        "vouchers.moved_at_once_max",
    ),
    PolicyKind.DURATION: (
        "applications.consent_validity",
        "applications.customer_waits",
        "applications.draft_retention",
        "applications.inquiry_patience",
        "applications.inquiry_validity",
        "applications.reversal_window",
        "authorization.assignment",
        "authorization.claimed_alert",
        "authorization.handling",
        "authorization.head_start_per_tier_rank",
        "authorization.head_start_waiting_customer",
        "authorization.offer",
        "authorization.overflow_wait",
        "authorization.queued_alert",
        "authorization.queued_escalation",
        "authorization.supplement_deadline",
        "customer.holdings_ttl",
        "customer.intentions_ttl",
        "customer.preferences_ttl",
        "customer.profile_ttl",
        "customer.transactions_ttl",
        "fulfilment.back_off_first",
        "fulfilment.back_off_max",
        "fulfilment.lease",
        "fulfilment.settle",
        "identity.delegation_lifetime_max",
        "identity.enrolment_code_lifetime",
        "identity.lock_out",
        "identity.session_idle",
        "identity.session_lifetime",
        "identity_check.answer_ttl",
        "identity_check.patience",
        "identity_check.recheck_after",
        "lobby.arrival_escalation",
        "lobby.waiting_before_vip_cap",
        "quality.error_answer",
        "signatures.certificate_validity",
        "vouchers.closing_grace",
    ),
    PolicyKind.MONEY: (
        "accounts.class_two_daily_max",
        "accounts.class_two_yearly_max",
        "accounts.class_three_balance_max",
        "accounts.class_three_daily_max",
        "accounts.class_three_yearly_max",
    ),
    PolicyKind.FLAG: (
        "accounts.restriction_refuses",
        "accounts.proxy_opened_inactive",
        "authorization.offers_by_lot",
        "documents.expired_accepted",
        "identity_check.unchecked_accepted",
        "vouchers.unclosed_day_blocks",
    ),
}
# Every policy that the product reads, and limits of accounts that it leaves to the bank's core; a
# pack has exactly these, besides those that its forms read.
KINDS: Mapping[str, PolicyKind] = MappingProxyType(
    {key: kind for kind, keys in _KEYS.items() for key in keys}
)


class Policy(Frozen):
    """One number as written, its unit, the rule or default it stands for, and what to know of it.

    A unit is one of characters, times, tickets, tasks, accounts, months, years, vouchers,
    per_mille, working_days (counts), s, min, h, d (durations), flag (true or false) or a currency.
    """

    key: DottedWords
    # Before the value, which is read by it.
    unit: Annotated[str, StringConstraints(pattern=rf"^({'|'.join(_UNITS)}|[A-Z]{{3}})$")]
    value: Annotated[str, StringConstraints(max_length=20)]
    source: Sentence
    note: Sentence | None = None

    @field_validator("value")
    @classmethod
    def _is_of_its_unit(cls, written: str, info: ValidationInfo) -> str:
        if "unit" in info.data:
            _parse(written, info.data["unit"])
        return written

    @property
    def kind(self) -> PolicyKind:
        """Tells how the value is read."""
        if self.unit in _COUNTED:
            return PolicyKind.COUNT
        if self.unit in quantities.DURATION_UNITS:
            return PolicyKind.DURATION
        return PolicyKind.FLAG if self.unit == _FLAG else PolicyKind.MONEY

    @property
    def parsed(self) -> PolicyValue:
        """Returns the value in its type."""
        return _parse(self.value, self.unit)


def _parse(written: str, unit: str) -> PolicyValue:
    if unit in _COUNTED:
        return quantities.parse_count(written)
    if unit in quantities.DURATION_UNITS:
        return quantities.parse_duration(f"{written} {unit}")
    if unit != _FLAG:
        return quantities.parse_money(written, unit)
    if written not in _FLAGS:
        raise ValueError("A flag is true or false.")
    return _FLAGS[written]


class PoliciesFile(Frozen):
    """policies.yaml."""

    policies: tuple[Policy, ...] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class Policies:
    """The policies by key, each read in its own type.

    Asking for a key that `KINDS` does not have, or in another type than its own, is a mistake of
    the program: `KeyError` or `TypeError`.
    """

    values: Mapping[str, PolicyValue]

    @classmethod
    def of(cls, policies: Iterable[Policy]) -> "Policies":
        """Returns the policies read once, for any number of look-ups."""
        return cls(MappingProxyType({policy.key: policy.parsed for policy in policies}))

    def count(self, key: str) -> int:
        """Returns a number of things."""
        value = self.values[key]
        if isinstance(value, bool) or not isinstance(value, int):
            raise TypeError(f"The policy {key} is not a count.")
        return value

    def duration(self, key: str) -> timedelta:
        """Returns a length of time."""
        value = self.values[key]
        if not isinstance(value, timedelta):
            raise TypeError(f"The policy {key} is not a duration.")
        return value

    def money(self, key: str) -> Money:
        """Returns an amount."""
        value = self.values[key]
        if not isinstance(value, Money):
            raise TypeError(f"The policy {key} is not an amount.")
        return value

    def flag(self, key: str) -> bool:
        """Returns a yes or no."""
        value = self.values[key]
        if not isinstance(value, bool):
            raise TypeError(f"The policy {key} is not a flag.")
        return value
