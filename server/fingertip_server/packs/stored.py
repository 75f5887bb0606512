"""A bank pack as the database keeps it, so that every server process works with the same one.

Forms and agreements are named here and kept by version in rows of their own; the staff are rows
of `identity`, so that no process holds all of them in memory.
"""

from collections.abc import Mapping

from fingertip_server.packs.schema import Pack
from fingertip_server.packs.schema_bank import (
    Bank,
    Branch,
    Product,
    Role,
    ServiceLine,
    SkillGroup,
)
from fingertip_server.packs.schema_forms import Agreement, Form, Scene
from fingertip_server.packs.schema_policies import Policies, Policy
from fingertip_server.packs.schema_quality import OTHERS, ErrorCategory
from fingertip_server.packs.schema_types import Frozen, VersionedWord
from fingertip_server.packs.schema_vouchers import VoucherType


class StoredPack(Frozen):
    """The content of the column `pack.content`."""

    bank: Bank
    branches: tuple[Branch, ...]
    roles: tuple[Role, ...]
    skill_groups: tuple[SkillGroup, ...]
    service_lines: tuple[ServiceLine, ...]
    products: tuple[Product, ...]
    scenes: tuple[Scene, ...]
    policies: tuple[Policy, ...]
    # A pack of before had none: whatever is wrong is of one kind then.
    error_categories: tuple[ErrorCategory, ...] = (OTHERS,)
    forms: tuple[VersionedWord, ...]
    agreements: tuple[VersionedWord, ...]
    # Packs were loaded before there were any.
    voucher_types: tuple[VoucherType, ...] = ()

    @classmethod
    def of(cls, pack: Pack) -> "StoredPack":
        """Returns what is kept of a pack."""
        return cls(
            bank=pack.bank,
            branches=pack.branches,
            roles=pack.roles,
            skill_groups=pack.skill_groups,
            service_lines=pack.service_lines,
            products=pack.products,
            scenes=pack.scenes,
            policies=pack.policy_rows,
            error_categories=pack.error_categories,
            forms=tuple(form.reference for form in pack.forms),
            agreements=tuple(agreement.reference for agreement in pack.agreements),
            voucher_types=pack.voucher_types,
        )

    def restored(
        self, sha256: str, forms: Mapping[str, Form], agreements: Mapping[str, Agreement]
    ) -> Pack:
        """Returns the pack again, without its staff; forms and agreements by reference."""
        return Pack(
            sha256=sha256,
            bank=self.bank,
            branches=self.branches,
            roles=self.roles,
            skill_groups=self.skill_groups,
            staff=(),
            service_lines=self.service_lines,
            products=self.products,
            voucher_types=self.voucher_types,
            forms=tuple(forms[reference] for reference in self.forms),
            agreements=tuple(agreements[reference] for reference in self.agreements),
            scenes=self.scenes,
            policy_rows=self.policies,
            policies=Policies.of(self.policies),
            error_categories=self.error_categories,
        )
