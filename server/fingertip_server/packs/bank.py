"""The active bank pack in memory, with what is asked of it in every call looked up once."""

from collections.abc import Iterable, Mapping
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, select

from fingertip.errors.v1.error_reason_pb2 import ErrorReason
from fingertip_server import errors
from fingertip_server.packs.schema import Pack
from fingertip_server.packs.schema_bank import Branch, ServiceLine, Tier
from fingertip_server.packs.schema_forms import Agreement, ChecklistItem, Form, Scene
from fingertip_server.packs.schema_policies import Policies
from fingertip_server.packs.schema_vouchers import VoucherType
from fingertip_server.packs.stored import StoredPack
from fingertip_server.packs.tables import LoadedPack, PackDocument
from fingertip_server.packs.working_days import Calendar

# Where customers' ids come from: a record finds its customer without a look-up.
_CUSTOMERS = UUID("19747ed4-5bf9-4a08-9a73-e9a4c39931e7")

_ACTIVE = select(LoadedPack.sha256, LoadedPack.content).where(LoadedPack.is_active)
_DOCUMENTS = select(PackDocument.kind, PackDocument.content)


class NoPack(LookupError):
    """Says that no pack was loaded into this database yet."""

    def __init__(self) -> None:
        super().__init__("The database has no bank pack yet: load one with `fingertip load PACK`.")


class Bank:
    """What the bank is and decided. It never changes; a newer pack is another `Bank`.

    `pack` has no staff: they are rows. Forms and agreements are those of every pack ever loaded.
    """

    def __init__(self, pack: Pack, forms: Iterable[Form], agreements: Iterable[Agreement]) -> None:
        self.pack = pack
        self.policies: Policies = pack.policies
        self.tiers: Mapping[str, Tier] = {tier.code: tier for tier in pack.bank.tiers}
        self._branches = {branch.code: branch for branch in pack.branches}
        self._zones = {branch.code: pack.time_zone(branch) for branch in pack.branches}
        self._lines = {
            branch.code: tuple(line for line in pack.service_lines if line.branch == branch.code)
            for branch in pack.branches
        }
        self._voucher_types = {each.code: each for each in pack.voucher_types}
        self._scenes = {scene.code: scene for scene in pack.scenes}
        self._forms = {(form.code, form.version): form for form in forms}
        self._agreements = {agreement.reference: agreement for agreement in agreements}
        self._newest: dict[str, Form] = {}
        for form in sorted(pack.forms, key=lambda form: form.version):
            self._newest[form.code] = form
        self.calendar = Calendar(
            frozenset(pack.bank.holidays), frozenset(pack.bank.worked_weekends)
        )
        self._permissions = {role.code: frozenset(role.permissions) for role in pack.roles}

    @classmethod
    def load(cls, connection: Connection) -> "Bank":
        """Returns the bank of the active pack. Raises `NoPack` when none was loaded."""
        active = connection.execute(_ACTIVE).one_or_none()
        if active is None:
            raise NoPack
        # Read after the pack: what it refers to was committed together with it, and stays.
        documents = connection.execute(_DOCUMENTS).all()
        forms = [Form.model_validate(d.content) for d in documents if d.kind == "form"]
        agreements = [
            Agreement.model_validate(d.content) for d in documents if d.kind == "agreement"
        ]
        pack = StoredPack.model_validate(active.content).restored(
            active.sha256,
            {form.reference: form for form in forms},
            {agreement.reference: agreement for agreement in agreements},
        )
        return cls(pack, forms, agreements)

    @property
    def version(self) -> str:
        """Returns the version of the pack."""
        return self.pack.version

    def branch(self, branch_id: str) -> Branch:
        """Returns a branch, a centre or the head office. Raises BRANCH_NOT_FOUND."""
        branch = self._branches.get(branch_id)
        if branch is None:
            raise errors.NotFound(
                ErrorReason.ERROR_REASON_BRANCH_NOT_FOUND, "There is no such branch or centre."
            )
        return branch

    def time_zone(self, branch_id: str) -> ZoneInfo:
        """Returns where the branch's days begin and end. Raises BRANCH_NOT_FOUND."""
        self.branch(branch_id)
        return self._zones[branch_id]

    def service_lines(self, branch_id: str) -> tuple[ServiceLine, ...]:
        """Returns the branch's lines in the order of the pack; a centre has none."""
        return self._lines.get(branch_id, ())

    def service_line(self, branch_id: str, code: str) -> ServiceLine:
        """Returns a line of a branch. Raises SERVICE_LINE_NOT_FOUND."""
        for line in self.service_lines(branch_id):
            if line.code == code:
                return line
        raise errors.NotFound(
            ErrorReason.ERROR_REASON_SERVICE_LINE_NOT_FOUND,
            "The branch has no such service line.",
            service_line_code=code,
        )

    def voucher_type(self, code: str) -> VoucherType:
        """Returns a type of vouchers that the bank counts. Raises VOUCHER_TYPE_NOT_FOUND."""
        found = self._voucher_types.get(code)
        if found is None:
            raise errors.NotFound(
                ErrorReason.ERROR_REASON_VOUCHER_TYPE_NOT_FOUND,
                "The bank counts no such vouchers.",
                voucher_type=code,
            )
        return found

    def voucher_name(self, code: str) -> str:
        """Returns how people call a type of vouchers: its code where the pack lost it."""
        found = self._voucher_types.get(code)
        return found.name if found is not None else code

    def form(self, code: str, version: int = 0) -> Form:
        """Returns a version of a form, by default the pack's newest. Raises FORM_NOT_FOUND."""
        form = self._forms.get((code, version)) if version else self._newest.get(code)
        if form is None:
            raise errors.NotFound(
                ErrorReason.ERROR_REASON_FORM_NOT_FOUND, "There is no such form.", form_code=code
            )
        return form

    def agreement(self, reference: str) -> Agreement:
        """Returns the text that a form refers to, for example debit_card_account.v1."""
        return self._agreements[reference]

    def reading_seconds(self, agreement: Agreement) -> int:
        """Returns how long an agreement must be shown before a customer may sign it."""
        if agreement.reading_seconds_min is not None:
            return agreement.reading_seconds_min
        per_second = self.policies.count("agreements.characters_per_second")
        # A bank that waits for nobody says 0.
        return len(agreement.text) // per_second if per_second else 0

    def consent_text(self, purpose: str) -> Agreement | None:
        """Returns the newest text of the pack by which customers consent to a purpose."""
        texts = [text for text in self.pack.agreements if text.purpose == purpose]
        return max(texts, key=lambda text: text.version, default=None)

    def scene(self, code: str) -> Scene:
        """Returns a scene of the pack; an unknown code is a mistake of the program."""
        return self._scenes[code]

    def scene_of(self, form: Form) -> Scene:
        """Returns the scene in which applications of the form are authorised.

        An application begun on a version that the pack no longer uses has the scene of the newer,
        whose checklist is then held to what the older form asks for. Raises FORM_WITHDRAWN when the
        bank does not offer it any more.
        """
        scene = self._find_scene(form.code, form.version)
        if scene is None:
            raise errors.InvalidState(
                ErrorReason.ERROR_REASON_FORM_WITHDRAWN,
                "The bank does not offer this any more.",
                form_code=form.code,
            )
        if scene.form == form.reference:
            return scene
        return scene.model_copy(update={"checklist": _held_to(form, scene.checklist)})

    def booked_amount_field(self, form_code: str, form_version: int) -> str | None:
        """Returns which answer of a form says what amount the bank books for it.

        None where it books none, and where the bank does not offer this any more.
        """
        scene = self._find_scene(form_code, form_version)
        return scene.booked_amount_field if scene is not None else None

    def _find_scene(self, form_code: str, form_version: int) -> Scene | None:
        """Returns the scene of a version of a form, or that of the version that the pack uses."""
        exact, newer = f"{form_code}.v{form_version}", f"{form_code}.v"
        scenes = [scene for scene in self.pack.scenes if scene.form]
        found = [scene for scene in scenes if scene.form == exact]
        found += [scene for scene in scenes if scene.form and scene.form.startswith(newer)]
        return found[0] if found else None

    def has_scope(self, scene_codes: Iterable[str], skills: Iterable[str]) -> bool:
        """Tells whether the pack has all of some scenes and skill groups."""
        groups = {group.code for group in self.pack.skill_groups}
        return set(scene_codes) <= self._scenes.keys() and set(skills) <= groups

    def permissions(self, roles: Iterable[str]) -> frozenset[str]:
        """Returns what the roles may call together; a role that the pack lost may call nothing."""
        return frozenset().union(*(self._permissions.get(role, frozenset()) for role in roles))

    def customer_id(self, customer_number: str) -> UUID:
        """Returns the id of the bank's customer with this number."""
        return customer_id(self.pack.bank.code, customer_number)


def _held_to(form: Form, checklist: Iterable[ChecklistItem]) -> tuple[ChecklistItem, ...]:
    """Returns a checklist without what the form has no answer and no image for."""
    evidence = form.evidence
    shown = [
        item.model_copy(update={"evidence": tuple(key for key in item.evidence if key in evidence)})
        for item in checklist
    ]
    return tuple(item for item in shown if item.evidence)


def customer_id(bank_code: str, customer_number: str) -> UUID:
    """Returns the id of a bank's customer: it follows from his number."""
    return uuid5(_CUSTOMERS, f"{bank_code}/{customer_number}")
