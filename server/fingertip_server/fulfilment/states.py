"""The words in which a work item's life is told."""

from enum import StrEnum


class State(StrEnum):
    """Where an item stands, named as in the contract."""

    READY = "READY"
    LEASED = "LEASED"
    DONE = "DONE"
    FAILED = "FAILED"
    UNKNOWN = "UNKNOWN"
    PARKED = "PARKED"


class Purpose(StrEnum):
    """What an adapter is asked for, named as in the contract."""

    EXECUTE = "EXECUTE"
    INQUIRE = "INQUIRE"


LEASABLE = (State.READY, State.UNKNOWN)
ENDED = (State.DONE, State.FAILED)
# Somebody should know: an operator, or whoever waits for the application.
TROUBLED = (State.UNKNOWN, State.PARKED)
