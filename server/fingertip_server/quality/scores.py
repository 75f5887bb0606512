"""How good the work of branches and tellers was in a period."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from fingertip.quality.v1.quality_service_pb2 import ErrorCount, Quality
from fingertip_server.authorization import centre_store
from fingertip_server.authorization.centre_store import DecidedCount
from fingertip_server.quality import rules, store
from fingertip_server.rpc.call import Call


@dataclass(frozen=True, slots=True)
class Period:
    """What is asked about: "" for all branches, or for all centres; `until` is not part of it."""

    branch_id: str
    centre_id: str
    since: datetime
    until: datetime
    by_teller: bool


def rows(call: Call, period: Period, after: tuple[str, str] | None, size: int) -> list[Quality]:
    """Returns the figures of branches or tellers, by code and staff number, after a key."""
    counted = centre_store.decided_in(
        call.connection,
        branch_id=period.branch_id,
        centre_id=period.centre_id,
        since=period.since,
        until=period.until,
        by_maker=period.by_teller,
        after=after,
        size=size,
    )
    branch_ids = {each.branch_id for each in counted}
    errors_of: defaultdict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    for branch_id, maker_id, category, count in store.confirmed(
        call.connection, branch_ids, period.centre_id, period.since, period.until
    ):
        of_row = errors_of[branch_id, maker_id if period.by_teller else ""]
        of_row[category] = of_row.get(category, 0) + count
    weights = {each.code: each.weight for each in call.bank.pack.error_categories}
    return list(_shown(counted, errors_of, weights))


def _shown(
    counted: list[DecidedCount],
    errors_of: dict[tuple[str, str], dict[str, int]],
    weights: dict[str, int],
) -> Iterator[Quality]:
    for each in counted:
        found = errors_of.get((each.branch_id, each.maker_id), {})
        yield Quality(
            branch_id=each.branch_id,
            maker_id=each.maker_id,
            decided=each.decided,
            first_pass_per_mille=rules.per_mille(each.first_pass, each.first),
            rejected_per_mille=rules.per_mille(each.not_approved, each.decided),
            errors=[ErrorCount(category_code=code, count=found[code]) for code in sorted(found)],
            score_tenths=rules.score_tenths(each.decided, found, weights),
        )
