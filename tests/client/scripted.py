"""A gRPC server that answers as a test has written down; it knows the contract and no rule."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import NoReturn

import grpc
from google.protobuf import any_pb2, descriptor_pool, message_factory
from google.protobuf.message import Message
from google.rpc import status_pb2
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo
from grpc_status import rpc_status

from fingertip_client.caller import Caller
from fingertip_client.retry import Patience

Context = grpc.aio.ServicerContext[Message, Message]
Unary = Callable[[Message, Context], Awaitable[Message]]
Messages = AsyncIterator[Message]
Stream = Callable[[Message, Context], Messages]


class ScriptedServer:
    """Serves one service on a port of its own; methods without an answer are UNIMPLEMENTED."""

    def __init__(
        self,
        service: str,
        *,
        unary: dict[str, Unary] | None = None,
        streams: dict[str, Stream] | None = None,
        port: int = 0,
        credentials: grpc.ServerCredentials | None = None,
    ) -> None:
        handlers: dict[str, grpc.RpcMethodHandler[Message, Message]] = {}
        for name, answer in (unary or {}).items():
            read = _request_class(service, name).FromString
            handlers[name] = grpc.unary_unary_rpc_method_handler(
                answer, request_deserializer=read, response_serializer=_write
            )
        for name, answers in (streams or {}).items():
            read = _request_class(service, name).FromString
            handlers[name] = grpc.unary_stream_rpc_method_handler(
                answers, request_deserializer=read, response_serializer=_write
            )
        self._server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
        self._server.add_generic_rpc_handlers(
            [grpc.method_handlers_generic_handler(service, handlers)]
        )
        address = f"127.0.0.1:{port}"
        if credentials is None:
            self.port = self._server.add_insecure_port(address)
        else:
            self.port = self._server.add_secure_port(address, credentials)

    @property
    def target(self) -> str:
        """Tells where it listens."""
        return f"127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Starts serving."""
        await self._server.start()

    async def stop(self) -> None:
        """Stops at once; open calls end as UNAVAILABLE."""
        await self._server.stop(0)


@contextlib.asynccontextmanager
async def serving(
    service: str,
    *,
    unary: dict[str, Unary] | None = None,
    streams: dict[str, Stream] | None = None,
) -> AsyncIterator[ScriptedServer]:
    """Runs a scripted server for a while."""
    server = ScriptedServer(service, unary=unary, streams=streams)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


@contextlib.asynccontextmanager
async def calling(
    service: str,
    *,
    unary: dict[str, Unary] | None = None,
    streams: dict[str, Stream] | None = None,
    device: str = "",
    patience: Patience | None = None,
) -> AsyncIterator[Caller]:
    """Runs a scripted server for a while, with a caller of it."""
    async with (
        serving(service, unary=unary, streams=streams) as server,
        Caller([server.target], device=device, patience=patience) as caller,
    ):
        yield caller


async def refuse(
    context: Context,
    code: grpc.StatusCode,
    reason: str,
    *,
    metadata: dict[str, str] | None = None,
    fields: Sequence[tuple[str, str]] = (),
) -> NoReturn:
    """Ends a call the way Fingertip's server does."""
    details = [any_pb2.Any(), any_pb2.Any()]
    details[0].Pack(ErrorInfo(reason=reason, domain="fingertip", metadata=metadata or {}))
    violations = [BadRequest.FieldViolation(field=f, description=d) for f, d in fields]
    details[1].Pack(BadRequest(field_violations=violations))
    status = status_pb2.Status(code=code.value[0], message="A sentence.", details=details)
    await context.abort_with_status(rpc_status.to_status(status))


def _request_class(service: str, method: str) -> type[Message]:
    """Finds the class of a method's requests."""
    descriptor = descriptor_pool.Default().FindMethodByName(f"{service}.{method}")
    return message_factory.GetMessageClass(descriptor.input_type)


def _write(message: Message) -> bytes:
    """Serialises an answer."""
    return message.SerializeToString()
