"""Hits as the contract shows them."""

from fingertip.applications.v1 import identity_pb2
from fingertip.screening.v1 import screening_hit_pb2
from fingertip_server.screening.store import Found
from fingertip_server.screening.values import Means


def hit(found: Found) -> screening_hit_pb2.ScreeningHit:
    """Returns a hit as it is now."""
    row, record = found
    message = screening_hit_pb2.ScreeningHit(
        screening_hit_id=str(row.screening_id),
        application_id=str(row.application_id),
        branch_id=row.branch_id,
        journey_id=str(row.journey_id or ""),
        stage=screening_hit_pb2.ScreeningHit.Stage.Value(f"STAGE_{row.stage}"),
        effect=screening_hit_pb2.Effect.Value(f"EFFECT_{record.effect}"),
        matches=[
            screening_hit_pb2.Match(
                party=identity_pb2.Party.Value(f"PARTY_{party}"),
                list_code=list_code,
                list_position=record.positions.get(list_code, ""),
                entry_number=entry_number,
                by_document=means == Means.DOCUMENT,
            )
            for party, list_code, entry_number, means, _ in record.matches
        ],
        state=screening_hit_pb2.ScreeningHit.State.Value(f"STATE_{row.state}"),
        closed_by=row.closed_by,
        version=row.version,
    )
    message.hit_time.FromDatetime(row.hit_time)
    return message
