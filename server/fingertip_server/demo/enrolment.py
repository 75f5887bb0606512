"""Enrols the demo's devices, each once; their credentials stay beside the data, mode 0600."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from fingertip_client.caller import Caller
from fingertip_server import administration
from fingertip_server.demo.cast import Prop
from fingertip_server.settings import Settings


def enrol(
    props: Sequence[Prop], folder: Path, settings: Settings, targets: Sequence[str]
) -> dict[str, Path]:
    """Returns each device's credential file, made by a single-use code where there is none."""
    files = {prop.name: folder / f"{prop.name}.json" for prop in props}
    for prop in props:
        if not files[prop.name].exists():
            code = administration.create_enrolment_code(
                settings,
                kind=prop.kind,
                branch_id=prop.branch_id,
                display_name=prop.display_name,
                work_kinds=prop.work_kinds,
            )
            asyncio.run(_exchange(code, files[prop.name], targets))
    return files


async def _exchange(code: str, path: Path, targets: Sequence[str]) -> None:
    async with Caller(targets) as caller:
        (await caller.enrol(code)).save(path)
