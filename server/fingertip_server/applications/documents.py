"""What the answers about one person's identity document say against each other."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from fingertip_server.applications.faults import Fault, FaultKind
from fingertip_server.applications.readings import Keys, Readings
from fingertip_server.identifiers import mrz, resident_id, validity
from fingertip_server.identifiers.validity import ValidityYears

# Documents of the mainland's citizens, all of which bear the one number.
_CITIZENS = frozenset({"resident_id_card", "temporary_resident_id_card", "household_register"})
# A choice of a form is a word; zones have three letters, and a single one for Germany.
_REGIONS = {"china": "CHN"}
_ZONE_REGIONS = {"D": "DEU"}


@dataclass(frozen=True, slots=True)
class DocumentPolicy:
    """What the bank's policies say of identity documents."""

    expired_accepted: bool
    years: ValidityYears


def faults(read: Readings, keys: Keys, policy: DocumentPolicy) -> Iterator[Fault]:
    """Yields the contradictions of one person's answers."""
    number = read.right(keys.resident_id)
    zone = read.right(keys.mrz)
    issued = read.right(keys.issue_date)
    until = read.right(keys.valid_until)
    if number:
        yield from _number_against_answers(read, keys, number)
    if zone:
        yield from _zone_against_answers(read, keys, mrz.parse(zone, today=read.today))
    if issued:
        yield from _issue_date(read, keys, date.fromisoformat(issued), number)
    if until:
        yield from _validity(read, keys, policy, validity.parse_expiry(until))


def _number_against_answers(read: Readings, keys: Keys, number: str) -> Iterator[Fault]:
    document = resident_id.document(number).value
    admitted = _CITIZENS if document in _CITIZENS else {document}
    told = {
        keys.document_type: ("证件类型与证件号码不一致。", admitted),
        keys.sex: ("性别与证件号码不一致。", {resident_id.sex(number).value}),
        keys.birth_date: (
            "出生日期与证件号码不一致。",
            {resident_id.birth_date(number).isoformat()},
        ),
    }
    for key, (note, expected) in told.items():
        answered = read.right(key)
        if answered and answered not in expected:
            yield Fault(key, FaultKind.CONTRADICTION, note)


def _zone_against_answers(read: Readings, keys: Keys, zone: mrz.Zone) -> Iterator[Fault]:
    told = (
        (keys.passport_number, "护照号码与机读码不一致。", zone.document_number),
        (keys.birth_date, "出生日期与机读码不一致。", zone.birth_date and str(zone.birth_date)),
        (keys.sex, "性别与机读码不一致。", zone.sex),
        (keys.valid_until, "证件有效期与机读码不一致。", str(zone.expiry_date)),
    )
    for key, note, expected in told:
        answered = read.right(key)
        if answered and expected and answered != expected:
            yield Fault(key, FaultKind.CONTRADICTION, note)
    nationality = read.right(keys.nationality)
    region = _ZONE_REGIONS.get(zone.nationality, zone.nationality)
    if nationality and _REGIONS.get(nationality, nationality.upper()) != region:
        yield Fault(keys.nationality, FaultKind.CONTRADICTION, "国籍与机读码不一致。")
    name = read.right(keys.name)
    # The zone's name is transliterated, and cut where it is long.
    if name.isascii() and _parts(name) != _parts(f"{zone.surname} {zone.given_names}"):
        yield Fault(keys.name, FaultKind.WARNING, "姓名与机读码不同，请与护照资料页核对。")


def _parts(name: str) -> list[str]:
    return sorted(name.upper().replace("-", " ").replace(",", " ").replace("'", "").split())


def _issue_date(read: Readings, keys: Keys, issued: date, number: str) -> Iterator[Fault]:
    if issued > read.today:
        yield Fault(keys.issue_date, FaultKind.CONTRADICTION, "证件签发日期在今天之后。")
    elif number and issued < resident_id.birth_date(number):
        yield Fault(keys.issue_date, FaultKind.CONTRADICTION, "证件签发日期早于出生日期。")


def _validity(
    read: Readings, keys: Keys, policy: DocumentPolicy, until: validity.Expiry
) -> Iterator[Fault]:
    if validity.is_expired(until, today=read.today):
        kind = FaultKind.WARNING if policy.expired_accepted else FaultKind.EXPIRED
        yield Fault(keys.valid_until, kind, "证件已过有效期。")
    issued = read.right(keys.issue_date)
    if not issued:
        return
    start = date.fromisoformat(issued)
    number = read.right(keys.resident_id)
    if isinstance(until, date) and until <= start:
        yield Fault(keys.valid_until, FaultKind.CONTRADICTION, "证件有效期早于签发日期。")
    elif number and _is_resident_card(read, keys, number):
        born = resident_id.birth_date(number)
        if born <= start <= read.today and until != validity.expiry_by_law(
            born, start, years=policy.years
        ):
            note = "证件有效期与签发时年龄的法定期限不同，请与原件核对。"
            yield Fault(keys.valid_until, FaultKind.WARNING, note)


def _is_resident_card(read: Readings, keys: Keys, number: str) -> bool:
    if resident_id.document(number) != resident_id.Document.RESIDENT_ID_CARD:
        return False
    return read.right(keys.document_type) in {"", resident_id.Document.RESIDENT_ID_CARD.value}
