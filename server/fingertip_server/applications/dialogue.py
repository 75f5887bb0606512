"""What an authoriser may point at in an application, and what its revisions changed."""

from uuid import UUID

from fingertip.applications.v1.content_pb2 import ApplicationContent
from fingertip.authorization.v1.task_pb2 import ContentDifference
from fingertip_server.applications import difference, filling, rules, store
from fingertip_server.authorization.anchors import Names
from fingertip_server.authorization.hooks import Dialogue
from fingertip_server.packs.schema_forms import SIGNATURE
from fingertip_server.rpc.call import Call


def _names(call: Call, application_id: UUID) -> Names:
    application = store.find(call, application_id)
    if application is None:
        raise rules.no_application()
    form = filling.form_of(call, application)
    return Names(
        fields=[field.key for field in form.fields],
        attachments=[*(rule.kind for rule in form.attachments), SIGNATURE],
    )


def _difference(call: Call, application_id: UUID, revision: int) -> ContentDifference:
    former, now = (
        ApplicationContent.FromString(store.content(call, application_id, each))
        for each in (revision - 1, revision)
    )
    return difference.between(former, now)


DIALOGUE = Dialogue(names=_names, difference=_difference)
