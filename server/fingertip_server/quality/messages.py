"""Rows of quality as the contract shows them."""

from fingertip.quality.v1 import error_entry_pb2, second_look_pb2
from fingertip_server.quality.tables import ErrorEntry, SecondLook
from fingertip_server.rpc import fields


def entry(row: ErrorEntry) -> error_entry_pb2.ErrorEntry:
    """Returns an entry of the error file."""
    return error_entry_pb2.ErrorEntry(
        error_entry_id=str(row.error_entry_id),
        state=error_entry_pb2.ErrorEntry.State.Value(f"STATE_{row.state}"),
        source=error_entry_pb2.ErrorEntry.Source.Value(f"SOURCE_{row.source}"),
        category_code=row.category_code,
        task_id=str(row.task_id),
        scene_code=row.scene_code,
        branch_id=row.branch_id,
        centre_id=row.centre_id,
        maker_id=row.maker_id,
        raised_by=row.raised_by,
        details=[
            error_entry_pb2.ErrorDetail(subject=subject, note=note) for subject, note in row.details
        ],
        was_executed=row.was_executed,
        is_disputed=row.is_disputed,
        answered_by=row.answered_by,
        answer_note=row.answer_note,
        settled_by=row.settled_by,
        settle_note=row.settle_note,
        create_time=fields.instant(row.create_time),
        answer_deadline=fields.instant(row.answer_deadline),
        settle_time=fields.instant(row.settle_time),
        version=row.version,
    )


def second_look(row: SecondLook) -> second_look_pb2.SecondLook:
    """Returns a second look."""
    return second_look_pb2.SecondLook(
        task_id=str(row.task_id),
        state=second_look_pb2.SecondLook.State.Value(f"STATE_{row.state}"),
        scene_code=row.scene_code,
        skill=row.skill,
        branch_id=row.branch_id,
        maker_id=row.maker_id,
        draw=row.draw,
        share_per_mille=row.share_per_mille,
        reviewer_id=row.reviewer_id,
        create_time=fields.instant(row.create_time),
        review_time=fields.instant(row.review_time),
    )
