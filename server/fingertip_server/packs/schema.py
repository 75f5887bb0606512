"""The bank pack as a value: everything of it, validated and consistent."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from zoneinfo import ZoneInfo

from fingertip_server.packs.schema_bank import (
    Bank,
    Branch,
    Branches,
    Product,
    Products,
    Role,
    Roles,
    ServiceLine,
    ServiceLines,
    SkillGroup,
    SkillGroups,
    Staff,
    StaffMember,
)
from fingertip_server.packs.schema_forms import Agreement, Form, Scene
from fingertip_server.packs.schema_policies import Policies, PoliciesFile, Policy
from fingertip_server.packs.schema_quality import ErrorCategories, ErrorCategory
from fingertip_server.packs.schema_types import Frozen
from fingertip_server.packs.schema_vouchers import VoucherType, VoucherTypes

# The files that every pack has, and the folders of which it has any number of files.
FILES: Mapping[str, type[Frozen]] = MappingProxyType(
    {
        "bank.yaml": Bank,
        "branches.yaml": Branches,
        "error_categories.yaml": ErrorCategories,
        "policies.yaml": PoliciesFile,
        "products.yaml": Products,
        "roles.yaml": Roles,
        "service_lines.yaml": ServiceLines,
        "skill_groups.yaml": SkillGroups,
        "staff.yaml": Staff,
        "vouchers.yaml": VoucherTypes,
    }
)
FOLDERS: Mapping[str, type[Frozen]] = MappingProxyType(
    {"agreements": Agreement, "forms": Form, "scenes": Scene}
)


@dataclass(frozen=True, slots=True)
class Pack:
    """A bank pack; `sha256` (hexadecimal) covers the names and bytes of all its files."""

    sha256: str
    bank: Bank
    branches: tuple[Branch, ...]
    roles: tuple[Role, ...]
    skill_groups: tuple[SkillGroup, ...]
    staff: tuple[StaffMember, ...]
    service_lines: tuple[ServiceLine, ...]
    products: tuple[Product, ...]
    voucher_types: tuple[VoucherType, ...]
    forms: tuple[Form, ...]
    agreements: tuple[Agreement, ...]
    scenes: tuple[Scene, ...]
    policy_rows: tuple[Policy, ...]
    policies: Policies
    error_categories: tuple[ErrorCategory, ...]

    @property
    def version(self) -> str:
        """Returns the version that the pack declares."""
        return self.bank.version

    def time_zone(self, branch: Branch) -> ZoneInfo:
        """Returns where the branch's days begin and end: its own time zone or the bank's."""
        return ZoneInfo(branch.time_zone or self.bank.time_zone)
