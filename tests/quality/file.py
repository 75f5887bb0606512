"""What is done with the error file and with second looks."""

from google.type.date_pb2 import Date

from fingertip.quality.v1.error_entry_pb2 import ErrorEntry
from fingertip.quality.v1.quality_service_pb2 import (
    AnswerErrorRequest,
    GetQualityRequest,
    ListErrorsRequest,
    ListSecondLooksRequest,
    Quality,
    ReviewFinding,
    ReviewTaskRequest,
    SettleErrorRequest,
)
from fingertip.quality.v1.second_look_pb2 import SecondLook
from fingertip_client.caller import Caller
from tests.applications.paper import request_id

FIRST, LAST = Date(year=2026, month=1, day=1), Date(year=2026, month=12, day=31)


async def entries(caller: Caller) -> list[ErrorEntry]:
    """Returns what somebody sees of the error file, newest first."""
    return list((await caller.quality.ListErrors(ListErrorsRequest())).entries)


def answer(entry: ErrorEntry, *, disputed: bool = False) -> AnswerErrorRequest:
    """Answers an entry for the branch."""
    return AnswerErrorRequest(
        request_id=request_id(),
        error_entry_id=entry.error_entry_id,
        disputed=disputed,
        note="影像已重拍" if not disputed else "证件清晰，申请复核",
    )


def settle(entry: ErrorEntry, *, upheld: bool = True) -> SettleErrorRequest:
    """Settles an entry."""
    return SettleErrorRequest(
        request_id=request_id(),
        error_entry_id=entry.error_entry_id,
        upheld=upheld,
        note="差错属实" if upheld else "误报",
    )


async def second_looks(caller: Caller) -> list[SecondLook]:
    """Returns the open second looks of somebody's centre."""
    response = await caller.quality.ListSecondLooks(ListSecondLooksRequest())
    return list(response.second_looks)


def review(task_id: str, *wrong: str) -> ReviewTaskRequest:
    """Agrees with an approval, or says what is wrong with it."""
    return ReviewTaskRequest(
        request_id=request_id(),
        task_id=task_id,
        findings=[ReviewFinding(subject=subject, note="与证件不符") for subject in wrong],
    )


async def quality(caller: Caller, *, by_teller: bool = False, branch_id: str = "") -> list[Quality]:
    """Returns the figures of a year."""
    response = await caller.quality.GetQuality(
        GetQualityRequest(from_date=FIRST, to_date=LAST, by_teller=by_teller, branch_id=branch_id)
    )
    return list(response.rows)
