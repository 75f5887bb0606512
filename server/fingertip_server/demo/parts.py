"""How each party is started, and what the narrator makes of what it says."""

import json
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fingertip_server.demo import cast
from fingertip_server.demo.cast import Role
from fingertip_server.demo.lines import Line
from fingertip_server.demo.troupe import PartyFailed

_TICKET = re.compile(r"[A-Z]\d{3} ")
_ADAPTER = "模拟核心银行"
_SYNCED = re.compile(r"(\d+) customers changed")
_EXECUTED = re.compile(r"core\.(open_account|change_mobile) ([0-9a-f]{8})\S*: (\w+)")
_ORDERS = {"open_account": "开户指令", "change_mobile": "变更指令"}
_OUTCOMES = {
    "Unknown": "超时未答：如实上报“结果未知”",
    "Done": "查明已经办理，上报结果",
    "NotDone": "未办理",
}


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the story plays."""

    folder: Path
    targets: Sequence[str]
    devices: Mapping[str, Path]
    password_file: Path
    logs: Path
    traces: Path

    @property
    def customers(self) -> Path:
        """The simulated bank's customer master."""
        return self.folder / "customers.jsonl"

    @property
    def faults(self) -> Path:
        """What goes wrong at the simulated bank."""
        return self.folder / "faults.json"


def staff(stage: Stage, role: Role) -> list[str]:
    """Returns the command of a member of staff's part."""
    return [
        sys.executable,
        "-m",
        f"fingertip_server.demo.{role.module}",
        *(f"--target={target}" for target in stage.targets),
        f"--device={stage.devices[role.device]}",
        f"--password-file={stage.password_file}",
        role.staff_number,
    ]


def core_banking(stage: Stage) -> list[str]:
    """Returns the command of the adapter, in front of the simulated bank."""
    return [
        _script("fingertip-core-banking"),
        "run",
        *(f"--server={target}" for target in stage.targets),
        f"--device-credential-file={stage.devices[cast.CORE_BANKING]}",
        f"--customers={stage.customers}",
        f"--ledger={stage.folder / 'ledger.sqlite'}",
        f"--faults={stage.faults}",
    ]


def ticket_machine(stage: Stage) -> list[str]:
    """Returns the command of a ticket machine that waits for one card."""
    return [
        _script("fingertip-ticket-machine"),
        "issue",
        *(f"--server={target}" for target in stage.targets),
        f"--device-credential-file={stage.devices[cast.TICKET_MACHINE]}",
        "--branch-name=示范银行滨江支行",
        # Her card is read from the input, where no other process sees its number.
        "--card=-",
    ]


def _script(name: str) -> str:
    path = shutil.which(name, path=str(Path(sys.executable).parent))
    if path is None:
        raise PartyFailed(f"{name} 没有安装（pip install 'fingertip-server[demo]'）")
    return path


def heard_of_staff(said: str) -> Line | None:
    """Reads what a member of staff's part tells."""
    try:
        return Line.from_json(said)
    except ValueError:
        # Anything else is for the log.
        return None


def heard_of_core_banking(said: str) -> Line | None:
    """Reads the adapter's log."""
    try:
        event = str(json.loads(said)["event"])
    except (ValueError, TypeError, KeyError):
        # Anything else is for the log.
        return None
    if synced := _SYNCED.fullmatch(event):
        count = synced[1]
        return Line(
            _ADAPTER, "同步客户资料", f"{count} 位有变化", facts={"customers_synced": count}
        )
    if executed := _EXECUTED.fullmatch(event):
        order, number, outcome = executed.groups()
        return Line(_ADAPTER, f"{_ORDERS[order]} {number}", _OUTCOMES.get(outcome, outcome))
    return None


def heard_of_ticket_machine(said: str) -> Line | None:
    """Reads what the ticket machine says of a ticket."""
    return Line("取号机", "插卡取号，打印号票", said) if _TICKET.match(said) else None
