"""The texts that a customer agrees to: shown, and read before he signs."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from fingertip.applications.v1.signature_pb2 import AgreementRead
from fingertip_server.applications import agreement_rules, filling
from fingertip_server.applications.agreement_rules import Showing, Text
from fingertip_server.applications.tables import AgreementShowing, Application
from fingertip_server.packs.bank import Bank
from fingertip_server.packs.schema_forms import Agreement, Form
from fingertip_server.rpc.call import Call


def of_form(bank: Bank, form: Form) -> list[Agreement]:
    """Returns the texts of a form in its order."""
    return [bank.agreement(reference) for reference in form.agreements]


def show(call: Call, application: Application, code: str) -> tuple[Agreement, bool]:
    """Returns a text, and whether it is shown only now, of a locked application.

    Raises AGREEMENT_UNKNOWN. Since when it is shown is noted once.
    """
    texts = of_form(call.bank, filling.form_of(call, application))
    agreement = next((each for each in texts if each.code == code), None)
    if agreement is None:
        raise agreement_rules.unknown(code, "agreement_code")
    showing = call.session.get(AgreementShowing, (application.application_id, code))
    shown = (agreement.version, agreement.sha256)
    if showing is None:
        showing = AgreementShowing(application_id=application.application_id, agreement_code=code)
        call.session.add(showing)
    elif (showing.version, showing.sha256) == shown:
        return agreement, False
    showing.version, showing.sha256 = shown
    showing.show_time = call.now
    return agreement, True


def require_read(
    bank: Bank,
    form: Form,
    showings: Iterable[AgreementShowing],
    reported: Iterable[AgreementRead],
    now: datetime,
) -> Sequence[AgreementRead]:
    """Returns the texts of a form as they were read; see the rule for what it raises."""
    return agreement_rules.require_read(
        [
            Text(each.code, each.version, each.sha256, bank.reading_seconds(each))
            for each in of_form(bank, form)
        ],
        {
            each.agreement_code: Showing(each.version, each.sha256, each.show_time)
            for each in showings
        },
        reported,
        now,
    )
