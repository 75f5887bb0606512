"""The queue's numbers, as the bank's policies have them."""

from fingertip_server.fulfilment.rules import Pace
from fingertip_server.packs.schema_policies import Policies


def pace(policies: Policies) -> Pace:
    """Returns how patient the bank wants the queue to be."""
    return Pace(
        lease=policies.duration("fulfilment.lease"),
        attempts_max=policies.count("fulfilment.attempts_max"),
        back_off_first=policies.duration("fulfilment.back_off_first"),
        back_off_max=policies.duration("fulfilment.back_off_max"),
        settle=policies.duration("fulfilment.settle"),
    )
