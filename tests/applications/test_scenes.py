"""What the demo bank's forms make of right and of wrong answers."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

import pytest

from fingertip_server.applications import checks
from fingertip_server.applications.checks import Filled, Master
from fingertip_server.applications.documents import DocumentPolicy
from fingertip_server.applications.faults import FaultKind
from fingertip_server.identifiers.validity import ValidityYears
from fingertip_server.packs.schema import Pack
from tests.applications import paper, papers
from tests.applications.papers import Paper
from tests.world import read_demo

_PACK: Pack = read_demo()
_DEBIT_CARD = Paper("debit_card_account", "core.open_account", paper.ANSWERS)
_LIMIT, _MISSING = FaultKind.LIMIT, FaultKind.MISSING
_CONTRADICTION, _WARNING = FaultKind.CONTRADICTION, FaultKind.WARNING


def _filled(filed: Paper) -> Filled:
    newest = max((f for f in _PACK.forms if f.code == filed.form), key=lambda form: form.version)
    return Filled(
        form=newest,
        answers=filed.answers,
        attachments=frozenset({"id_front", "id_back", "customer_photo", *filed.images}),
        sightings=frozenset({"applicant", "original_document", "signature"}),
        is_signed=True,
        master=Master("王若兰", "190102197805209021", "15420260201"),
        documents=DocumentPolicy(expired_accepted=False, years=ValidityYears()),
        today=date(2026, 6, 1),
        limits=papers.LIMITS,
    )


@pytest.mark.parametrize("filed", [_DEBIT_CARD, *papers.PAPERS], ids=lambda filed: filed.form)
def test_a_complete_application_has_no_fault(filed: Paper) -> None:
    assert checks.check(_filled(filed)) == []


@pytest.mark.parametrize(
    ("filed", "given", "found"),
    [
        (
            _DEBIT_CARD,
            {"account_class": "class_three", "remote_daily_limit": "2000.00"},
            [("bound_account", _MISSING)],
        ),
        (
            _DEBIT_CARD,
            {"account_class": "class_two", "remote_daily_limit": "10000.01"},
            [("remote_daily_limit", _LIMIT)],
        ),
        (
            _DEBIT_CARD,
            {
                "account_class": "class_three",
                "bound_account": "6225881414207430",
                "remote_daily_limit": "2000.01",
            },
            [("remote_daily_limit", _LIMIT)],
        ),
        (
            papers.ONLINE_BANKING,
            {"web_daily_limit": "1000000.01"},
            [("web_daily_limit", _LIMIT)],
        ),
        (
            papers.ONLINE_BANKING,
            {"security_device": "none", "security_device_serial": ""},
            [("web_daily_limit", _LIMIT)],
        ),
        (
            papers.ONLINE_BANKING,
            {"security_device_serial": ""},
            [("security_device_serial", _MISSING)],
        ),
        (
            papers.ONLINE_BANKING,
            {
                "web_channel": "false",
                "web_daily_limit": "",
                "mobile_bank_channel": "false",
                "mobile_bank_daily_limit": "",
            },
            [("web_channel", _CONTRADICTION)],
        ),
        (papers.ONLINE_BANKING, {"web_daily_limit": ""}, [("web_daily_limit", _MISSING)]),
        (
            papers.ONLINE_BANKING,
            {"telephone_daily_limit": "100.00"},
            [("telephone_daily_limit", _CONTRADICTION)],
        ),
        (papers.ONLINE_BANKING, {"single_limit": "50000.01"}, [("single_limit", _LIMIT)]),
        (
            papers.ONLINE_BANKING,
            {"fraud_warning_read": "false"},
            [("fraud_warning_read", _CONTRADICTION)],
        ),
        (
            papers.CHANGE_MOBILE,
            {"old_mobile": "13900139000"},
            [("old_mobile", _CONTRADICTION)],
        ),
        (
            papers.CHANGE_MOBILE,
            {"new_mobile": "15420260201"},
            [("new_mobile", _CONTRADICTION)],
        ),
        (papers.CHANGE_MOBILE, {"change_reason": "other"}, [("change_reason_note", _MISSING)]),
        (
            papers.CHANGE_MOBILE,
            {"new_mobile_is_own": "false"},
            [("new_mobile_is_own", _CONTRADICTION)],
        ),
        (papers.CONSUMER_LOAN, {"loan_amount": "500000.01"}, [("loan_amount", _LIMIT)]),
        (papers.CONSUMER_LOAN, {"payee_account": ""}, [("payee_account", _MISSING)]),
        # Paid by the customer himself: neither to somebody known, nor above 300,000.
        (
            papers.CONSUMER_LOAN,
            {
                "payee_known": "false",
                "payment_manner": "own",
                "payee_name": "",
                "payee_bank": "",
                "payee_account": "",
            },
            [],
        ),
        (
            papers.CONSUMER_LOAN,
            {
                "payment_manner": "own",
                "payee_name": "",
                "payee_bank": "",
                "payee_account": "",
            },
            [("payment_manner", _CONTRADICTION)],
        ),
        (
            papers.CONSUMER_LOAN,
            {
                "loan_amount": "300000.01",
                "payee_known": "false",
                "payment_manner": "own",
                "payee_name": "",
                "payee_bank": "",
                "payee_account": "",
            },
            [("payment_manner", _CONTRADICTION)],
        ),
        # Who takes no money but cash is paid by the borrower, whatever the amount.
        (
            papers.CONSUMER_LOAN,
            {
                "loan_amount": "300000.01",
                "payee_takes_non_cash": "false",
                "payment_manner": "own",
                "payee_name": "",
                "payee_bank": "",
                "payee_account": "",
            },
            [],
        ),
        (papers.CONSUMER_LOAN, {"purpose_evidence": ""}, [("purpose_evidence", _MISSING)]),
        (
            papers.CONSUMER_LOAN,
            {"interview_date": "2026-06-02"},
            [("interview_date", _CONTRADICTION)],
        ),
        (papers.CONSUMER_LOAN, {"monthly_debt": "30000.01"}, [("monthly_debt", _WARNING)]),
        (
            papers.CONSUMER_LOAN,
            {"payee_account": "6299900000810408999"},
            [("payee_account", _CONTRADICTION)],
        ),
        (papers.WEALTH_CUSTODY, {"statement": "postal"}, [("statement_address", _MISSING)]),
        (papers.WEALTH_CUSTODY, {"own_money": "false"}, [("own_money", _CONTRADICTION)]),
        (
            papers.WEALTH_CUSTODY,
            {"investor_kind": "professional"},
            [("investor_kind", _WARNING)],
        ),
    ],
    ids=lambda value: value.form if isinstance(value, Paper) else "",
)
def test_a_wrong_answer_is_found(
    filed: Paper, given: Mapping[str, str], found: list[tuple[str, FaultKind]]
) -> None:
    answers = {key: value for key, value in {**filed.answers, **given}.items() if value}
    faults = checks.check(replace(_filled(filed), answers=answers))
    assert [(fault.subject, fault.kind) for fault in faults] == found


def test_a_loan_that_needs_evidence_of_its_purpose_needs_its_image() -> None:
    filled = _filled(papers.CONSUMER_LOAN)
    without = replace(filled, attachments=filled.attachments - {"purpose_document"})
    assert [(f.subject, f.kind) for f in checks.check(without)] == [("purpose_document", _MISSING)]
    small = {**papers.CONSUMER_LOAN.answers, "loan_amount": "50000.00"}
    assert checks.check(replace(without, answers=small)) == []


def test_a_number_of_somebody_else_is_doubted() -> None:
    filled = replace(_filled(papers.CHANGE_MOBILE), shared=frozenset({"new_mobile"}))
    assert [(f.subject, f.kind) for f in checks.check(filled)] == [("new_mobile", _WARNING)]
