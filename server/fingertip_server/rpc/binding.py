"""Pairs the contract's methods with their handlers, and refuses to start when the two disagree."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from google.protobuf import message_factory
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.descriptor_pb2 import MethodOptions
from google.protobuf.message import Message

from fingertip.options.v1 import options_pb2
from fingertip_server.rpc import masking

PUBLIC = "public"
_PHASES = ("prepare", "wait", "replay", "refuse")

# What a handler takes and returns is the generated class of its method; only the method's
# descriptor knows which, so these signatures cannot say it.
Handler = Callable[..., Any]


class ContractMismatch(Exception):
    """The contract and the code disagree; the message lists every fault."""


@dataclass(frozen=True, slots=True)
class Method:
    """A method of the contract with what serves it."""

    service: str
    short_name: str
    name: str
    permission: str
    is_read: bool
    is_audited: bool
    is_journalled: bool
    is_masked: bool
    is_stream: bool
    request: type[Message]
    response: type[Message]
    handler: Handler
    prepare: Callable[..., Awaitable[object]] | None
    wait: Callable[..., Awaitable[Any]] | None
    replay: Handler | None
    refuse: Callable[..., None] | None

    @property
    def has_transaction(self) -> bool:
        """Says whether the handler runs in a transaction: all but plain reads do."""
        return not self.is_read or self.is_audited

    @property
    def is_idempotent(self) -> bool:
        """Says whether answers are kept under their request_id."""
        return not self.is_read and self.is_journalled


def bind(services: Mapping[ServiceDescriptor, Sequence[object]]) -> list[Method]:
    """Returns every method of the services, each of which may have several modules of handlers.

    Raises ContractMismatch with all faults at once.
    """
    faults: list[str] = []
    methods = []
    for service, modules in services.items():
        for method in service.methods:
            module = _module_of(method, modules)
            found = list(_faults(method, module))
            faults += found
            if not found:
                methods.append(_method(method, module))
        for module in modules:
            faults += _strays(service, module)
    if faults:
        raise ContractMismatch(
            "The contract and the code disagree:\n" + "\n".join(f"- {fault}" for fault in faults)
        )
    return methods


def snake_case(name: str) -> str:
    """Returns the handler's name of a method: IssueTicket becomes issue_ticket."""
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).removeprefix("_")


def _module_of(method: MethodDescriptor, modules: Sequence[object]) -> object:
    """Returns the module that has the method's handler; the first when none has."""
    name = snake_case(method.name)
    return next((module for module in modules if hasattr(module, name)), modules[0])


def _faults(method: MethodDescriptor, module: object) -> Iterable[str]:
    options = method.GetOptions().Extensions
    name = f"{method.containing_service.full_name}/{method.name}"
    if not options[options_pb2.permission]:
        yield f"{name} has no permission option"
    if not callable(getattr(module, snake_case(method.name), None)):
        yield f"{name} has no handler {_name(module)}.{snake_case(method.name)}"
    writes = not _is_read(method)
    if writes and not options[options_pb2.journal_exempt]:
        field = method.input_type.fields_by_name.get("request_id")
        if field is None:
            yield f"{name} changes things but its request has no request_id"
    takes_secret = masking.has_secrets(method.input_type)
    if writes and takes_secret and not hasattr(module, f"replay_{snake_case(method.name)}"):
        yield f"{name} takes a secret, but nothing checks the one that comes with a repetition"
    if not writes and options[options_pb2.journal_exempt]:
        yield f"{name} is a read, so it cannot be exempt from the journal"


def _strays(service: ServiceDescriptor, module: object) -> Iterable[str]:
    known = {snake_case(method.name) for method in service.methods}
    for attribute in dir(module):
        phase, _, rest = attribute.partition("_")
        if phase in _PHASES and rest not in known:
            yield f"{_name(module)}.{attribute} belongs to no method of {service.full_name}"
        elif phase in _PHASES and not hasattr(module, rest):
            yield f"{_name(module)}.{attribute} is not beside its handler {rest}"


def _name(module: object) -> str:
    return getattr(module, "__name__", type(module).__name__)


def _method(method: MethodDescriptor, module: object) -> Method:
    options = method.GetOptions().Extensions
    snake = snake_case(method.name)
    service = method.containing_service.full_name
    return Method(
        service=service,
        short_name=method.name,
        name=f"{service.removeprefix('fingertip.')}/{method.name}",
        permission=options[options_pb2.permission],
        is_read=_is_read(method),
        is_audited=options[options_pb2.audited],
        is_journalled=not options[options_pb2.journal_exempt],
        is_masked=not options[options_pb2.unmasked],
        is_stream=method.server_streaming,
        request=message_factory.GetMessageClass(method.input_type),
        response=message_factory.GetMessageClass(method.output_type),
        handler=cast("Handler", getattr(module, snake)),
        prepare=getattr(module, f"prepare_{snake}", None),
        wait=getattr(module, f"wait_{snake}", None),
        replay=getattr(module, f"replay_{snake}", None),
        refuse=getattr(module, f"refuse_{snake}", None),
    )


def _is_read(method: MethodDescriptor) -> bool:
    return bool(method.GetOptions().idempotency_level == MethodOptions.NO_SIDE_EFFECTS)
