"""What must be true between the parts of a pack, beyond that each name exists."""

from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias, TypeVar

from fingertip_server.packs.load_files import KeyPath
from fingertip_server.packs.rule_references import check_rules, limits_of
from fingertip_server.packs.schema_bank import Bank, Branches, BranchKind, ServiceLines, Staff
from fingertip_server.packs.schema_forms import (
    SCENES_WITHOUT_FORM,
    SIGNATURE,
    Agreement,
    Asked,
    FieldType,
    Form,
    Scene,
)
from fingertip_server.packs.schema_policies import KINDS, PoliciesFile, PolicyKind
from fingertip_server.packs.schema_types import Frozen

# The files of a pack by name, None where a file is not valid: rules say nothing about those.
Documents: TypeAlias = Mapping[str, Frozen | None]
# A file, a place in it, and what is wrong there.
Finding: TypeAlias = tuple[str, KeyPath, str]
Part = TypeVar("Part", bound=Frozen)


def check_consistency(documents: Documents) -> Iterator[Finding]:
    """Finds every contradiction within and between the valid files."""
    for rule in _RULES:
        yield from rule(documents)


def _files_are_named_after_their_content(documents: Documents) -> Iterator[Finding]:
    expected = [
        *((name, f"forms/{form.reference}.yaml") for name, form in _all(documents, Form)),
        *((name, f"agreements/{text.reference}.yaml") for name, text in _all(documents, Agreement)),
        *((name, f"scenes/{scene.code}.yaml") for name, scene in _all(documents, Scene)),
    ]
    for name, right_name in expected:
        if name != right_name:
            yield name, ("code",), f"By what it says of itself the file is {right_name}."


def _service_lines_of_a_branch_differ(documents: Documents) -> Iterator[Finding]:
    for name, lines in _all(documents, ServiceLines):
        codes: set[tuple[str, str]] = set()
        tiers: set[tuple[str, str]] = set()
        for index, line in enumerate(lines.service_lines):
            at = ("service_lines", index)
            if (line.branch, line.code) in codes:
                yield name, (*at, "code"), f"Branch {line.branch} has a line {line.code} already."
            codes.add((line.branch, line.code))
            for tier in line.tiers:
                if (line.branch, tier) in tiers:
                    message = f"Branch {line.branch} has another line for the tier {tier}."
                    yield name, (*at, "tiers"), message
                tiers.add((line.branch, tier))


def _branches_and_no_other_offices_have_service_lines(documents: Documents) -> Iterator[Finding]:
    for _, branches in _all(documents, Branches):
        for name, lines in _all(documents, ServiceLines):
            served = {line.branch for line in lines.service_lines}
            kinds = {branch.code: branch.kind for branch in branches.branches}
            for index, line in enumerate(lines.service_lines):
                if kinds.get(line.branch, BranchKind.BRANCH) != BranchKind.BRANCH:
                    yield (
                        name,
                        ("service_lines", index, "branch"),
                        f"The office {line.branch} serves no customers.",
                    )
            for index, branch in enumerate(branches.branches):
                if branch.kind == BranchKind.BRANCH and branch.code not in served:
                    message = f"Branch {branch.code} has no service line."
                    yield "branches.yaml", ("branches", index), message


def _one_person_has_one_name(documents: Documents) -> Iterator[Finding]:
    for file, staff in _all(documents, Staff):
        names: dict[object, str] = {}
        for index, member in enumerate(staff.staff):
            if names.setdefault(member.person_id, member.name) != member.name:
                message = f"The person is called {names[member.person_id]} elsewhere."
                yield file, ("staff", index, "name"), message


def _fields_and_attachments_have_names_apart(documents: Documents) -> Iterator[Finding]:
    for name, form in _all(documents, Form):
        keys = {SIGNATURE, *(field.key for field in form.fields)}
        for index, attachment in enumerate(form.attachments):
            if attachment.kind in keys:
                message = f"Something else in the form is called {attachment.kind!r}."
                yield name, ("attachments", index, "kind"), message


def _sightings_show_attachments_of_their_form(documents: Documents) -> Iterator[Finding]:
    for name, form in _all(documents, Form):
        kinds = {SIGNATURE, *(attachment.kind for attachment in form.attachments)}
        for index, sighting in enumerate(form.sightings):
            for place, kind in enumerate(sighting.attachments):
                if kind not in kinds:
                    at = ("sightings", index, "attachments", place)
                    yield name, at, f"The form has no attachment {kind!r}."


def _conditions_are_about_choices_of_their_form(documents: Documents) -> Iterator[Finding]:
    for name, form in _all(documents, Form):
        for at, asked in _asked(form):
            yield from _about_choices(name, at, asked, form)


def _vouchers_are_asked_for_by_their_form(documents: Documents) -> Iterator[Finding]:
    for name, scene in _all(documents, Scene):
        form = documents.get(f"forms/{scene.form}.yaml")
        if not isinstance(form, Form):
            continue
        for index, voucher in enumerate(scene.vouchers):
            at: KeyPath = ("vouchers", index)
            yield from _about_choices(name, at, voucher, form)
            field = voucher.serial_field
            if field is not None and all(each.key != field for each in form.fields):
                yield name, (*at, "serial_field"), f"The form has no field {field!r}."


def _about_choices(name: str, at: KeyPath, asked: Asked, form: Form) -> Iterator[Finding]:
    condition = asked.only_when
    if condition is None:
        return
    offered = {
        field.key: {choice.value for choice in field.choices} or {"true", "false"}
        for field in form.fields
        if field.type in {FieldType.CHOICE, FieldType.BOOLEAN}
    }
    if condition.field not in offered:
        message = f"The form has no choice {condition.field!r}."
        yield name, (*at, "only_when", "field"), message
    elif unknown := set(condition.values) - offered[condition.field]:
        message = f"{condition.field} is never {min(unknown)!r}."
        yield name, (*at, "only_when", "values"), message


def _asked(form: Form) -> Iterator[tuple[KeyPath, Asked]]:
    for number, section in enumerate(form.sections):
        for index, field in enumerate(section.fields):
            yield ("sections", number, "fields", index), field
    for index, attachment in enumerate(form.attachments):
        yield ("attachments", index), attachment
    for index, sighting in enumerate(form.sightings):
        yield ("sightings", index), sighting


def _scenes_are_worked_on_in_centres(documents: Documents) -> Iterator[Finding]:
    for _, branches in _all(documents, Branches):
        others = {branch.code for branch in branches.branches if branch.kind != BranchKind.CENTRE}
        for name, scene in _all(documents, Scene):
            for index, centre in enumerate(scene.centres):
                if centre in others:
                    yield name, ("centres", index), f"The office {centre} is no centre."


def _every_form_has_one_scene(documents: Documents) -> Iterator[Finding]:
    first: dict[str, str] = {}
    for name, scene in _all(documents, Scene):
        if scene.form is None:
            continue
        if scene.form in first:
            yield name, ("form",), f"{first[scene.form]} is the scene of {scene.form} already."
        first.setdefault(scene.form, name)
    if any(part is None and name.startswith("scenes/") for name, part in documents.items()):
        return
    authorised = {form.partition(".")[0] for form in first}
    for name, form in _all(documents, Form):
        if form.code not in authorised:
            yield name, ("code",), "No scene says how applications of this form are authorised."


def _scenes_without_a_form_are_those_that_the_product_has(
    documents: Documents,
) -> Iterator[Finding]:
    missing = set(SCENES_WITHOUT_FORM)
    for name, scene in _all(documents, Scene):
        evidence = SCENES_WITHOUT_FORM.get(scene.code)
        missing.discard(scene.code)
        if (evidence is None) != (scene.form is not None):
            wrong = "needs a form" if evidence is None else "has no form"
            yield name, ("code",), f"The scene {scene.code} {wrong}."
        elif evidence is not None:
            for index, item in enumerate(scene.checklist):
                for place, key in enumerate(item.evidence):
                    if key not in evidence:
                        at = ("checklist", index, "evidence", place)
                        yield name, at, f"The content of {scene.code} has no {key!r}."
    if any(part is None and name.startswith("scenes/") for name, part in documents.items()):
        return
    for name, _ in _all(documents, Bank):
        for code in sorted(missing):
            yield name, (), f"There is no scene {code!r}."


def _checklists_point_at_their_form(documents: Documents) -> Iterator[Finding]:
    for name, scene in _all(documents, Scene):
        form = documents.get(f"forms/{scene.form}.yaml")
        if not isinstance(form, Form):
            continue
        for index, item in enumerate(scene.checklist):
            for place, key in enumerate(item.evidence):
                if key not in form.evidence:
                    at = ("checklist", index, "evidence", place)
                    yield name, at, f"The form {scene.form} has no {key!r}."


def _amounts_of_scenes_are_asked_for_by_their_form(documents: Documents) -> Iterator[Finding]:
    for name, scene in _all(documents, Scene):
        form = documents.get(f"forms/{scene.form}.yaml")
        if not isinstance(form, Form):
            continue
        amounts = {each.key for each in form.fields if each.type == FieldType.AMOUNT}
        always = amounts & {each.key for each in form.fields if each.required}
        for at, key in (
            ("amount_field", scene.amount_field),
            ("booked_amount_field", scene.booked_amount_field),
        ):
            if key is not None and key not in always:
                yield name, (at,), f"The form {scene.form} asks for no amount {key!r} always."


def _inquiries_have_a_text_to_consent_by(documents: Documents) -> Iterator[Finding]:
    purposes = {text.purpose for _, text in _all(documents, Agreement)}
    if any(part is None and name.startswith("agreements/") for name, part in documents.items()):
        return
    for name, form in _all(documents, Form):
        for index, inquiry in enumerate(form.inquiries):
            if inquiry.consent not in purposes:
                at = ("inquiries", index, "consent")
                yield name, at, f"No text has the purpose {inquiry.consent!r}."


def _rules_speak_of_their_form(documents: Documents) -> Iterator[Finding]:
    for name, form in _all(documents, Form):
        for at, message in check_rules(form):
            yield name, at, message


def _policies_are_those_that_are_read(documents: Documents) -> Iterator[Finding]:
    asked = {
        key: PolicyKind.MONEY
        for _, form in _all(documents, Form)
        for rule in form.rules
        for key in limits_of(rule)
    }
    kinds = {**asked, **KINDS}
    # What an unreadable form would have read is held against no policy.
    all_forms = all(part for name, part in documents.items() if name.startswith("forms/"))
    for name, part in _all(documents, PoliciesFile):
        for index, policy in enumerate(part.policies):
            kind = kinds.get(policy.key)
            if kind is None and all_forms:
                yield name, ("policies", index, "key"), f"Nothing reads a policy {policy.key!r}."
            elif kind not in {None, policy.kind}:
                at = ("policies", index, "unit")
                yield name, at, f"The policy {policy.key} is a {kind}, not a {policy.kind}."
        for key in sorted(set(kinds) - {policy.key for policy in part.policies}):
            yield name, (), f"The policy {key} is missing."


def _amounts_are_in_the_currency_of_the_bank(documents: Documents) -> Iterator[Finding]:
    for _, bank in _all(documents, Bank):
        for name, part in _all(documents, PoliciesFile):
            for index, policy in enumerate(part.policies):
                if policy.kind == PolicyKind.MONEY and policy.unit != bank.currency:
                    at = ("policies", index, "unit")
                    yield name, at, f"The bank's currency is {bank.currency}."


_RULES: tuple[Callable[[Documents], Iterator[Finding]], ...] = (
    _files_are_named_after_their_content,
    _service_lines_of_a_branch_differ,
    _branches_and_no_other_offices_have_service_lines,
    _one_person_has_one_name,
    _fields_and_attachments_have_names_apart,
    _sightings_show_attachments_of_their_form,
    _conditions_are_about_choices_of_their_form,
    _vouchers_are_asked_for_by_their_form,
    _scenes_are_worked_on_in_centres,
    _every_form_has_one_scene,
    _checklists_point_at_their_form,
    _scenes_without_a_form_are_those_that_the_product_has,
    _inquiries_have_a_text_to_consent_by,
    _rules_speak_of_their_form,
    _policies_are_those_that_are_read,
    _amounts_of_scenes_are_asked_for_by_their_form,
    _amounts_are_in_the_currency_of_the_bank,
)


def _all(documents: Documents, kind: type[Part]) -> Iterator[tuple[str, Part]]:
    for name, document in documents.items():
        if isinstance(document, kind):
            yield name, document
