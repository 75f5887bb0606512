"""Serves the streams of the contract: admitted like any call, then carried until they end."""

import asyncio

from fingertip.errors.v1.error_reason_pb2 import ErrorReason
from fingertip_server import errors
from fingertip_server.rpc import status
from fingertip_server.rpc.binding import Method
from fingertip_server.rpc.pipeline import Context, Pipeline
from fingertip_server.rpc.principal import Principal
from fingertip_server.rpc.spans import CallSpan, metadata_of

# A watcher that takes nothing for this long is cut off, and so is the attempt to tell him.
_WRITE_SECONDS_MAX = 10.0
_ABORT_SECONDS_MAX = 2.0


async def serve(pipeline: Pipeline, method: Method, content: bytes, context: Context) -> None:
    """Serves one call of a streaming method; the caller is asked for again as it goes on."""
    metadata = metadata_of(context)
    with CallSpan(method, metadata) as span:
        refusal: errors.DomainError | None = None
        responses = None
        try:
            principal, request = await pipeline.admitted(method, content, metadata)
            span.identified(principal, request)

            async def authenticate() -> Principal:
                return await pipeline.authenticated(method, metadata, is_use=False)

            responses = method.handler(request, authenticate)
            async for response in responses:
                async with asyncio.timeout(_WRITE_SECONDS_MAX):
                    await context.write(response.SerializeToString())
        except errors.DomainError as error:
            refusal = error
        except TimeoutError:
            refusal = slow_consumer()
        except asyncio.CancelledError:
            span.refused("CANCELLED")
            raise
        # As above; a write into a call that ended meanwhile is among them.
        except Exception as error:  # noqa: BLE001
            if context.done():
                span.refused("CANCELLED")
                return
            refusal = status.internal(error, method, content)
        finally:
            if responses is not None:
                # Frees what waits for this watcher before anything else is tried with him.
                await responses.aclose()
        if refusal is None:
            return
        span.refused(refusal.reason_name)
    async with asyncio.timeout(_ABORT_SECONDS_MAX):
        await status.abort(context, refusal)


def slow_consumer() -> errors.LimitReached:
    """Returns the refusal of a watcher that reads too slowly."""
    return errors.LimitReached(
        ErrorReason.ERROR_REASON_SLOW_CONSUMER,
        "The stream was read too slowly. Resume with the last token.",
    )
