"""What the operator of the server does at its command line, as the system itself."""

from collections.abc import Sequence

from fingertip.identity.v1.device_pb2 import Device
from fingertip_server.identity import accounts, directory, enrolment, messages, rules
from fingertip_server.identity.enrolment import Invitation
from fingertip_server.rpc.call import Call


def create_enrolment_code(
    call: Call,
    *,
    kind: Device.Kind.ValueType,
    branch_id: str,
    display_name: str,
    work_kinds: Sequence[str] = (),
) -> Invitation:
    """Makes a single-use code with which one device is enrolled. Raises BRANCH_NOT_FOUND.

    `work_kinds` are those of an adapter, and of nothing else.
    """
    return enrolment.invite(
        call,
        kind=messages.kind_name(kind),
        branch_id=branch_id,
        display_name=display_name,
        work_kinds=work_kinds,
    )


def set_password(call: Call, staff_id: str, password_hash: str) -> None:
    """Gives an account the password behind a hash, and opens it when it is locked.

    The hash is made before the transaction by `passwords.accepted_hash`, from the hashes that
    `accounts.former_hashes` returns. Raises STAFF_NOT_FOUND.
    """
    staff = directory.staff(call.connection, staff_id)
    if staff is None:
        raise rules.staff_not_found()
    accounts.replace_password(call.connection, staff_id, password_hash)
    accounts.set_lock(call.connection, staff_id, failed_attempts=0, locked_until=None)
    call.home = staff.branch_id
    call.record("staff", staff_id, "PASSWORD_SET")
