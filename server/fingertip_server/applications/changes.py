"""What every change of an application has in common: its version, and that its branch is told."""

from fingertip.applications.v1 import application_pb2
from fingertip_server.applications import bindings, messages, rules, store
from fingertip_server.applications.rules import State, Step, after
from fingertip_server.applications.tables import Application
from fingertip_server.customer import accounts
from fingertip_server.rpc.call import Call
from fingertip_server.rpc.drafts import Announced, Audience

_AUDIENCE = Audience(permission="applications.read")


def step(application: Application, what: Step, note: str = "") -> None:
    """Takes a locked application a step further. Raises APPLICATION_STATE.

    What an authoriser asked for before is asked no more.
    """
    application.state = after(State(application.state), what)
    application.state_note = note
    application.asked = []


def changed(
    call: Call, application: Application, evidence: store.Evidence | None = None
) -> application_pb2.Application:
    """Stores a changed application and announces it on its branch's topic; returns it.

    `evidence` is read unless the caller knows that it is as he has it.
    """
    bindings.release_when_over(call, application)
    if application.state in rules.UNDONE:
        accounts.release(call, application.application_id)
    application.version += 1
    application.change_time = call.now
    return announce(call, application, evidence)


def fail(call: Call, application: Application, note: str) -> application_pb2.Application:
    """Ends a locked application that was approved and of which nothing will be executed.

    What it held is free again; the bank was not asked, or said that it did nothing.
    """
    bindings.release(call, application)
    step(application, Step.FAIL, note)
    accounts.release(call, application.application_id)
    return changed(call, application)


def announce(
    call: Call, application: Application, evidence: store.Evidence | None = None
) -> application_pb2.Application:
    """Announces an application on its branch's topic, and returns it as announced."""
    call.flush()
    if evidence is None:
        evidence = store.evidence(call.session, application.application_id)
    message = messages.application(application, evidence)
    call.publish(message, _AUDIENCE, topic=application.branch_id)
    return message


def announced(application: Application, evidence: store.Evidence) -> Announced:
    """Returns an application as a new watcher of its branch is shown it."""
    return Announced(messages.application(application, evidence), _AUDIENCE)
