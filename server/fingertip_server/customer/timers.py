"""What happens to customers' views by time."""

from collections.abc import Callable, Mapping

from fingertip.customer.v1.customer_view_pb2 import CustomerSectionChanged
from fingertip_server.customer import messages
from fingertip_server.rpc.call import Call

ANNOUNCE_SECTION = "customer.announce_section"

_UNAVAILABLE = "unavailable"


def subject_of(topic: str, news: CustomerSectionChanged) -> str:
    """Returns the subject of the timer that tells a topic the news."""
    kind = messages.section_name(news.kind)
    outcome = _UNAVAILABLE if news.unavailable else "available"
    return f"{topic}/{news.customer_id}/{kind}/{news.version}/{outcome}"


def announce_section(call: Call, subject: str) -> None:
    """Tells a topic, other than the one that asked the bank first, what the bank answered."""
    call.home, customer_id, kind, version, outcome = subject.split("/")
    call.publish(
        CustomerSectionChanged(
            customer_id=customer_id,
            kind=messages.section_kind(kind),
            version=int(version),
            unavailable=outcome == _UNAVAILABLE,
        )
    )


TIMERS: Mapping[str, Callable[[Call, str], None]] = {ANNOUNCE_SECTION: announce_section}
