"""Takes what the bank answered about the parts of customers' views."""

from collections.abc import Mapping
from uuid import UUID

from fingertip.customer.v1.customer_view_pb2 import CustomerSectionChanged
from fingertip.fulfilment.v1.work_item_pb2 import WorkResult
from fingertip_server.customer import messages, store, timers
from fingertip_server.customer.tables import CustomerSection
from fingertip_server.customer.values import section_id
from fingertip_server.fulfilment.hooks import Completion, Item
from fingertip_server.rpc.call import Call


def _section_done(call: Call, item: Item, result: WorkResult) -> None:
    customer_id, kind = _section_of(item)
    if not store.hold_customer(call.connection, customer_id):
        # Closed meanwhile: what the bank gave is not kept, and nobody needs to hear of it.
        store.take_askers(call.connection, customer_id, kind)
        return
    content = call.protection.seal(
        CustomerSection.content,
        section_id(customer_id, kind),
        result.section.SerializeToString(),
    )
    version = store.keep_section(call.connection, customer_id, kind, content)
    _announce(call, item, CustomerSectionChanged(version=version))


def _section_failed(call: Call, item: Item, failure_code: str) -> None:  # noqa: ARG001 - the hook's
    customer_id, kind = _section_of(item)
    version = store.lock_section(call.connection, customer_id, kind)
    _announce(call, item, CustomerSectionChanged(version=version, unavailable=True))


def _announce(call: Call, item: Item, news: CustomerSectionChanged) -> None:
    """Tells every topic that waits: the call's own now, each other one by a timer of its own."""
    customer_id, kind = _section_of(item)
    news.customer_id = str(customer_id)
    news.kind = item.order.view_section.kind
    for topic in sorted(store.take_askers(call.connection, customer_id, kind)):
        if topic == call.home:
            call.publish(news)
        else:
            call.start_timer(timers.ANNOUNCE_SECTION, timers.subject_of(topic, news), call.now)


def _section_of(item: Item) -> tuple[UUID, str]:
    return UUID(item.subject_id), messages.section_name(item.order.view_section.kind)


_VIEW = Completion(expected_result="section", done=_section_done, failed=_section_failed)
COMPLETIONS: Mapping[str, Completion] = {"crm.view": _VIEW, "core.view": _VIEW}
