"""What one revision of an application changed against another: pure, over the stored contents."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest

from fingertip.applications.v1.application_pb2 import Sighting
from fingertip.applications.v1.content_pb2 import ApplicationContent, SignedForm
from fingertip.authorization.v1.task_pb2 import (
    AttachmentDifference,
    ContentDifference,
    FieldDifference,
)
from fingertip_server.packs.schema_forms import SIGNATURE

Evidence = ApplicationContent.Evidence

# What differs anyhow, and what is looked at part by part. Everything else is compared as a whole,
# so that nothing that a content may hold one day changes unseen.
_LOOKED_AT = frozenset(
    {
        "revision",
        "form_hash",
        "signed_form",
        "evidence",
        "sightings",
        # What was said is read as it is.
        "messages",
        "messages_hash",
        "signature",
    }
)
_FORM_LOOKED_AT = frozenset({"answers", "agreements"})


def between(former: ApplicationContent, now: ApplicationContent) -> ContentDifference:
    """Returns what `now` changed against `former`, each list by name."""
    signed_before = SignedForm.FromString(former.signed_form)
    signed_now = SignedForm.FromString(now.signed_form)
    attachments = list(_attachments(former.evidence, now.evidence))
    return ContentDifference(
        revision=now.revision,
        fields=[
            FieldDifference(field_key=key, former_value=before, value=after)
            for key, before, after in _changed(_answers(signed_before), _answers(signed_now))
        ],
        attachments=attachments,
        sightings=[
            kind for kind, _, _ in _changed(_sightings(former.sightings), _sightings(now.sightings))
        ],
        agreements=[
            code for code, _, _ in _changed(_agreements(signed_before), _agreements(signed_now))
        ],
        is_signed_anew=former.signature != now.signature
        or former.form_hash != now.form_hash
        or any(each.kind == SIGNATURE for each in attachments),
        others=sorted(
            {
                *_others(former, now, _LOOKED_AT),
                *_others(signed_before, signed_now, _FORM_LOOKED_AT),
            }
        ),
    )


def _changed(former: Mapping[str, str], now: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """Yields the names that stand for something else, with what they stood and stand for."""
    for name in sorted({*former, *now}):
        before, after = former.get(name, ""), now.get(name, "")
        if before != after:
            yield name, before, after


def _answers(form: SignedForm) -> dict[str, str]:
    return {answer.field_key: answer.value for answer in form.answers}


def _agreements(form: SignedForm) -> dict[str, str]:
    return {each.agreement_code: f"{each.version} {each.sha256.hex()}" for each in form.agreements}


def _sightings(sightings: Sequence[Sighting]) -> dict[str, str]:
    return {
        Sighting.Kind.Name(each.kind).removeprefix("KIND_").lower(): str(
            each.SerializeToString(deterministic=True)
        )
        for each in sightings
    }


def _attachments(
    former: Sequence[Evidence], now: Sequence[Evidence]
) -> Iterator[AttachmentDifference]:
    gone, new = _by_kind(former, besides=now), _by_kind(now, besides=former)
    nothing = Evidence()
    for kind in sorted({*gone, *new}):
        for before, after in zip_longest(gone[kind], new[kind], fillvalue=nothing):
            yield AttachmentDifference(
                kind=kind,
                former_attachment_id=before.attachment_id,
                former_sha256=before.sha256,
                attachment_id=after.attachment_id,
                sha256=after.sha256,
            )


def _by_kind(
    evidence: Sequence[Evidence], besides: Sequence[Evidence]
) -> defaultdict[str, list[Evidence]]:
    kept = {each.attachment_id for each in besides}
    found: defaultdict[str, list[Evidence]] = defaultdict(list)
    for each in evidence:
        if each.attachment_id not in kept:
            found[each.kind].append(each)
    return found


def _others(
    former: ApplicationContent | SignedForm,
    now: ApplicationContent | SignedForm,
    looked_at: frozenset[str],
) -> Iterator[str]:
    for field in now.DESCRIPTOR.fields:
        if field.name not in looked_at and getattr(former, field.name) != getattr(now, field.name):
            yield field.name
