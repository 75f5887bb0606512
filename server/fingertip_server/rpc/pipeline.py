"""The life of a call, readable top to bottom.

trace → map errors → authenticate → permission → validate → transaction (replay? → handler →
answer, work, audit, events) → commit → answer
"""

import asyncio
from collections.abc import Callable
from typing import cast

import grpc
from google.protobuf.message import Message
from sqlalchemy import Connection

from fingertip.errors.v1.error_reason_pb2 import ErrorReason
from fingertip_server import errors, telemetry
from fingertip_server.rpc import append, idempotency, masking, status, validation
from fingertip_server.rpc.binding import PUBLIC, Method
from fingertip_server.rpc.call import INVALIDATED, SECURITY, Call
from fingertip_server.rpc.entry import Entry
from fingertip_server.rpc.frame import Frame
from fingertip_server.rpc.phases import After, Outside
from fingertip_server.rpc.principal import PUBLIC as NOBODY
from fingertip_server.rpc.principal import SYSTEM, Principal
from fingertip_server.rpc.spans import CallSpan, Metadata, metadata_of
from fingertip_server.rpc.units import UniqueViolation

Context = grpc.aio.ServicerContext[bytes, bytes]


class Pipeline:
    """Runs calls through the frame."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    async def unary(self, method: Method, content: bytes, context: Context) -> bytes:
        """Serves one call of a unary method."""
        metadata = metadata_of(context)
        with CallSpan(method, metadata) as span:
            try:
                answer = await self._answer(method, content, context, metadata, span)
            except errors.DomainError as error:
                refusal = error
            except asyncio.CancelledError:
                span.refused("CANCELLED")
                raise
            # Whatever it is, its text must not reach the client.
            except Exception as error:  # noqa: BLE001
                refusal = status.internal(error, method, content)
            else:
                return answer
            span.refused(refusal.reason_name)
        await status.abort(context, refusal)
        raise AssertionError("abort raises")

    async def admitted(
        self, method: Method, content: bytes, metadata: Metadata
    ) -> tuple[Principal, Message]:
        """Returns the caller and his request, when he may make it and it is well-formed."""
        principal = await self.authenticated(method, metadata)
        request = validation.parse(method.request, content)
        validation.validate(request)
        return principal, request

    async def authenticated(
        self, method: Method, metadata: Metadata, *, is_use: bool = True
    ) -> Principal:
        """Returns the caller, when he may call the method; a refusal is journalled."""
        if method.permission == PUBLIC:
            return NOBODY
        principal = await self._frame.authenticator.authenticate(metadata, is_use=is_use)
        if method.permission not in principal.permissions:
            refusal = _not_permitted(method)
            await self._refused(method, principal, None, None, refusal)
            raise refusal
        return principal

    async def _answer(
        self,
        method: Method,
        content: bytes,
        context: Context,
        metadata: Metadata,
        span: CallSpan,
    ) -> bytes:
        frame = self._frame
        if frame.is_draining:
            raise errors.Unavailable(
                ErrorReason.ERROR_REASON_SHUTTING_DOWN,
                "This process is shutting down. Repeat on another one.",
            )
        if frame.calls >= frame.calls_max:
            raise errors.LimitReached(
                ErrorReason.ERROR_REASON_OVERLOADED, "The server has too much to do. Repeat later."
            )
        frame.calls += 1
        try:
            principal, request = await self.admitted(method, content, metadata)
            span.identified(principal, request)
            prepared = await self._prepare(method, principal, request)
            # None without a deadline, whatever its stub says.
            remaining = cast("float | None", context.time_remaining())
            if remaining is not None and remaining <= 0:
                raise errors.DeadlineExceeded(
                    ErrorReason.ERROR_REASON_DEADLINE_EXCEEDED,
                    "The deadline was over before work began.",
                )
            mark = frame.wakeups.mark()

            async def run() -> Message:
                return await self._run(method, principal, request, prepared, span)

            async def again() -> Message:
                # Revoked or demoted meanwhile, the caller gets nothing more.
                await self.authenticated(method, metadata, is_use=False)
                return await run()

            async def look(work: Callable[[Call], object]) -> object:
                return await frame.units.autocommit(
                    lambda c: work(self._call(method, principal, c, request, prepared))
                )

            answer = await run()
            if method.wait is not None:
                after = After(
                    principal=principal,
                    bank=frame.bank,
                    wakeups=frame.wakeups,
                    rerun=again,
                    read=look,
                    is_cancelled=context.cancelled,
                    is_draining=lambda: frame.is_draining,
                    mark=mark,
                )
                answer = await method.wait(after, request, answer)
                if method.is_masked:
                    masking.mask(answer)
            return answer.SerializeToString()
        finally:
            frame.calls -= 1

    async def _prepare(self, method: Method, principal: Principal, request: Message) -> object:
        if method.prepare is None:
            return None
        frame = self._frame
        outside = Outside(principal, frame.protection, frame.bank, frame.units, frame.authority)
        return await method.prepare(outside, request)

    async def _run(
        self,
        method: Method,
        principal: Principal,
        request: Message,
        prepared: object,
        span: CallSpan,
    ) -> Message:
        frame = self._frame
        if not method.has_transaction:

            def read(connection: Connection) -> Message:
                call = self._call(method, principal, connection, request, prepared)
                answer = self._handled(method, call, request, span)
                span.ended(call.journey_id)
                return answer

            return await frame.units.autocommit(read)
        key = (
            idempotency.key_of(principal.scope, method.name, request)
            if method.is_idempotent
            else None
        )

        def unit(connection: Connection) -> tuple[Message, Call]:
            call = self._call(method, principal, connection, request, prepared)
            if key is not None:
                idempotency.require_recent(call, key)
            answer = self._handled(method, call, request, span)
            self._append(method, call, key, answer, span)
            return answer, call

        try:
            answer, call = await frame.units.transaction(unit)
        except (errors.DomainError, UniqueViolation) as error:
            return await self._repeated_or_refused(method, principal, request, prepared, key, error)
        span.ended(call.journey_id)
        self._announce(call)
        return answer

    async def _repeated_or_refused(
        self,
        method: Method,
        principal: Principal,
        request: Message,
        prepared: object,
        key: idempotency.Key | None,
        error: errors.DomainError | UniqueViolation,
    ) -> Message:
        if key is not None and not isinstance(error, errors.Unavailable):
            try:
                answer = await self._replayed(method, principal, request, prepared, key)
            except (errors.DomainError, UniqueViolation) as of_repetition:
                # What a repetition is refused for is told, and journalled, like any other refusal.
                error = of_repetition
            else:
                if answer is not None:
                    return answer
        refusal = self._translated(error)
        await self._refused(method, principal, request, prepared, refusal)
        raise refusal from error

    async def _replayed(
        self,
        method: Method,
        principal: Principal,
        request: Message,
        prepared: object,
        key: idempotency.Key,
    ) -> Message | None:
        frame = self._frame

        def unit(connection: Connection) -> tuple[Message, Call] | None:
            sealed = idempotency.stored_answer(connection, key)
            if sealed is None:
                return None
            answer = method.response.FromString(frame.protection.answer_open(*key.place, sealed))
            call = self._call(method, principal, connection, request, prepared)
            if method.replay is not None:
                answer = method.replay(call, request, answer)
                call.flush()
                # What is issued anew is an act of its own.
                entry = self._entry(method, call, "DONE", "")
                append.append(connection, call, entry=entry, stored=None, traceparent="")
            return answer, call

        found = await frame.units.transaction(unit)
        if found is None:
            return None
        answer, call = found
        self._announce(call)
        return answer

    async def _refused(
        self,
        method: Method,
        principal: Principal,
        request: Message | None,
        prepared: object,
        refusal: errors.DomainError,
    ) -> None:
        """Journals a refusal, with the changes that it carries, in a transaction of its own."""
        if not method.has_transaction or not method.is_journalled:
            return
        if isinstance(refusal, errors.Unavailable | errors.Internal):
            return

        def unit(connection: Connection) -> Call:
            call = self._call(method, principal, connection, request, prepared)
            if method.refuse is not None and request is not None:
                call.home = SECURITY
                method.refuse(call, request, refusal)
            elif principal is NOBODY:
                call.home = SECURITY
            call.flush()
            entry = self._entry(method, call, "REFUSED", refusal.reason_name)
            append.append(connection, call, entry=entry, stored=None, traceparent="")
            return call

        self._announce(await self._frame.units.transaction(unit))

    async def due(self, kind: str, work: Callable[[Call], None]) -> None:
        """Does what a timer says, as the system itself, with journal and events."""

        def unit(connection: Connection) -> Call:
            call = self._call_of(f"timer/{kind}", SYSTEM, connection)
            work(call)
            call.flush()
            entry = self._named_entry(f"timer/{kind}", call, "DONE", "")
            append.append(
                connection,
                call,
                entry=entry if call.said.recorded else None,
                stored=None,
                traceparent=telemetry.traceparent(),
            )
            return call

        self._announce(await self._frame.units.transaction(unit))

    def _handled(self, method: Method, call: Call, request: Message, span: CallSpan) -> Message:
        try:
            answer: Message = method.handler(call, request)
        except errors.DomainError:
            # A refusal was in a journey, too; what is rolled back otherwise may not have been.
            span.ended(call.journey_id)
            raise
        call.flush()
        if method.is_masked:
            masking.mask(answer)
        return answer

    def _append(
        self,
        method: Method,
        call: Call,
        key: idempotency.Key | None,
        answer: Message,
        span: CallSpan,
    ) -> None:
        if method.is_journalled and call.said.recorded is None:
            raise AssertionError(f"{method.name} recorded nothing")
        append.append(
            call.connection,
            call,
            entry=self._entry(method, call, "DONE", "") if method.is_journalled else None,
            stored=self._stored(key, answer) if key else None,
            traceparent=span.traceparent,
        )

    def _stored(self, key: idempotency.Key, answer: Message) -> append.StoredAnswer:
        kept = masking.without_secrets(answer)
        sealed = self._frame.protection.answer_seal(*key.place, kept.SerializeToString())
        return append.StoredAnswer(key.scope, key.method, key.request_id, key.request_hash, sealed)

    def _entry(self, method: Method, call: Call, outcome: str, reason: str) -> Entry:
        return self._named_entry(method.name, call, outcome, reason)

    def _named_entry(self, action: str, call: Call, outcome: str, reason: str) -> Entry:
        principal = call.principal
        recorded = call.said.recorded
        content = call.request.SerializeToString(deterministic=True) if call.request else b""
        return Entry(
            actor_kind=principal.kind.value,
            actor_id=principal.id,
            actor_name=principal.display_name,
            device_id=str(principal.device_id or ""),
            action=action,
            outcome=outcome,
            reason=reason,
            object_kind=recorded.object_kind if recorded else "",
            object_id=recorded.object_id if recorded else "",
            object_state=recorded.state if recorded else "",
            journey_id=call.journey_id,
            purpose=recorded.purpose if recorded else "",
            commitment=self._frame.protection.commit(content),
            second_person_id=call.said.second_person_id,
            second_person_name=call.said.second_person_name,
        )

    def _call(
        self,
        method: Method,
        principal: Principal,
        connection: Connection,
        request: Message | None,
        prepared: object,
    ) -> Call:
        call = self._call_of(method.name, principal, connection)
        call.request = request
        call.prepared = prepared
        return call

    def _call_of(self, method: str, principal: Principal, connection: Connection) -> Call:
        frame = self._frame
        return Call(
            principal=principal,
            connection=connection,
            protection=frame.protection,
            bank=frame.bank,
            hooks=frame.hooks,
            method=method,
        )

    def _announce(self, call: Call) -> None:
        for event in call.said.announcements:
            if event.kind == INVALIDATED:
                # Here at once, so that the caller's next call sees what this one changed.
                self._frame.authenticator.invalidate(event.payload.decode())
        names = {f"topic:{event.topic}" for event in call.said.announcements}
        names |= {f"work:{item.kind}" for item in call.said.items} | call.said.woken
        if names:
            self._frame.announce(names)

    def _translated(self, error: errors.DomainError | UniqueViolation) -> errors.DomainError:
        if isinstance(error, errors.DomainError):
            return error
        make = self._frame.constraints.get(error.constraint)
        if make is not None:
            return make()
        if error.constraint == idempotency.CONSTRAINT:
            # The twin that was faster rolled back between the two looks.
            return errors.temporarily_unavailable()
        raise error


def _not_permitted(method: Method) -> errors.PermissionDenied:
    return errors.PermissionDenied(
        ErrorReason.ERROR_REASON_PERMISSION_MISSING,
        "The caller may not do this.",
        permission=method.permission,
    )
