"""The simulated bank's customer master: a file with one JSON object per line.

Each line is a `fingertip.customer.v1.CustomerRecord` in protobuf's JSON form with the contract's
field names, for example

    {"customer_number": "C0000001", "version": 1, "name": "王小明", "resident_id": "…",
     "mobile": "…", "address": "…", "card_numbers": ["…"], "tier_code": "private",
     "home_branch_id": "0101", "relationship_manager_id": "100105"}

`fingertip demo-customers` writes such a file. A change of a customer is a further line with a
higher `version`, appended to the file; a running adapter finds it there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from google.protobuf import json_format

from fingertip.customer.v1.customer_service_pb2 import CustomerRecord


class CustomerFileFault(ValueError):
    """Says which line of a customer file is wrong, without repeating what stands there."""


@dataclass(frozen=True, slots=True)
class Customers:
    """The records in the order of the file, and the latest of each customer by its keys."""

    records: Sequence[CustomerRecord]
    by_number: Mapping[str, CustomerRecord] = field(repr=False)
    number_by_card: Mapping[str, str] = field(repr=False)
    number_by_resident_id: Mapping[str, str] = field(repr=False)

    @classmethod
    def of(cls, records: Sequence[CustomerRecord]) -> "Customers":
        """Returns the master that consists of these records."""
        by_number: dict[str, CustomerRecord] = {}
        for record in records:
            known = by_number.get(record.customer_number)
            if known is None or known.version < record.version:
                by_number[record.customer_number] = record
        living = [record for record in by_number.values() if not record.deleted]
        return cls(
            records,
            {record.customer_number: record for record in living},
            {card: record.customer_number for record in living for card in record.card_numbers},
            {record.resident_id: record.customer_number for record in living if record.resident_id},
        )


class CustomerFile:
    """A customer file that is read again whenever it has changed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read_at = (0, 0)
        self._customers = Customers.of(())

    def customers(self) -> Customers:
        """Returns what the file says now; raises `CustomerFileFault` or `OSError`."""
        found = self._path.stat()
        stamp = (found.st_mtime_ns, found.st_size)
        if stamp != self._read_at:
            self._customers = Customers.of(_read(self._path))
            self._read_at = stamp
        return self._customers


def _read(path: Path) -> list[CustomerRecord]:
    records = []
    with path.open(encoding="utf-8") as lines:
        for count, line in enumerate(lines, start=1):
            try:
                records.append(json_format.Parse(line, CustomerRecord()))
            except json_format.ParseError:
                # Not chained: the parser's own message quotes personal data.
                raise CustomerFileFault(f"{path}:{count} is not a customer record.") from None
    return records
