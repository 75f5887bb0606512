"""What the contract's comments say: which reasons there are, and with which a method may refuse."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import grpc
from google.protobuf.descriptor import MethodDescriptor

_PROTOS = Path(__file__).parents[2] / "protos"
_REASON = re.compile(r"((?:  //[^\n]*\n)+)  ERROR_REASON_([A-Z_]+) = [1-9]")
_KEYS = re.compile(r"Keys: ([^.;]+)[.;]")
_NAME = re.compile(r"\b[A-Z]+(?:_[A-Z]+)*\b")
# Of any method: what the frame refuses before or beside the handler.
ANYWHERE = frozenset(
    {
        "INVALID_REQUEST",
        "NOT_SIGNED_IN",
        "PERMISSION_MISSING",
        "OVERLOADED",
        "TEMPORARILY_UNAVAILABLE",
        "SHUTTING_DOWN",
        "DEADLINE_EXCEEDED",
        "INTERNAL",
    }
)


@dataclass(frozen=True)
class Reason:
    """A reason of refusal, as its comment has it."""

    code: grpc.StatusCode
    keys: frozenset[str]

    def has(self, keys: Iterable[str]) -> bool:
        """Tells whether a refusal may have these keys: of several it may leave some out."""
        given = set(keys)
        return given <= self.keys and bool(given) == bool(self.keys)


@cache
def reasons() -> dict[str, Reason]:
    """Returns every reason by its name on the wire."""
    text = (_PROTOS / "fingertip/errors/v1/error_reason.proto").read_text()
    return {name: _reason(comment) for comment, name in _REASON.findall(text)}


@cache
def refusals(method: MethodDescriptor) -> frozenset[str]:
    """Returns the reasons with which a method may refuse."""
    text = (_PROTOS / method.containing_service.file.name).read_text()
    before, _, _ = text.partition(f"rpc {method.name}(")
    named = set(_NAME.findall(before[before.rindex("\n\n") :]))
    inputs = {field.name for field in method.input_type.fields}
    if "request_id" in inputs:
        named.add("REQUEST_ID_REUSED")
    if "page_token" in inputs:
        named.add("INVALID_PAGE_TOKEN")
    return frozenset(named) | ANYWHERE


def _reason(comment: str) -> Reason:
    whole = " ".join(line.strip(" /") for line in comment.splitlines())
    code, _, rest = whole.partition(". ")
    found = _KEYS.search(rest)
    keys = re.sub(r"\([^)]*\)", "", found[1]) if found else ""
    return Reason(grpc.StatusCode[code], frozenset(re.findall(r"[a-z0-9_]+", keys)))
