"""Waiting for what happens in other processes, and asking them how they are."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable

import grpc
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse

_PATH = "/grpc.health.v1.Health/"


async def until(condition: Callable[[], bool | Awaitable[bool]], seconds: float) -> None:
    """Waits until something holds. Raises TimeoutError when it does not in time."""
    async with asyncio.timeout(seconds):
        # What is waited for happens in other processes.
        while not await _holds(condition):  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def is_serving(target: str) -> bool:
    """Asks a server for its health."""
    async with grpc.aio.insecure_channel(target) as channel:
        check: grpc.aio.UnaryUnaryMultiCallable[HealthCheckRequest, HealthCheckResponse] = (
            channel.unary_unary(
                f"{_PATH}Check",
                request_serializer=HealthCheckRequest.SerializeToString,
                response_deserializer=HealthCheckResponse.FromString,
            )
        )
        answer = await check(HealthCheckRequest(), timeout=5)
        return answer.status == HealthCheckResponse.SERVING


def watch_health(
    channel: grpc.aio.Channel,
) -> "grpc.aio.UnaryStreamCall[HealthCheckRequest, HealthCheckResponse]":
    """Opens the stream of a server's health."""
    watch: grpc.aio.UnaryStreamMultiCallable[HealthCheckRequest, HealthCheckResponse] = (
        channel.unary_stream(
            f"{_PATH}Watch",
            request_serializer=HealthCheckRequest.SerializeToString,
            response_deserializer=HealthCheckResponse.FromString,
        )
    )
    return watch(HealthCheckRequest())


async def _holds(condition: Callable[[], bool | Awaitable[bool]]) -> bool:
    found = condition()
    return await found if inspect.isawaitable(found) else found
