"""Checks an application as a whole, and freezes what is authorised and executed."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal

from fingertip.applications.v1.content_pb2 import ApplicationContent
from fingertip_server.applications import (
    ages,
    bindings,
    changes,
    checks,
    customers,
    decisions,
    filling,
    identity_answers,
    identity_faults,
    identity_rules,
    inquiries,
    messages,
    persons,
    rules,
    screenings,
    signatures,
    standing,
    store,
)
from fingertip_server.applications.checks import Filled
from fingertip_server.applications.documents import DocumentPolicy
from fingertip_server.applications.faults import Fault
from fingertip_server.applications.rules import State, Step
from fingertip_server.applications.tables import Application
from fingertip_server.authorization import tasks
from fingertip_server.authorization.tasks import TaskDraft
from fingertip_server.identifiers.validity import ValidityYears
from fingertip_server.packs.quantities import Money
from fingertip_server.packs.rule_references import limits_of
from fingertip_server.packs.schema_forms import ChecklistItem, Form, Scene
from fingertip_server.packs.schema_policies import Policies
from fingertip_server.packs.schema_rules import Unshared
from fingertip_server.rpc.call import Call

_SEEN = frozenset({"APPLICANT", "SIGNATURE"})


def faults(call: Call, application: Application, evidence: store.Evidence) -> list[Fault]:
    """Returns every fault of an application as it is now."""
    read = filling.read(call, application)
    form = read.form
    found = checks.check(
        Filled(
            form=form,
            answers=read.answers,
            attachments=frozenset(each.kind for each in evidence.in_use),
            sightings=frozenset(each.kind.lower() for each in evidence.sightings),
            is_signed=filling.is_signed(application),
            master=customers.master(call, application.customer_id),
            documents=_documents(call.bank.policies),
            today=read.today,
            limits=_limits(form, call.bank.policies),
            shared=frozenset(
                rule.subject
                for rule in form.rules
                if isinstance(rule, Unshared)
                and (number := read.right(rule.subject))
                and customers.is_shared(call, application.customer_id, number)
            ),
        )
    )
    return [*found, *(fault for find in _FINDERS for fault in find(call, application, evidence))]


def _ages(call: Call, application: Application, _evidence: store.Evidence) -> Iterable[Fault]:
    return ages.faults(filling.read(call, application), ages.policy(call.bank.policies))


def _standing(call: Call, application: Application, _evidence: store.Evidence) -> Iterable[Fault]:
    return standing.faults(call, application)


# What else may stand against a submission.
_FINDERS: Sequence[Callable[[Call, Application, store.Evidence], Iterable[Fault]]] = (
    _ages,
    identity_faults.faults,
    _standing,
    inquiries.faults,
    bindings.faults,
)


def submit(
    call: Call, application: Application, evidence: store.Evidence, *, on_site: bool = False
) -> None:
    """Freezes the next revision of a locked application, and opens the task about it.

    On site a second person beside the maker decides. Raises ROUTE_NOT_ADMITTED, and ACCOUNT_LIMIT
    when another application took the last place of an account meanwhile.
    """
    scene = call.bank.scene_of(filling.form_of(call, application))
    standing.reserve(call, application)
    applicant = customers.applicant(call, application.customer_id)
    is_again = application.state == State.RETURNED
    scene = _scene(call, application, evidence)
    changes.step(application, Step.SUBMIT)
    application.defects = []
    content_hash = freeze(call, application, evidence)
    opened = tasks.open_task(
        call,
        TaskDraft(
            subject_kind=decisions.SUBJECT,
            subject_id=application.application_id,
            revision=application.revision,
            content_hash=content_hash,
            scene=scene,
            branch_id=application.branch_id,
            maker_id=application.maker_id,
            maker_person_id=application.maker_person_id,
            customer_id=application.customer_id,
            tier_rank=applicant.tier_rank,
            is_waiting=_is_waiting(call, evidence),
            previous_task_id=application.task_id if is_again else None,
            amount=_amount(call, application, scene),
            on_site=on_site,
            barred=standing.staff_of(call, application),
        ),
    )
    application.task_id = opened.task_id
    application.state_note = opened.park_reason or (
        decisions.ON_SITE_NOTE if on_site else decisions.WAITS_NOTE
    )
    identity_answers.look_again_later(call, application, evidence.identities)


def freeze(call: Call, application: Application, evidence: store.Evidence) -> bytes:
    """Freezes the next revision of a locked application as it is now; returns its content_hash."""
    applicant = customers.applicant(call, application.customer_id)
    content = _content(call, application, evidence, applicant.customer_number)
    content_hash = hashlib.sha256(content).digest()
    # Together, and after the last question to the database: it holds the two against each other.
    application.revision += 1
    application.content_hash = content_hash
    application.submit_time = call.now
    store.add_revision(call, application, content)
    return content_hash


def withdraw(call: Call, application: Application) -> None:
    """Ends the task about a locked application that was submitted."""
    tasks.withdraw(call, decisions.SUBJECT, application.application_id)


def _scene(call: Call, application: Application, evidence: store.Evidence) -> Scene:
    """Returns how it is authorised: with what the register did not confirm among the checklist.

    Who stands on a list for review is decided about by compliance's own authorisers. Raises
    SCREENING_HIT where nobody may go on.
    """
    scene = call.bank.scene_of(filling.form_of(call, application))
    scene = screenings.scene(scene, screenings.before_submission(call, application))
    asked = [
        ChecklistItem(
            id=f"identity_{standing.party.lower()}",
            text=told,
            evidence=identity_faults.shown_by(standing.party),
        )
        for standing in identity_faults.standings(evidence)
        if (told := identity_rules.told_to_authoriser(standing))
    ]
    return scene.model_copy(update={"checklist": (*scene.checklist, *asked)}) if asked else scene


def _content(
    call: Call, application: Application, evidence: store.Evidence, customer_number: str
) -> bytes:
    """Returns the bytes of the next revision: what is authorised and executed.

    They are stored, and never made again.
    """
    said = tasks.conversation(call, decisions.SUBJECT, application.application_id)
    scene = call.bank.scene_of(filling.form_of(call, application))
    return ApplicationContent(
        application_id=str(application.application_id),
        revision=application.revision + 1,
        work_kind=scene.work_kind,
        branch_id=application.branch_id,
        maker_id=application.maker_id,
        customer_number=customer_number,
        signed_form=filling.signed_form(call, application),
        form_hash=application.form_hash,
        evidence=[
            ApplicationContent.Evidence(
                attachment_id=str(each.attachment_id),
                kind=each.kind,
                content_type=each.content_type,
                size_bytes=each.size_bytes,
                sha256=each.sha256 or b"",
            )
            for each in evidence.in_use
        ],
        sightings=[messages.sighting(each) for each in evidence.sightings],
        restricted=standing.is_watched(call, application),
        messages=said.messages,
        messages_hash=said.messages_hash,
        inquiries=[messages.inquiry(each) for each in inquiries.answered(evidence.inquiries)],
        voucher_type=bindings.type_of(call, application),
        voucher_serial=application.voucher_serial,
        voucher_id=str(application.voucher_id or ""),
        identities=messages.identities(evidence),
        activated_by_applicant=_is_activated_by_applicant(call, application),
        signature=signatures.reference(call, application),
    ).SerializeToString(deterministic=True)


def _amount(call: Call, application: Application, scene: Scene) -> Decimal | None:
    """Returns what decides who authorises, where the scene goes by an amount."""
    if scene.amount_field is None:
        return None
    given = filling.answers(call, application).get(scene.amount_field)
    return Decimal(given) if given else None


def _is_activated_by_applicant(call: Call, application: Application) -> bool:
    """Tells whether what is opened waits for the applicant himself, because another acted."""
    is_handled = persons.acting(filling.read(call, application)) is not None
    return is_handled and call.bank.policies.flag("accounts.proxy_opened_inactive")


def _is_waiting(call: Call, evidence: store.Evidence) -> bool:
    """Tells whether the customer waits at the counter."""
    seen = [each.attest_time for each in evidence.sightings if each.kind in _SEEN]
    waits_for = call.bank.policies.duration("applications.customer_waits")
    return rules.is_waiting(max(seen, default=None), waits_for, call.now)


def _limits(form: Form, policies: Policies) -> dict[str, Decimal]:
    """Returns the amounts that the form's rules read; one that the pack lost is not among them."""
    read = {key for rule in form.rules for key in limits_of(rule)}
    found = {key: policies.values.get(key) for key in read}
    return {
        key: Decimal(value.minor_units) / 100
        for key, value in found.items()
        if isinstance(value, Money)
    }


def _documents(policies: Policies) -> DocumentPolicy:
    return DocumentPolicy(
        expired_accepted=policies.flag("documents.expired_accepted"),
        years=ValidityYears(
            under_16=policies.count("documents.validity_years_under_16"),
            from_16_to_25=policies.count("documents.validity_years_16_to_25"),
            from_26_to_45=policies.count("documents.validity_years_26_to_45"),
        ),
    )
