"""Screens the persons of an application, before it is authorised and again before it is done.

What is found concerns compliance alone. Whoever makes, authorises or watches the application is
told whom to call, and the customer is not to be warned (《反洗钱法》, (unverified)).
"""

from fingertip_server.applications import customers, filling, persons
from fingertip_server.applications.tables import Application
from fingertip_server.packs.schema_forms import Route, Scene
from fingertip_server.rpc.call import Call
from fingertip_server.screening import rules, screening
from fingertip_server.screening.values import Effect, Findings, Person, Stage, Subject

NOTE = "业务暂不能办理，请联系合规部门。"


def before_submission(call: Call, application: Application) -> Findings:
    """Looks before the next revision goes to anybody.

    Whoever is refused because of it looks once more to keep it: the refused call is rolled back.
    """
    return _screen(call, Stage.SUBMISSION, application, application.revision + 1)


def scene(scene: Scene, findings: Findings) -> Scene:
    """Returns the scene in which what was found is decided about. Raises SCREENING_HIT."""
    if findings.effect is None:
        return scene
    if findings.effect is Effect.BLOCK or scene.review_skill_group is None:
        raise rules.hit()
    return scene.model_copy(
        update={"skill_group": scene.review_skill_group, "routes": (Route.CENTRE,)}
    )


def hinders(call: Call, stage: Stage, application: Application) -> bool:
    """Looks again, and tells whether what was authorised may not be done."""
    findings = _screen(call, stage, application, application.revision)
    return rules.hinders(findings, screening.decided(call, application.application_id))


def _screen(call: Call, stage: Stage, application: Application, revision: int) -> Findings:
    subject = Subject(
        application.application_id, revision, application.branch_id, application.journey_id
    )
    return screening.screen(call, stage, subject, _persons(call, application))


def _persons(call: Call, application: Application) -> list[Person]:
    """Returns everybody whom the answers name, and the customer as the master knows him."""
    named = [
        Person(person.party, person.name, person.birth_date, person.document_number)
        for person in persons.of(filling.read(call, application))
    ]
    known = customers.person(call, application.customer_id)
    return named if known is None else [*named, known]
