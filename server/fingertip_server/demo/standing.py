"""A server that stays up on a private PostgreSQL, with the demo bank where it is wanted."""

import os
import signal
import types
from collections.abc import Callable
from pathlib import Path

from fingertip_server import administration
from fingertip_server.demo.staff import open_accounts
from fingertip_server.packs import DEMO
from fingertip_server.supervisor import Supervisor

_LISTEN = "127.0.0.1:50051"


def stand(folder: Path, *, is_demo: bool, tell: Callable[[str], None]) -> int:
    """Serves until SIGTERM, Ctrl-C or the end of the server; returns the exit code."""
    signal.signal(signal.SIGTERM, _leave)
    with Supervisor(folder) as supervisor:
        settings = supervisor.settings()
        if is_demo:
            version, _ = administration.load_pack(settings, DEMO)
            tell(f"示范银行 {version}，数据在 {folder}")
            password_file = open_accounts(settings, folder)
            tell(f"员工密码在 {password_file}（全部员工同一密码，仅供演示）")
        listen = os.environ.get("FINGERTIP_LISTEN", _LISTEN)
        supervisor.start_servers(1, listen=listen)
        tell(f"服务地址 {supervisor.targets[0]}，日志在 {supervisor.logs}，按 Ctrl-C 停止")
        tell(
            f"命令行工具：export DATABASE_URL='{settings.database_url}'"
            f" FINGERTIP_KEY_RING='{supervisor.key_ring}'"
            f" FINGERTIP_AUTHORITY='{supervisor.authority}'"
        )
        try:
            return supervisor.wait()
        except KeyboardInterrupt:
            return 0


def _leave(_number: int, _frame: types.FrameType | None) -> None:
    # The same way out as Ctrl-C: the supervisor stops the server, then PostgreSQL.
    raise KeyboardInterrupt
