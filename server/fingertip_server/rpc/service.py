"""Serves the methods of the contract on a gRPC server, by the pipeline."""

from collections import defaultdict
from collections.abc import Iterable

import grpc

from fingertip_server.rpc import streams
from fingertip_server.rpc.binding import Method
from fingertip_server.rpc.pipeline import Context, Pipeline


def register(server: grpc.aio.Server, methods: Iterable[Method], pipeline: Pipeline) -> None:
    """Adds every method to the server. Bytes go in and out: the pipeline parses and answers."""
    services: defaultdict[str, dict[str, grpc.RpcMethodHandler[bytes, bytes]]] = defaultdict(dict)
    for method in methods:
        serve = _stream(method, pipeline) if method.is_stream else _unary(method, pipeline)
        services[method.service][method.short_name] = serve
    server.add_generic_rpc_handlers(
        tuple(
            grpc.method_handlers_generic_handler(service, handlers)
            for service, handlers in services.items()
        )
    )


def _unary(method: Method, pipeline: Pipeline) -> "grpc.RpcMethodHandler[bytes, bytes]":
    async def serve(content: bytes, context: Context) -> bytes:
        return await pipeline.unary(method, content, context)

    return grpc.unary_unary_rpc_method_handler(serve)


def _stream(method: Method, pipeline: Pipeline) -> "grpc.RpcMethodHandler[bytes, bytes]":
    async def serve(content: bytes, context: Context) -> None:
        await streams.serve(pipeline, method, content, context)

    return grpc.unary_stream_rpc_method_handler(serve)
