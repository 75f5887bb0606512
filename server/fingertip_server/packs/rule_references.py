"""What the rules of a form speak of: its own fields, attachments and answers, and policies."""

from collections.abc import Iterable, Iterator

from fingertip_server.packs.load_files import KeyPath
from fingertip_server.packs.schema_forms import FieldType, Form, FormField
from fingertip_server.packs.schema_rules import (
    AnyOf,
    AtMost,
    Attached,
    FormRule,
    NotAfter,
    NotBefore,
    Unshared,
)

# A place within a rule, the name that stands there, and of which type its field has to be.
_Spoken = tuple[KeyPath, str, FieldType | None]
_BOOLEANS = frozenset({"true", "false"})


def limits_of(rule: FormRule) -> frozenset[str]:
    """Returns the policies of amounts that a rule reads."""
    limits = {circumstance.above for circumstance in rule.when}
    if isinstance(rule, AtMost):
        limits.add(rule.policy)
    return frozenset(limit for limit in limits if limit is not None)


def check_rules(form: Form) -> Iterator[tuple[KeyPath, str]]:
    """Finds what a form's rules speak of and the form does not have."""
    fields = {field.key: field for field in form.fields}
    kinds = {attachment.kind for attachment in form.attachments}
    for index, rule in enumerate(form.rules):
        if isinstance(rule, Attached) and rule.subject not in kinds:
            yield ("rules", index, "subject"), f"The form has no attachment {rule.subject!r}."
        for at, key, wanted in _spoken_of(rule):
            if key not in fields:
                yield ("rules", index, *at), f"The form has no field {key!r}."
            elif wanted is not None and fields[key].type != wanted:
                yield ("rules", index, *at), f"The field {key!r} is no {wanted}."
        for at, key, values in _compared(rule):
            if key in fields and (other := sorted(_others(fields[key], values))):
                yield ("rules", index, *at), f"The field {key!r} has no answer {other[0]!r}."


def _spoken_of(rule: FormRule) -> Iterator[_Spoken]:
    wanted = None
    if isinstance(rule, NotBefore | NotAfter):
        wanted = FieldType.DATE
    elif isinstance(rule, AtMost):
        wanted = FieldType.AMOUNT
    elif isinstance(rule, Unshared):
        wanted = FieldType.MOBILE
    if not isinstance(rule, Attached):
        yield ("subject",), rule.subject, wanted
    other: str | None = getattr(rule, "other", None)
    if other is not None:
        yield ("other",), other, wanted
    for place, circumstance in enumerate(rule.when):
        amount = FieldType.AMOUNT if circumstance.above is not None else None
        yield ("when", place, "field"), circumstance.field, amount


def _compared(rule: FormRule) -> Iterator[tuple[KeyPath, str, Iterable[str]]]:
    if isinstance(rule, AnyOf):
        yield ("values",), rule.subject, rule.values
    for place, circumstance in enumerate(rule.when):
        yield ("when", place, "values"), circumstance.field, circumstance.values


def _others(field: FormField, values: Iterable[str]) -> set[str]:
    """Returns the values that can be no answer of the field."""
    if field.type == FieldType.BOOLEAN:
        return set(values) - _BOOLEANS
    if field.type == FieldType.CHOICE:
        return set(values) - {choice.value for choice in field.choices}
    return set()
