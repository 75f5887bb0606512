"""The spans that processes wrote into files, read back as the traces that they make together."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self


@dataclass(frozen=True)
class Span:
    """A span, and which process's service wrote it."""

    service: str
    name: str
    trace_id: str
    span_id: str
    parent_id: str
    links: tuple[tuple[str, str], ...]
    attributes: Mapping[str, str] = field(hash=False)

    @property
    def key(self) -> tuple[str, str]:
        """What a link to it says."""
        return self.trace_id, self.span_id

    @property
    def journey_id(self) -> str:
        """The journey it says that it belongs to."""
        return self.attributes.get("fingertip.journey_id", "")


class Traces:
    """All spans of a run."""

    def __init__(self, spans: Iterable[Span]) -> None:
        self._spans = {span.key: span for span in spans}

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Reads every file of a folder."""
        return cls(span for path in sorted(folder.iterdir()) for span in _spans(path))

    def named(self, service: str, name: str) -> list[Span]:
        """Returns a service's spans of a name."""
        return [s for s in self._spans.values() if (s.service, s.name) == (service, name)]

    def parent(self, span: Span) -> Span:
        """Returns what a span is part of, in whichever process that was."""
        return self._spans[span.trace_id, span.parent_id]

    def linked(self, span: Span) -> Span:
        """Returns the one span that another is linked to."""
        [link] = span.links
        return self._spans[link]

    def unresolved(self) -> list[Span]:
        """Returns spans whose parent or link nobody wrote."""
        return [
            span
            for span in self._spans.values()
            if (span.parent_id and (span.trace_id, span.parent_id) not in self._spans)
            or any(link not in self._spans for link in span.links)
        ]

    def followed(self, start: Span) -> list[Span]:
        """Returns a span's trace, and all traces of which one span is linked to what was found."""
        found = {start.trace_id}
        while True:
            more = {
                span.trace_id
                for span in self._spans.values()
                if any(trace_id in found for trace_id, _ in span.links)
            }
            if more <= found:
                return [span for span in self._spans.values() if span.trace_id in found]
            found |= more


def _spans(path: Path) -> Iterator[Span]:
    for line in path.read_text(encoding="utf-8").splitlines():
        for resource in json.loads(line)["resourceSpans"]:
            service = _attributes(resource["resource"])["service.name"]
            for scope in resource["scopeSpans"]:
                yield from (_span(service, span) for span in scope["spans"])


def _span(service: str, span: Mapping[str, Any]) -> Span:
    return Span(
        service=service,
        name=span["name"],
        trace_id=span["traceId"],
        span_id=span["spanId"],
        parent_id=span.get("parentSpanId", ""),
        links=tuple((link["traceId"], link["spanId"]) for link in span.get("links", ())),
        attributes=_attributes(span),
    )


def _attributes(owner: Mapping[str, Any]) -> dict[str, str]:
    return {
        each["key"]: str(next(iter(each["value"].values()))) for each in owner.get("attributes", ())
    }
