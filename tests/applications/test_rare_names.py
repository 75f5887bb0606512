"""A name passes as its bearer's document has it, from the form to the police and to the bank."""

import pytest

from fingertip.applications.v1.content_pb2 import ApplicationContent, SignedForm
from fingertip.customer.v1.customer_service_pb2 import CustomerRecord, SyncCustomersRequest
from tests.applications import paper
from tests.authorization import desk
from tests.world import World, refused

_NAMES = [
    # Four bytes of UTF-8 each: extensions B, E, G and H.
    "\U00020bb7\U0002cc56",
    "王\U0002b8b8",
    "张\U00030edd",
    "李\U00031350",
    # A number to Unicode and a given name to its bearers.
    "朱\u3007",
    # Transliterated, with the dot, and long.
    "阿依古丽\u00b7买买提",
    "古丽努尔\u00b7" + "阿布都热合曼\u00b7" * 6 + "买买提",
]
_NUMBER = paper.ANSWERS["resident_id"]


async def _bring(world: World, name: str) -> None:
    """Has the customer master call Ms Wang by another name."""
    await world.crm_adapter.customer.SyncCustomers(
        SyncCustomersRequest(
            request_id=paper.request_id(),
            source="other",
            position="1",
            records=[
                CustomerRecord(
                    customer_number="DEMO000000001",
                    version=9,
                    name=name,
                    resident_id=_NUMBER,
                    mobile=paper.ANSWERS["mobile"],
                )
            ],
        )
    )


@pytest.mark.parametrize("name", _NAMES)
async def test_a_rare_name_passes_from_end_to_end(world: World, name: str) -> None:
    await paper.synchronise(world)
    await _bring(world, name)
    application = await paper.save(
        world.teller,
        await paper.start(world.teller),
        {**paper.ANSWERS, "applicant_name": f" {name}\u3000"},
    )
    await paper.check_identity(world.teller, application)
    [asked] = await paper.answer(world)
    assert asked.name == name
    application = (await paper.get(world.teller, application.application_id)).application
    application = await paper.complete_evidence(world.teller, application)
    await paper.submit(world.teller, application)
    seen = await desk.look_at(world.authoriser, await desk.claim(world.authoriser))
    content = ApplicationContent.FromString(seen.content)
    signed = SignedForm.FromString(content.signed_form)
    [answer] = [each.value for each in signed.answers if each.field_key == "applicant_name"]
    assert answer == name


async def test_a_character_of_ones_own_goes_nowhere(world: World) -> None:
    await paper.synchronise(world)
    application = await paper.save(
        world.teller,
        await paper.start(world.teller),
        {**paper.ANSWERS, "applicant_name": "王\ue863"},
    )
    with refused("IDENTITY_DATA_MISSING"):
        await paper.check_identity(world.teller, application)
    application = await paper.complete_evidence(world.teller, application)
    with refused("APPLICATION_INCOMPLETE") as caught:
        await paper.submit(world.teller, application)
    notes = {each.field: each.description for each in caught.value.violations}
    assert "自造字" in notes["applicant_name"]
