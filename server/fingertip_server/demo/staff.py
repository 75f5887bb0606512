"""Opens the demo bank's staff accounts with one password, made once and kept beside the data."""

import asyncio
import os
import secrets
from pathlib import Path

from sqlalchemy import Connection

from fingertip_server.app import connected
from fingertip_server.identity import accounts, passwords
from fingertip_server.settings import Settings


def open_accounts(settings: Settings, folder: Path) -> Path:
    """Gives every account without a password the demo's, and returns the file that holds it."""
    path = folder / "demo-password"
    if not path.exists():
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(12))
    password_hash = passwords.accepted_hash("demo", path.read_text(), ())

    def open_each(connection: Connection) -> None:
        for staff_id in accounts.without_password(connection):
            accounts.replace_password(connection, staff_id, password_hash)

    async def run() -> None:
        async with connected(settings) as units:
            await units.transaction(open_each)

    asyncio.run(run())
    return path
