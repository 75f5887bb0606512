"""Holds what a watcher knows: the latest version of each resource of the scope."""

from typing import Literal, NamedTuple

from fingertip.events.v1.event_pb2 import Event
from fingertip_client.watch import Change, Snapshot, Step

Kind = Literal[
    "ticket",
    "arrival",
    "customer_section_changed",
    "customer_changed",
    "application",
    "task",
    "work_item",
    "difference",
    "screening_hit",
    "stock",
]


class Key(NamedTuple):
    """Says which resource an event is about."""

    kind: Kind
    id: str


class Mirror:
    """The resources of one scope, each as its event; fed with every step of a watch."""

    def __init__(self) -> None:
        self._events: dict[Key, Event] = {}

    def apply(self, step: Step) -> list[Event]:
        """Takes a step in and returns the events that were news.

        Repeated and overtaken events change nothing. A snapshot is taken as it is, even where its
        versions are lower: after a restore from a backup they are.
        """
        if isinstance(step, Snapshot):
            former = self._events
            self._events = {key: event for event in step.events if (key := key_of(event))}
            return [
                event
                for key, event in self._events.items()
                if key not in former or _version(key, former[key]) != _version(key, event)
            ]
        if isinstance(step, Change):
            return [event for event in step.events if self._replace(event)]
        return []

    def find(self, kind: Kind, resource_id: str) -> Event | None:
        """Returns a resource's latest event, if it is known."""
        return self._events.get(Key(kind, resource_id))

    def all(self, kind: Kind) -> list[Event]:
        """Returns the latest event of each resource of a kind."""
        return [event for key, event in self._events.items() if key.kind == kind]

    def _replace(self, event: Event) -> bool:
        """Keeps an event unless what is held is as new; says whether it was kept."""
        key = key_of(event)
        if key is None:
            return False
        held = self._events.get(key)
        if held is not None and _version(key, held) >= _version(key, event):
            return False
        self._events[key] = event
        return True


def key_of(event: Event) -> Key | None:
    """Names the resource of an event; None for a kind that came after this client."""
    kind = event.WhichOneof("resource")
    if kind is None:
        return None
    if kind == "customer_section_changed":
        changed = event.customer_section_changed
        return Key(kind, f"{changed.customer_id}/{changed.kind}")
    if kind == "customer_changed":
        return Key(kind, f"{event.customer_changed.customer_id}/{event.customer_changed.kind}")
    resource_id: str = getattr(getattr(event, kind), f"{kind}_id")
    return Key(kind, resource_id)


def _version(key: Key, event: Event) -> tuple[int, bool]:
    """Returns what grows with each change of an event's resource."""
    if key.kind == "customer_section_changed":
        # That the bank did not answer is news of the version that stays.
        changed = event.customer_section_changed
        return changed.version, changed.unavailable
    version: int = getattr(event, key.kind).version
    return version, False
