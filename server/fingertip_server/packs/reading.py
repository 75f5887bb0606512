"""Reads a bank pack from its folder: whole and consistent, or not at all."""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from fingertip_server.packs.consistency import Documents, check_consistency
from fingertip_server.packs.faults import Fault, PackRefused
from fingertip_server.packs.load_files import LoadedFile, load_files
from fingertip_server.packs.references import check_references
from fingertip_server.packs.schema import FILES, FOLDERS, Pack
from fingertip_server.packs.schema_bank import (
    Bank,
    Branches,
    Products,
    Roles,
    ServiceLines,
    SkillGroups,
    Staff,
)
from fingertip_server.packs.schema_forms import Agreement, Form, Scene
from fingertip_server.packs.schema_policies import Policies, PoliciesFile
from fingertip_server.packs.schema_quality import ErrorCategories
from fingertip_server.packs.schema_types import Frozen
from fingertip_server.packs.schema_vouchers import VoucherTypes

Part = TypeVar("Part", bound=Frozen)


def read_pack(folder: Path) -> Pack:
    """Returns the pack, or raises `PackRefused` with every fault of every file."""
    if not (folder / "bank.yaml").is_file():
        # Whatever it is, it may have a million files.
        raise PackRefused([Fault("bank.yaml", 0, f"{folder} is no pack: it has no bank.yaml.")])
    files, faults = load_files(folder)
    names = {file.name for file in files} | {fault.file for fault in faults}
    faults += [Fault(name, 0, "The file is missing.") for name in sorted(set(FILES) - names)]
    documents: dict[str, Frozen | None] = dict.fromkeys(sorted(names))
    for file in files:
        schema = _schema(file.name)
        if schema is None:
            faults.append(Fault(file.name, 0, "A pack has no such file."))
            continue
        try:
            documents[file.name] = schema.model_validate(file.tree)
        except ValidationError as error:
            faults += _explain(error, file)
    faults += check_references(files, names)
    lines = {file.name: file for file in files}
    for name, path, message in check_consistency(documents):
        faults.append(Fault(name, lines[name].line(path), message))
    if faults:
        raise PackRefused(faults)
    return _assemble(documents, _hash(files))


def _schema(name: str) -> type[Frozen] | None:
    folder, _, rest = name.partition("/")
    if rest:
        return None if "/" in rest else FOLDERS.get(folder)
    return FILES.get(name)


def _explain(error: ValidationError, file: LoadedFile) -> Iterator[Fault]:
    for detail in error.errors(include_url=False, include_context=False):
        path = detail["loc"]
        message = detail["msg"].removeprefix("Value error, ")
        where = ".".join(str(step) for step in path)
        yield Fault(file.name, file.line(path), f"{where}: {message}" if where else message)


def _hash(files: Sequence[LoadedFile]) -> str:
    digest = hashlib.sha256()
    for file in files:
        for part in (file.name.encode(), file.content):
            digest.update(len(part).to_bytes(8, "big"))
            digest.update(part)
    return digest.hexdigest()


def _assemble(documents: Documents, sha256: str) -> Pack:
    policy_rows = _one(documents, PoliciesFile).policies
    return Pack(
        sha256=sha256,
        bank=_one(documents, Bank),
        branches=_one(documents, Branches).branches,
        roles=_one(documents, Roles).roles,
        skill_groups=_one(documents, SkillGroups).skill_groups,
        staff=_one(documents, Staff).staff,
        service_lines=_one(documents, ServiceLines).service_lines,
        products=_one(documents, Products).products,
        voucher_types=_one(documents, VoucherTypes).voucher_types,
        forms=_every(documents, Form),
        agreements=_every(documents, Agreement),
        scenes=_every(documents, Scene),
        policy_rows=policy_rows,
        policies=Policies.of(policy_rows),
        error_categories=_one(documents, ErrorCategories).error_categories,
    )


def _one(documents: Documents, kind: type[Part]) -> Part:
    (document,) = _every(documents, kind)
    return document


def _every(documents: Documents, kind: type[Part]) -> tuple[Part, ...]:
    return tuple(document for document in documents.values() if isinstance(document, kind))
