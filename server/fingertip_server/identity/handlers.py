"""The RPCs of IdentityService."""

from datetime import UTC, datetime
from uuid import UUID

from fingertip.identity.v1.identity_service_pb2 import (
    CreateEnrolmentCodeRequest,
    CreateEnrolmentCodeResponse,
    DelegateAuthorityRequest,
    DelegateAuthorityResponse,
    EndBreakRequest,
    EndBreakResponse,
    EndShiftRequest,
    EndShiftResponse,
    EnrolDeviceRequest,
    EnrolDeviceResponse,
    GetSessionRequest,
    GetSessionResponse,
    ListDelegationsRequest,
    ListDelegationsResponse,
    ListDevicesRequest,
    ListDevicesResponse,
    ListStaffRequest,
    ListStaffResponse,
    RevokeDelegationRequest,
    RevokeDelegationResponse,
    RevokeDeviceRequest,
    RevokeDeviceResponse,
    SignInRequest,
    SignInResponse,
    SignOutRequest,
    SignOutResponse,
    StartBreakRequest,
    StartBreakResponse,
    StartShiftRequest,
    StartShiftResponse,
    SuspendStaffRequest,
    SuspendStaffResponse,
)
from fingertip_server import errors
from fingertip_server.identity import (
    accounts,
    attempts,
    delegations,
    devices,
    directory,
    enrolment,
    messages,
    rules,
    sessions,
    shifts,
    tokens,
)
from fingertip_server.packs.schema_bank import BranchKind
from fingertip_server.rpc import paging
from fingertip_server.rpc.call import Call
from fingertip_server.rpc.phases import Outside


def enrol_device(call: Call, request: EnrolDeviceRequest) -> EnrolDeviceResponse:
    """Uses a code up and hands out the device's credential."""
    credential = tokens.new_token()
    code_hash = enrolment.code_hash(call, request.enrolment_code)
    hashed = call.protection.token_hash(credential)
    device = devices.enrol(call.connection, code_hash, hashed)
    if device is None:
        raise rules.enrolment_code_invalid()
    call.home = device.branch_id
    call.record("device", device.device_id, device.state)
    return EnrolDeviceResponse(device=messages.device(device), credential=credential)


def replay_enrol_device(
    call: Call, request: EnrolDeviceRequest, stored: EnrolDeviceResponse
) -> EnrolDeviceResponse:
    """Hands out another credential while the code lasts, and voids the former."""
    credential = tokens.new_token()
    device = devices.renew_credential(
        call.connection,
        UUID(stored.device.device_id),
        enrolment.code_hash(call, request.enrolment_code),
        call.protection.token_hash(credential),
    )
    if device is None:
        raise rules.enrolment_code_invalid()
    call.invalidate(f"device:{device.device_id}")
    call.home = device.branch_id
    call.record("device", device.device_id, "RENEWED")
    return EnrolDeviceResponse(device=messages.device(device), credential=credential)


async def prepare_sign_in(outside: Outside, request: SignInRequest) -> rules.Attempt:
    """Counts the attempt, then checks the password."""
    return await attempts.take(outside, request.staff_number, request.password)


def sign_in(call: Call, request: SignInRequest) -> SignInResponse:
    """Starts a session on the calling tablet."""
    account = attempts.opened(call, request.staff_number)
    token = tokens.new_token()
    session = sessions.start(
        call.connection,
        token_hash=call.protection.token_hash(token),
        staff_id=account.staff_id,
        device_id=_known(call.principal.device_id),
        expires_at=call.now + call.bank.policies.duration("identity.session_lifetime"),
    )
    call.record("staff", account.staff_id, "SIGNED_IN")
    return _signed_in(call, session, token)


def replay_sign_in(call: Call, request: SignInRequest, stored: SignInResponse) -> SignInResponse:
    """Gives the same session another token, and voids the former."""
    account = attempts.opened(call, request.staff_number)
    token = tokens.new_token()
    session_id = UUID(stored.session.session_id)
    hashed = call.protection.token_hash(token)
    if not sessions.renew_token(call.connection, session_id, hashed):
        raise rules.not_signed_in()
    call.invalidate(f"session:{session_id}")
    call.record("staff", account.staff_id, "SIGNED_IN_AGAIN")
    return _signed_in(call, sessions.find(call.connection, session_id), token)


def refuse_sign_in(call: Call, request: SignInRequest, error: errors.DomainError) -> None:
    """Locks an account of which all attempts failed."""
    attempts.failed(call, request.staff_number)


def sign_out(call: Call, request: SignOutRequest) -> SignOutResponse:
    """Ends the calling session."""
    session_id = _known(call.principal.session_id)
    sessions.end(call.connection, session_id)
    call.invalidate(f"session:{session_id}")
    call.record("staff", call.principal.id, "SIGNED_OUT")
    return SignOutResponse()


def get_session(call: Call, request: GetSessionRequest) -> GetSessionResponse:
    """Returns the calling session."""
    session = sessions.find(call.connection, _known(call.principal.session_id))
    return GetSessionResponse(
        session=messages.session(session, _staff(call, session.staff_id), call.bank)
    )


def start_shift(call: Call, request: StartShiftRequest) -> StartShiftResponse:
    """Puts the caller on shift; a shift that nobody ends does so by itself."""
    staff_id = call.principal.id
    shift_id = shifts.start(call, staff_id, call.principal.branch_id)
    shifts.changed(call, staff_id)
    call.record("shift", shift_id, "STARTED")
    return StartShiftResponse(staff=messages.staff(_staff(call, staff_id)))


def end_shift(call: Call, request: EndShiftRequest) -> EndShiftResponse:
    """Takes the caller off shift, unless somebody still counts on him."""
    staff_id = call.principal.id
    for may_end in call.hooks.may_end_shift:
        may_end(call, staff_id)
    shift_id = shifts.end(call, staff_id)
    if shift_id is None:
        raise rules.not_on_shift()
    shifts.changed(call, staff_id)
    call.record("shift", shift_id, "ENDED")
    return EndShiftResponse(staff=messages.staff(_staff(call, staff_id)))


def start_break(call: Call, request: StartBreakRequest) -> StartBreakResponse:
    """Sends the caller on a break, unless somebody still counts on him."""
    staff_id = call.principal.id
    for may_end in call.hooks.may_end_shift:
        may_end(call, staff_id)
    shift_id = shifts.start_break(call, staff_id)
    if shift_id is None:
        raise rules.on_break() if _staff(call, staff_id).on_shift else rules.not_on_shift()
    shifts.changed(call, staff_id)
    call.record("shift", shift_id, "ON_BREAK")
    return StartBreakResponse(staff=messages.staff(_staff(call, staff_id)))


def end_break(call: Call, request: EndBreakRequest) -> EndBreakResponse:
    """Brings the caller back to work."""
    staff_id = call.principal.id
    shift_id = shifts.end_break(call, staff_id)
    if shift_id is None:
        raise rules.not_on_break()
    shifts.changed(call, staff_id)
    call.record("shift", shift_id, "STARTED")
    return EndBreakResponse(staff=messages.staff(_staff(call, staff_id)))


def create_enrolment_code(
    call: Call, request: CreateEnrolmentCodeRequest
) -> CreateEnrolmentCodeResponse:
    """Makes a code for one device."""
    return _invited(
        enrolment.invite(
            call,
            kind=messages.kind_name(request.kind),
            branch_id=request.branch_id,
            display_name=request.display_name,
            work_kinds=request.work_kinds,
        )
    )


def replay_create_enrolment_code(
    call: Call, request: CreateEnrolmentCodeRequest, stored: CreateEnrolmentCodeResponse
) -> CreateEnrolmentCodeResponse:
    """Makes another code for the same device, and voids the former."""
    invitation = enrolment.invite_again(call, UUID(stored.device_id))
    if invitation is None:
        raise rules.enrolment_code_invalid()
    call.home = request.branch_id
    call.record("device", invitation.device_id, "INVITED_AGAIN")
    return _invited(invitation)


def list_devices(call: Call, request: ListDevicesRequest) -> ListDevicesResponse:
    """Lists devices, newest first."""
    page = paging.open_page(call, request)
    after = (datetime.fromisoformat(page.after[0]), UUID(page.after[1])) if page.after else None
    found = devices.page(call.connection, request.branch_id, after, page.size + 1)
    shown = found[: page.size]
    response = ListDevicesResponse(devices=[messages.device(device) for device in shown])
    if len(found) > page.size:
        last = (shown[-1].enrolled_at.isoformat(), str(shown[-1].device_id))
        response.next_page_token = paging.next_token(call, request, last)
    return response


def revoke_device(call: Call, request: RevokeDeviceRequest) -> RevokeDeviceResponse:
    """Revokes a device and ends what goes on on it."""
    device_id = UUID(request.device_id)
    device = devices.lock(call.connection, device_id)
    if device is None:
        raise rules.device_not_found()
    if device.revoked_at is None:
        device = devices.revoke(call.connection, device_id)
        sessions.end_of_device(call.connection, device_id)
        call.invalidate(f"device:{device_id}")
    call.home = device.branch_id
    call.record("device", device_id, device.state)
    return RevokeDeviceResponse(device=messages.device(device))


def list_staff(call: Call, request: ListStaffRequest) -> ListStaffResponse:
    """Lists staff by staff number."""
    own = call.bank.branch(call.principal.branch_id)
    unit = rules.unit_to_list(
        own.code,
        is_head_office=own.kind == BranchKind.HEAD_OFFICE,
        wanted=request.branch_id,
    )
    page = paging.open_page(call, request)
    after = page.after[0] if page.after else ""
    found = directory.page(call.connection, unit, after, page.size + 1)
    shown = found[: page.size]
    response = ListStaffResponse(staff=[messages.staff(row) for row in shown])
    if len(found) > page.size:
        response.next_page_token = paging.next_token(call, request, (shown[-1].staff_id,))
    return response


def suspend_staff(call: Call, request: SuspendStaffRequest) -> SuspendStaffResponse:
    """Suspends an account and ends what its owner does, or re-admits it."""
    staff_id = request.staff_id
    state = "SUSPENDED" if request.suspended else "ACTIVE"
    if not accounts.set_state(call.connection, staff_id, state):
        raise rules.staff_not_found()
    if request.suspended:
        sessions.end_of_staff(call.connection, staff_id)
        call.invalidate(f"staff:{staff_id}")
        if shifts.end(call, staff_id) is not None:
            shifts.changed(call, staff_id)
    staff = _staff(call, staff_id)
    call.home = staff.branch_id
    call.record("staff", staff_id, state, purpose=request.purpose)
    return SuspendStaffResponse(staff=messages.staff(staff))


def delegate_authority(call: Call, request: DelegateAuthorityRequest) -> DelegateAuthorityResponse:
    """Lends the caller's own authority to somebody of his unit."""
    delegate = _staff(call, request.delegate_id)
    lender = _staff(call, call.principal.id)
    if delegate.branch_id != lender.branch_id:
        raise rules.other_branch()
    draft = delegations.Draft(
        level=request.level,
        scene_codes=request.scene_codes,
        skills=request.skills,
        expires_at=request.expire_time.ToDatetime(UTC),
        purpose=request.purpose,
    )
    rules.require_delegable(
        rules.Delegable(
            delegator_person_id=lender.person_id,
            own_level=lender.level,
            delegate_person_id=delegate.person_id,
            delegate_is_active=delegate.is_active,
            level=draft.level,
            expires_at=draft.expires_at,
            scope_exists=call.bank.has_scope(draft.scene_codes, draft.skills),
        ),
        now=call.now,
        lifetime_max=call.bank.policies.duration("identity.delegation_lifetime_max"),
    )
    made = delegations.make(
        call, draft, delegate_id=delegate.staff_id, delegate_person_id=delegate.person_id
    )
    shifts.changed(call, delegate.staff_id)
    call.record("delegation", made.delegation_id, "IN_FORCE", draft.purpose)
    return DelegateAuthorityResponse(delegation=messages.delegation(made, call.now))


def revoke_delegation(call: Call, request: RevokeDelegationRequest) -> RevokeDelegationResponse:
    """Takes a delegation back."""
    delegation = delegations.lock(call.connection, UUID(request.delegation_id))
    if delegation is None or delegation.branch_id != call.principal.branch_id:
        raise rules.delegation_not_found()
    if delegation.revoked_at is None:
        delegation = delegations.revoke(call, delegation.delegation_id)
        shifts.changed(call, delegation.delegate_id)
    call.record("delegation", delegation.delegation_id, "REVOKED", request.purpose)
    return RevokeDelegationResponse(delegation=messages.delegation(delegation, call.now))


def list_delegations(call: Call, request: ListDelegationsRequest) -> ListDelegationsResponse:
    """Lists the delegations of the caller's unit, newest first."""
    page = paging.open_page(call, request)
    after = (datetime.fromisoformat(page.after[0]), UUID(page.after[1])) if page.after else None
    found = delegations.page(
        call.connection,
        call.principal.branch_id,
        after,
        page.size + 1,
        with_ended=request.with_ended,
    )
    shown = found[: page.size]
    response = ListDelegationsResponse(
        delegations=[messages.delegation(row, call.now) for row in shown]
    )
    if len(found) > page.size:
        last = (shown[-1].created_at.astimezone(UTC).isoformat(), str(shown[-1].delegation_id))
        response.next_page_token = paging.next_token(call, request, last)
    return response


def _signed_in(call: Call, session: sessions.Session, token: str) -> SignInResponse:
    staff = _staff(call, session.staff_id)
    return SignInResponse(session=messages.session(session, staff, call.bank), token=token)


def _invited(invitation: enrolment.Invitation) -> CreateEnrolmentCodeResponse:
    response = CreateEnrolmentCodeResponse(
        enrolment_code=invitation.code, device_id=str(invitation.device_id)
    )
    response.expire_time.FromDatetime(invitation.expires_at)
    return response


def _staff(call: Call, staff_id: str) -> directory.StaffRow:
    row = directory.staff(call.connection, staff_id)
    if row is None:
        raise rules.staff_not_found()
    return row


def _known(identity: UUID | None) -> UUID:
    """Returns an id that every caller with the method's permission has."""
    if identity is None:
        raise rules.not_signed_in()
    return identity
