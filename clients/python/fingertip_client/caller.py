"""Gives one device, with whoever is signed in on it, the contract's services to call."""

import asyncio
import contextlib
from collections.abc import Sequence
from types import TracebackType
from typing import Self

import grpc

from fingertip.applications.v1.applications_service_pb2_grpc import ApplicationsServiceStub
from fingertip.audit.v1.audit_service_pb2_grpc import AuditServiceStub
from fingertip.authorization.v1.authorization_service_pb2_grpc import AuthorizationServiceStub
from fingertip.customer.v1.customer_service_pb2_grpc import CustomerServiceStub
from fingertip.events.v1.events_service_pb2_grpc import EventsServiceStub
from fingertip.fulfilment.v1.fulfilment_service_pb2_grpc import FulfilmentServiceStub
from fingertip.identity.v1.identity_service_pb2 import (
    EnrolDeviceRequest,
    SignInRequest,
    SignOutRequest,
)
from fingertip.identity.v1.identity_service_pb2_grpc import IdentityServiceStub
from fingertip.identity.v1.staff_pb2 import StaffSession
from fingertip.lobby.v1.lobby_service_pb2_grpc import LobbyServiceStub
from fingertip.screening.v1.screening_service_pb2_grpc import ScreeningServiceStub
from fingertip.vouchers.v1.vouchers_service_pb2_grpc import VouchersServiceStub
from fingertip_client.calls import StreamCalls, UnaryCalls
from fingertip_client.channel import Keepalive, Tls, open_channel
from fingertip_client.credentials import Credentials, DeviceFile
from fingertip_client.request_ids import new_request_id
from fingertip_client.retry import Patience


class Caller:
    """The contract's generated stubs on a channel that looks after identity, time and repetition.

    `await caller.lobby.IssueTicket(request)` answers or raises `Refused`. A `timeout` given with
    a call bounds it with all its repetitions. Lives in the event loop that made it.
    """

    def __init__(
        self,
        targets: Sequence[str],
        *,
        device: str = "",
        tls: Tls | None = None,
        patience: Patience | None = None,
        keepalive: Keepalive | None = None,
    ) -> None:
        """Opens the channel, which connects when it is first used.

        `device` is the credential of an enrolled device. Raises ValueError for targets that gRPC
        cannot use together.
        """
        self.credentials = Credentials(device=device)
        self.channel = open_channel(
            targets,
            tls=tls,
            keepalive=keepalive,
            interceptors=[
                UnaryCalls(self.credentials, patience or Patience()),
                StreamCalls(self.credentials),
            ],
        )
        self.applications = ApplicationsServiceStub(self.channel)
        self.audit = AuditServiceStub(self.channel)
        self.authorization = AuthorizationServiceStub(self.channel)
        self.customer = CustomerServiceStub(self.channel)
        self.events = EventsServiceStub(self.channel)
        self.fulfilment = FulfilmentServiceStub(self.channel)
        self.identity = IdentityServiceStub(self.channel)
        self.lobby = LobbyServiceStub(self.channel)
        self.screening = ScreeningServiceStub(self.channel)
        self.vouchers = VouchersServiceStub(self.channel)

    async def enrol(self, enrolment_code: str) -> DeviceFile:
        """Exchanges a single-use code for a credential, used from now on; the caller saves it."""
        response = await self.identity.EnrolDevice(
            EnrolDeviceRequest(request_id=new_request_id(), enrolment_code=enrolment_code)
        )
        self.credentials.device = response.credential
        return DeviceFile(
            device_id=response.device.device_id,
            branch_id=response.device.branch_id,
            display_name=response.device.display_name,
            credential=response.credential,
        )

    async def sign_in(self, staff_number: str, password: str) -> StaffSession:
        """Signs a member of staff in on this device; the token stays in memory.

        Whoever was signed in before is forgotten, also where this is refused: a token that ran out
        would have the server refuse the call before it looks at the password.
        """
        self.credentials.token = ""
        response = await self.identity.SignIn(
            SignInRequest(request_id=new_request_id(), staff_number=staff_number, password=password)
        )
        self.credentials.token = response.token
        return response.session

    async def sign_out(self) -> None:
        """Ends the session; the token is forgotten even when the server cannot be told."""
        try:
            await self.identity.SignOut(SignOutRequest(request_id=new_request_id()))
        finally:
            self.credentials.token = ""

    async def is_reachable(self, seconds: float) -> bool:
        """Says whether a server is connected, waiting for one no longer than this."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.channel.channel_ready()
        return self.channel.get_state() is grpc.ChannelConnectivity.READY

    async def close(self) -> None:
        """Closes the channel; calls that are still open end as cancelled."""
        await self.channel.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()
