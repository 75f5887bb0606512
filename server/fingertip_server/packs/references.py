"""Names within a pack: where they are given, where they are used.

The tables speak of the files as written, not as validated, so that a wrong file still shows all
of its dangling references at once.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from fingertip_server.packs.faults import Fault
from fingertip_server.packs.load_files import KeyPath, LoadedFile, Tree
from fingertip_server.packs.permissions import PERMISSIONS


@dataclass(frozen=True, slots=True)
class _Given:
    """Says where names of a kind are given, once each within the first `scope` steps."""

    kind: str
    file: str
    path: str
    scope: int = 0


@dataclass(frozen=True, slots=True)
class _Used:
    """Says where names of a kind are used."""

    kind: str
    file: str
    path: str


_GIVEN = (
    _Given("tier", "bank.yaml", "tiers.*.code"),
    _Given("tier rank", "bank.yaml", "tiers.*.rank"),
    _Given("card BIN", "bank.yaml", "card_bins.*"),
    _Given("branch", "branches.yaml", "branches.*.code"),
    _Given("role", "roles.yaml", "roles.*.code"),
    _Given("permission of the role", "roles.yaml", "roles.*.permissions.*", scope=2),
    _Given("skill group", "skill_groups.yaml", "skill_groups.*.code"),
    _Given("staff number", "staff.yaml", "staff.*.staff_number"),
    _Given("role of the member of staff", "staff.yaml", "staff.*.roles.*", scope=2),
    _Given("skill of the member of staff", "staff.yaml", "staff.*.skills.*", scope=2),
    _Given("tier of the line", "service_lines.yaml", "service_lines.*.tiers.*", scope=2),
    _Given("product", "products.yaml", "products.*.code"),
    _Given("voucher type", "vouchers.yaml", "voucher_types.*.code"),
    _Given("policy", "policies.yaml", "policies.*.key"),
    _Given("field", "forms/*", "sections.*.fields.*.key"),
    _Given("choice", "forms/*", "sections.*.fields.*.choices.*.value", scope=4),
    _Given("attachment", "forms/*", "attachments.*.kind"),
    _Given("content type", "forms/*", "attachments.*.content_types.*", scope=2),
    _Given("sighting", "forms/*", "sightings.*.kind"),
    _Given("attachment of the sighting", "forms/*", "sightings.*.attachments.*", scope=2),
    _Given("agreement of the form", "forms/*", "agreements.*"),
    _Given("inquiry", "forms/*", "inquiries.*.kind"),
    _Given("centre of the scene", "scenes/*", "centres.*"),
    _Given("checklist item", "scenes/*", "checklist.*.id"),
    _Given("evidence of the item", "scenes/*", "checklist.*.evidence.*", scope=2),
)

_USED = (
    _Used("branch", "staff.yaml", "staff.*.branch"),
    _Used("role", "staff.yaml", "staff.*.roles.*"),
    _Used("skill group", "staff.yaml", "staff.*.skills.*"),
    _Used("branch", "service_lines.yaml", "service_lines.*.branch"),
    _Used("tier", "service_lines.yaml", "service_lines.*.tiers.*"),
    _Used("card BIN", "products.yaml", "products.*.card_bin"),
    _Used("form", "products.yaml", "products.*.form"),
    _Used("card BIN", "vouchers.yaml", "voucher_types.*.card_bin"),
    _Used("agreement", "forms/*", "agreements.*"),
    _Used("form", "scenes/*", "form"),
    _Used("skill group", "scenes/*", "skill_group"),
    _Used("skill group", "scenes/*", "review_skill_group"),
    _Used("voucher type", "scenes/*", "vouchers.*.type"),
    _Used("branch", "scenes/*", "centres.*"),
    _Used("permission", "roles.yaml", "roles.*.permissions.*"),
)


def check_references(files: Sequence[LoadedFile], names: Collection[str]) -> Iterator[Fault]:
    """Finds names given twice and names used that nobody gives.

    `names` are those of all files, the unreadable ones included: forms and agreements are called
    by them, and what an unreadable file would have given is not held against those who use it.
    Permissions are given by the contract.
    """
    for given in _GIVEN:
        yield from _find_twins(files, given)
    known: dict[str, Collection[str]] = {
        given.kind: {name for _, _, name in _find(files, given.file, given.path)}
        for given in _GIVEN
        if any(fnmatchcase(file.name, given.file) for file in files)
    }
    known["form"] = _stems(names, "forms/*")
    known["agreement"] = _stems(names, "agreements/*")
    known["permission"] = PERMISSIONS
    for used in _USED:
        for file, path, name in _find(files, used.file, used.path):
            if used.kind in known and name not in known[used.kind]:
                yield Fault(file.name, file.line(path), f"There is no {used.kind} {name!r}.")


def _find_twins(files: Sequence[LoadedFile], given: _Given) -> Iterator[Fault]:
    first: dict[tuple[str, KeyPath, str], int] = {}
    for file, path, name in _find(files, given.file, given.path):
        key = (file.name, path[: given.scope], name)
        line = file.line(path)
        if key in first:
            message = f"The {given.kind} {name!r} stands in line {first[key]} already."
            yield Fault(file.name, line, message)
        first.setdefault(key, line)


def _stems(names: Collection[str], pattern: str) -> frozenset[str]:
    return frozenset(PurePosixPath(name).stem for name in names if fnmatchcase(name, pattern))


def _find(
    files: Sequence[LoadedFile], pattern: str, path: str
) -> Iterator[tuple[LoadedFile, KeyPath, str]]:
    for file in files:
        if fnmatchcase(file.name, pattern):
            for place, name in _walk(file.tree, path.split("."), ()):
                yield file, place, name


def _walk(tree: Tree, steps: Sequence[str], at: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    if not steps:
        if isinstance(tree, str):
            yield at, tree
    elif isinstance(tree, list) and steps[0] == "*":
        for index, item in enumerate(tree):
            yield from _walk(item, steps[1:], (*at, index))
    elif isinstance(tree, dict) and steps[0] in tree:
        yield from _walk(tree[steps[0]], steps[1:], (*at, steps[0]))
