"""Tells who calls, mostly from memory, and when a session ends by itself.

What is remembered was read in one statement, and is good for as long as this process reads the
security events that would contradict it. A session's last use is remembered as well and written
down every half minute; where two processes serve one session, the one that thinks it idle looks
into the database before it says so.
"""

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from uuid import UUID

import structlog
from sqlalchemy import Connection

from fingertip_server import errors
from fingertip_server.identity import principals, rules, sessions
from fingertip_server.identity.cache import Known, PrincipalCache
from fingertip_server.identity.clock import DatabaseClock
from fingertip_server.identity.principals import Found
from fingertip_server.packs.bank import Bank
from fingertip_server.protection.protection import Protection
from fingertip_server.rpc.principal import Principal
from fingertip_server.rpc.units import Units

DEVICE_KEY = "fingertip-device"
TOKEN_KEY = "authorization"  # noqa: S105 - the name of a header
_BEARER = "bearer "
# Ours have 43 characters.
_CREDENTIAL_LENGTH_MAX = 128
_FLUSH_SECONDS = 30.0

_log = structlog.get_logger("fingertip.identity")


class Authenticator:
    """Authenticates the calls of one process.

    `bank` returns the active bank, `trusted` says whether the security events were read within the
    last seconds: when they were not, nobody is taken from memory. Whoever reads those events calls
    `invalidate` with their subjects.
    """

    def __init__(
        self,
        *,
        units: Units,
        protection: Protection,
        bank: Callable[[], Bank],
        trusted: Callable[[], bool],
    ) -> None:
        self.clock = DatabaseClock()
        self.trusted = trusted
        self._units = units
        self._protection = protection
        self._bank = bank
        self._cache = PrincipalCache()
        self._invalidations = 0
        # Uses that the database does not know yet: session to seconds since 1970.
        self._uses: dict[UUID, float] = {}
        self._flush_wanted = asyncio.Event()

    async def authenticate(
        self, metadata: Sequence[tuple[str, str | bytes]], *, is_use: bool = True
    ) -> Principal:
        """Returns the caller. Raises NOT_SIGNED_IN when the metadata do not prove who that is.

        A device's credential alone is the device; with a token beside it, the member of staff who
        signed in on it. What a program does by itself, for example an open stream, is no use that
        keeps a session from idling.
        """
        device, token = _credentials(metadata)
        key = hashlib.sha256(f"{device} {token}".encode()).digest()
        known = self._cache.get(key)
        if known is None or not self._is_good(known):
            known = await self._look_up(key, device, token)
        if is_use and known.found.session_id is not None:
            self._note_use(known, known.found.session_id)
        return known.found.principal

    def invalidate(self, subject: str) -> None:
        """Forgets what concerns "staff:…", "device:…" or "session:…"."""
        self._invalidations += 1
        self._cache.forget(subject)

    async def flush(self) -> None:
        """Writes down the uses of sessions in one statement, and forgets sessions that are over."""
        self._flush_wanted.clear()
        now = self.clock.seconds()
        self._cache.drop_where(lambda known: self._is_over(known, now))
        uses, self._uses = self._uses, {}
        if not uses:
            return
        try:
            await self._units.autocommit(lambda connection: sessions.note_use(connection, uses))
        except BaseException:
            self._uses = uses | self._uses
            raise

    async def keep_flushing(self) -> None:
        """Flushes every half minute, or at once when a session nearly idled; until cancelled."""
        while True:
            try:
                async with asyncio.timeout(_FLUSH_SECONDS):
                    await self._flush_wanted.wait()
            except TimeoutError:
                pass
            try:
                await self.flush()
            except errors.Unavailable:
                _log.warning("last_use_not_written")

    async def _look_up(self, key: bytes, device: str, token: str) -> Known:
        invalidations, bank = self._invalidations, self._bank()
        found = await self._units.autocommit(lambda c: self._find(c, device, token, bank))
        if found is None:
            self._cache.drop(key)
            raise rules.not_signed_in()
        self.clock.observe(datetime.fromtimestamp(found.now_seconds, UTC))
        idle = bank.policies.duration("identity.session_idle").total_seconds()
        last_used = found.last_used_seconds
        if found.session_id is not None:
            last_used = max(last_used, self._uses.get(found.session_id, 0.0))
        known = Known(found, bank, idle, last_used)
        if self._is_over(known, found.now_seconds):
            self._cache.drop(key)
            raise rules.not_signed_in()
        # What was revoked while it was read must not be remembered.
        if invalidations == self._invalidations:
            self._cache.put(key, known)
        return known

    def _find(self, connection: Connection, device: str, token: str, bank: Bank) -> Found | None:
        device_hash = self._protection.token_hash(device)
        if not token:
            return principals.find_device(connection, device_hash)
        token_hash = self._protection.token_hash(token)
        return principals.find_staff(connection, device_hash, token_hash, bank)

    def _is_good(self, known: Known) -> bool:
        # What a role may do is another matter once another pack is active.
        return (
            self.trusted()
            and known.bank is self._bank()
            and not self._is_over(known, self.clock.seconds())
        )

    @staticmethod
    def _is_over(known: Known, now: float) -> bool:
        return known.found.session_id is not None and rules.is_session_over(
            now,
            expires_seconds=known.found.expires_seconds,
            last_used_seconds=known.last_used_seconds,
            idle_seconds=known.idle_seconds,
        )

    def _note_use(self, known: Known, session_id: UUID) -> None:
        now = self.clock.seconds()
        if now - known.last_used_seconds > known.idle_seconds / 2:
            # Another process must not think by then that the session idled.
            self._flush_wanted.set()
        known.last_used_seconds = now
        self._uses[session_id] = now


def _credentials(metadata: Sequence[tuple[str, str | bytes]]) -> tuple[str, str]:
    """Returns the device's credential and the token, or an empty text for none.

    Raises NOT_SIGNED_IN without a device, and when either comes twice or is nothing of ours.
    """
    device = token = ""
    for key, value in metadata:
        if key == DEVICE_KEY:
            if device or not isinstance(value, str) or not 0 < len(value) <= _CREDENTIAL_LENGTH_MAX:
                raise rules.not_signed_in()
            device = value
        elif key == TOKEN_KEY:
            if token or not isinstance(value, str) or len(value) > _CREDENTIAL_LENGTH_MAX:
                raise rules.not_signed_in()
            token = value[len(_BEARER) :]
            if not token or value[: len(_BEARER)].lower() != _BEARER:
                raise rules.not_signed_in()
    if not device:
        raise rules.not_signed_in()
    return device, token
