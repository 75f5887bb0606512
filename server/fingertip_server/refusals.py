"""Why a command was not carried out: every refusal that is told in a sentence, without a trace."""

from fingertip_server.app import StartRefused
from fingertip_server.db.embedded import EmbeddedPostgresError
from fingertip_server.db.schema import SchemaNotCurrent
from fingertip_server.errors import DomainError
from fingertip_server.packs.bank import NoPack
from fingertip_server.packs.faults import PackRefused
from fingertip_server.protection.errors import KeyRingError
from fingertip_server.rpc.binding import ContractMismatch
from fingertip_server.settings import SettingsRefused

REFUSALS = (
    ContractMismatch,
    DomainError,
    EmbeddedPostgresError,
    KeyRingError,
    NoPack,
    PackRefused,
    SchemaNotCurrent,
    SettingsRefused,
    StartRefused,
)
