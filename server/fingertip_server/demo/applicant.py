"""What the teller gets from the customer at the desk: read from the identity card, or answered."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Applicant:
    """Ms Wang with her identity card on the reader."""

    name: str
    resident_id: str
    document_issue_date: str
    document_valid_until: str
    mobile: str
    address: str

    def to_json(self) -> str:
        """Writes it on one line."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Reads it."""
        return cls(**json.loads(text))

    def answers(self) -> dict[str, str]:
        """Returns her answers to the form's questions."""
        return {
            "handled_by": "applicant",
            "applicant_name": self.name,
            "document_type": "resident_id_card",
            "resident_id": self.resident_id,
            "document_issue_date": self.document_issue_date,
            "document_valid_until": self.document_valid_until,
            "sex": "female",
            "nationality": "china",
            "occupation": "self_employed",
            "mobile": self.mobile,
            "residence_address": self.address,
            "account_class": "class_two",
            "account_purpose": "investment",
            "remote_daily_limit": "5000.00",
            "text_message_notice": "true",
            "tax_residency": "china_only",
        }

    def answers_about_mobile(self) -> dict[str, str]:
        """Returns her answers to the form about her new mobile number."""
        return {
            "applicant_name": self.name,
            "document_type": "resident_id_card",
            "resident_id": self.resident_id,
            "document_issue_date": self.document_issue_date,
            "document_valid_until": self.document_valid_until,
            "old_mobile": self.mobile,
            "new_mobile": _successor(self.mobile),
            "change_reason": "new_number",
            "new_mobile_check": "called_on_site",
            "new_mobile_is_own": "true",
            "recent_transfers_known": "true",
        }


def _successor(mobile: str) -> str:
    """Returns another number that begins like all numbers of synthetic customers."""
    return f"{mobile[:3]}{(int(mobile[3:]) + 1) % 10**8:08d}"


def mistyped(answers: Mapping[str, str]) -> dict[str, str]:
    """Returns the answers as somebody in a hurry types them, each wrong in its own way."""
    number = answers["resident_id"]
    other_digit = "0" if number.endswith("1") else "1"
    return {
        **answers,
        "resident_id": number[:-1] + other_digit,
        "document_valid_until": "2019-03-10",
        "mobile": answers["mobile"][:-1],
        "account_purpose": "",
    }
