"""What an application holds: its answers, the form that the customer signs, his signature."""

import hashlib
from collections.abc import Mapping

from fingertip.applications.v1.content_pb2 import SignedForm
from fingertip_server.applications import forms
from fingertip_server.applications.readings import Readings
from fingertip_server.applications.tables import Application, ApplicationSighting
from fingertip_server.packs.schema_forms import Form
from fingertip_server.rpc.call import Call

SIGNATURE = "SIGNATURE"


def form_of(call: Call, application: Application) -> Form:
    """Returns the version of the form that the application was started with."""
    return call.bank.form(application.form_code, application.form_version)


def signed_form(call: Call, application: Application) -> bytes:
    """Returns the bytes of what the customer signs."""
    return call.protection.open_bytes(
        Application.signed_form, application.application_id, application.signed_form
    )


def answers(call: Call, application: Application) -> dict[str, str]:
    """Returns the answers by field."""
    form = SignedForm.FromString(signed_form(call, application))
    return {answer.field_key: answer.value for answer in form.answers}


def read(call: Call, application: Application) -> Readings:
    """Returns what the answers tell, on the branch's day."""
    zone = call.bank.time_zone(application.branch_id)
    today = call.now.astimezone(zone).date()
    return Readings(form_of(call, application), answers(call, application), today)


def account_number(call: Call, application: Application) -> str:
    """Returns the number of the account that the bank opened; "" before."""
    if application.account_number is None:
        return ""
    return call.protection.open(
        Application.account_number, application.application_id, application.account_number
    )


def fill(call: Call, application: Application, given: Mapping[str, str]) -> None:
    """Stores the answers, and voids the signature when the customer would sign something else."""
    content = forms.signed_bytes(
        form_of(call, application), call.bank, application.customer_id, given
    )
    form_hash = hashlib.sha256(content).digest()
    if form_hash == application.form_hash:
        return
    application.signed_form = call.protection.seal(
        Application.signed_form, application.application_id, content
    )
    application.form_hash = form_hash
    void_signature(call, application)


def void_signature(call: Call, application: Application) -> None:
    """Voids the customer's signature, and with it the statement that somebody saw it."""
    application.signature_form_hash = None
    application.signature_attachment_id = None
    seen = call.session.get(ApplicationSighting, (application.application_id, SIGNATURE))
    if seen is not None:
        call.session.delete(seen)
