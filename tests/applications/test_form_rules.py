"""What a form declares about several answers together."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

import pytest
from pydantic import TypeAdapter

from fingertip_server.applications import form_rules
from fingertip_server.applications.faults import FaultKind
from fingertip_server.applications.form_rules import Known
from fingertip_server.packs.schema_rules import FormRule, MasterField

_RULE: TypeAdapter[FormRule] = TypeAdapter(FormRule)
_TODAY = date(2026, 6, 1)
_LIMITS = {"loans.max": Decimal("300000.00")}
_MASTER = {MasterField.MOBILE: "15420260201", MasterField.NAME: ""}


def _find(rule: Mapping[str, object], **given: str) -> list[FaultKind]:
    known = Known(
        answer=lambda key: given.get(key, ""),
        written=lambda key: bool(given.get(key)),
        attachments={"invoice"},
        master=_MASTER,
        limits=_LIMITS,
        shared={"new_mobile"},
        today=_TODAY,
    )
    parsed = _RULE.validate_python({"note": "请核对。", **rule})
    found = form_rules.check([parsed], known)
    assert all((fault.subject, fault.note) == (rule["subject"], "请核对。") for fault in found)
    return [fault.kind for fault in found]


@pytest.mark.parametrize(
    ("rule", "broken", "kept"),
    [
        ({"kind": "answered", "subject": "a"}, {}, {"a": "x"}),
        ({"kind": "any_of", "subject": "a", "values": ["x", "y"]}, {"a": "z"}, {"a": "y"}),
        ({"kind": "not_before", "subject": "a"}, {"a": "2026-05-31"}, {"a": "2026-06-01"}),
        ({"kind": "not_after", "subject": "a"}, {"a": "2026-06-02"}, {"a": "2026-06-01"}),
        (
            {"kind": "not_before", "subject": "a", "other": "b"},
            {"a": "2026-01-01", "b": "2026-01-02"},
            {"a": "2026-01-02", "b": "2026-01-02"},
        ),
        (
            {"kind": "not_after", "subject": "a", "other": "b"},
            {"a": "2026-01-03", "b": "2026-01-02"},
            {"a": "2026-01-02", "b": "2026-01-02"},
        ),
        (
            {"kind": "at_most", "subject": "a", "other": "b"},
            {"a": "1000.00", "b": "999.99"},
            {"a": "1000.00", "b": "1000.00"},
        ),
        (
            {"kind": "at_most", "subject": "a", "policy": "loans.max"},
            {"a": "300000.01"},
            {"a": "300000.00"},
        ),
        (
            {"kind": "same", "subject": "a", "other": "b"},
            {"a": "1", "b": "2"},
            {"a": "1", "b": "1"},
        ),
        (
            {"kind": "differs", "subject": "a", "other": "b"},
            {"a": "1", "b": "1"},
            {"a": "1", "b": "2"},
        ),
        (
            {"kind": "as_in_master", "subject": "a", "master": "mobile"},
            {"a": "15420260202"},
            {"a": "15420260201"},
        ),
    ],
)
def test_a_rule_is_broken_and_kept(
    rule: Mapping[str, object], broken: Mapping[str, str], kept: Mapping[str, str]
) -> None:
    assert len(_find(rule, **broken)) == 1
    assert _find(rule, **kept) == []


@pytest.mark.parametrize(
    "kind",
    ["any_of", "not_before", "not_after", "at_most", "same", "differs", "as_in_master"],
)
def test_a_rule_says_nothing_of_what_is_not_answered(kind: str) -> None:
    more: dict[str, dict[str, object]] = {
        "any_of": {"values": ["x"]},
        "at_most": {"policy": "loans.max"},
        "as_in_master": {"master": "mobile"},
    }
    other: dict[str, object] = {"other": "b"}
    assert _find({"kind": kind, "subject": "a", **more.get(kind, other)}, b="x") == []


def test_a_master_that_knows_nothing_contradicts_nothing() -> None:
    assert _find({"kind": "as_in_master", "subject": "a", "master": "name"}, a="王若兰") == []


def test_images_and_numbers_of_others_are_looked_at() -> None:
    assert _find({"kind": "attached", "subject": "contract"}) == [FaultKind.MISSING]
    assert _find({"kind": "attached", "subject": "invoice"}) == []
    assert _find({"kind": "unshared", "subject": "new_mobile"}) == [FaultKind.CONTRADICTION]
    assert _find({"kind": "unshared", "subject": "old_mobile"}) == []


def test_a_warning_does_not_hinder() -> None:
    rule = {"kind": "unshared", "subject": "new_mobile", "warning": True}
    assert _find(rule) == [FaultKind.WARNING]


@pytest.mark.parametrize(
    ("circumstances", "counts"),
    [
        ([], True),
        ([{"field": "b", "values": ["x", "y"]}], True),
        ([{"field": "b", "values": ["z"]}], False),
        ([{"field": "c", "values": ["z"]}], False),
        ([{"field": "b", "values": ["x"]}, {"field": "c", "values": ["x"]}], False),
        ([{"field": "amount", "above": "loans.max"}], True),
        ([{"field": "exact", "above": "loans.max"}], False),
        ([{"field": "c", "above": "loans.max"}], False),
        # A limit that the bank does not have any more is taken to be exceeded.
        ([{"field": "exact", "above": "loans.forgotten"}], True),
    ],
)
def test_a_rule_counts_when_all_its_circumstances_are_met(
    circumstances: list[dict[str, object]], *, counts: bool
) -> None:
    rule = {"kind": "answered", "subject": "a", "when": circumstances}
    found = _find(rule, b="x", amount="300000.01", exact="300000.00")
    assert bool(found) == counts


def test_a_limit_that_the_bank_does_not_have_admits_nothing() -> None:
    rule = {"kind": "at_most", "subject": "a", "policy": "loans.forgotten"}
    assert _find(rule, a="0.01") == [FaultKind.LIMIT]
