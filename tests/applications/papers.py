"""What Ms Wang answers in the demo bank's other scenes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from fingertip.applications.v1.application_pb2 import Application
from fingertip.applications.v1.applications_service_pb2 import StartInquiryRequest
from fingertip.customer.v1.consent_pb2 import Consent
from fingertip.customer.v1.customer_service_pb2 import RecordConsentRequest
from fingertip_client.caller import Caller
from fingertip_server.packs.quantities import Money
from tests.applications.paper import ANSWERS, request_id
from tests.world import read_demo

# The demo bank's policies of amounts.
LIMITS: Mapping[str, Decimal] = {
    key: Decimal(value.minor_units) / 100
    for key, value in read_demo().policies.values.items()
    if isinstance(value, Money)
}

_IDENTITY = {
    key: ANSWERS[key]
    for key in (
        "applicant_name",
        "document_type",
        "resident_id",
        "document_issue_date",
        "document_valid_until",
    )
}


@dataclass(frozen=True)
class Paper:
    """A complete application: its form, its answers, its images beside every form's own."""

    form: str
    work_kind: str
    answers: Mapping[str, str]
    images: tuple[str, ...] = field(default=())


ONLINE_BANKING = Paper(
    "online_banking",
    "core.sign_up_online_banking",
    {
        **_IDENTITY,
        "account_number": "6299900000810408999",
        "mobile": "15420260201",
        "web_channel": "true",
        "web_daily_limit": "200000.00",
        "mobile_bank_channel": "true",
        "mobile_bank_daily_limit": "50000.00",
        "telephone_channel": "false",
        "single_limit": "20000.00",
        "security_device": "usb_key",
        "security_device_serial": "UK20260001",
        "fraud_warning_read": "true",
    },
)
CHANGE_MOBILE = Paper(
    "change_mobile",
    "core.change_mobile",
    {
        **_IDENTITY,
        "old_mobile": "15420260201",
        "new_mobile": "13800138000",
        "change_reason": "new_number",
        "new_mobile_check": "called_on_site",
        "new_mobile_is_own": "true",
        "recent_transfers_known": "true",
    },
)
CONSUMER_LOAN = Paper(
    "consumer_loan",
    "core.open_loan",
    {
        **_IDENTITY,
        "mobile": "15420260201",
        "residence_address": ANSWERS["residence_address"],
        "employer": "示范设计院",
        "monthly_income": "30000.00",
        "monthly_debt": "5000.00",
        "loan_amount": "300000.00",
        "loan_term": "months_36",
        "repayment": "equal_instalments",
        "repayment_account": "6299900000810408999",
        "loan_purpose": "decoration",
        "purpose_note": "自住房屋厨卫翻新",
        "purpose_evidence": "contract",
        "no_forbidden_use": "true",
        "payee_known": "true",
        "payee_takes_non_cash": "true",
        "payment_manner": "entrusted",
        "payee_name": "示范装饰工程有限公司",
        "payee_bank": "示范银行湖西支行",
        "payee_account": "1202020209001234567",
        "interview_date": "2026-01-05",
        "interview_manner": "in_branch",
        "interview_alone": "true",
        "interview_terms_told": "true",
        "interview_record": "收入稳定，装修合同真实，无异常。",
    },
    ("interview_photo", "income_proof", "credit_authorisation", "purpose_document"),
)
WEALTH_CUSTODY = Paper(
    "wealth_custody",
    "core.sign_custody",
    {
        **_IDENTITY,
        "mobile": "15420260201",
        "settlement_account": "6299900000810408999",
        "investor_kind": "ordinary",
        "dividend": "cash",
        "statement": "electronic",
        "no_guarantee_known": "true",
        "own_money": "true",
        "no_sale_known": "true",
    },
)
PAPERS = (ONLINE_BANKING, CHANGE_MOBILE, CONSUMER_LOAN, WEALTH_CUSTODY)


async def ask(caller: Caller, application: Application) -> Application:
    """Records the customer's consent and has his credit report queried."""
    await caller.customer.RecordConsent(
        RecordConsentRequest(
            request_id=request_id(),
            customer_id=application.customer_id,
            agreement_code="credit_report_consent",
            agreement_version=1,
            channel=Consent.CHANNEL_WRITTEN,
            application_id=application.application_id,
        )
    )
    asked = await caller.applications.StartInquiry(
        StartInquiryRequest(
            request_id=request_id(),
            application_id=application.application_id,
            etag=application.etag,
            inquiry_kind="credit_report",
        )
    )
    return asked.application
