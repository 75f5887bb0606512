"""What the applicant's standing with the bank says about an application.

That is how many accounts of the class the person has, and which restrictive measures hold against
him. It is asked when the application is checked and submitted, again when it is approved, and once
more before it is executed: meanwhile another branch may have opened an account for the same person.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from uuid import UUID

from fingertip.errors.v1.error_reason_pb2 import ErrorReason
from fingertip_server import errors
from fingertip_server.applications import access, filling, persons, readings, store
from fingertip_server.applications.faults import Fault, FaultKind
from fingertip_server.applications.readings import Readings
from fingertip_server.applications.tables import Application
from fingertip_server.customer import accounts, directory, restrictions
from fingertip_server.customer.accounts import Person
from fingertip_server.customer.restrictions import Measure
from fingertip_server.customer.values import IdentifierKind
from fingertip_server.fulfilment.hooks import Item
from fingertip_server.identity import directory as staff
from fingertip_server.packs.schema_forms import Form
from fingertip_server.packs.schema_policies import Policies
from fingertip_server.rpc.call import Call

# The field by which a form says that it opens an account, and of which class.
ACCOUNT_CLASS = "account_class"
# The field in which the teller writes down what was checked besides.
ENHANCED_REVIEW = "enhanced_review"
CUSTOMER = "customer"

LIMIT_CODE = "ACCOUNT_LIMIT"
RESTRICTED_CODE = "CUSTOMER_RESTRICTED"

_LABELS: Mapping[str, str] = {"class_one": "Ⅰ类户", "class_two": "Ⅱ类户", "class_three": "Ⅲ类户"}
_TELL = "请查看理由和申诉渠道并告知客户。"


def faults(call: Call, application: Application) -> Iterator[Fault]:
    """Finds what stands against the application as it is filled in."""
    form, given = filling.form_of(call, application), filling.answers(call, application)
    who = _person(call, application, form, given)
    account_class = _account_class(call, application, form, given)
    if account_class:
        counted = _others(call, application, who)
        yield from limit_faults(account_class, counted, call.bank.policies)
    measure = _measure(call, who)
    if measure is not None:
        yield from restriction_faults(form, given, measure)


def limit_faults(account_class: str, counted: Counter[str], policies: Policies) -> Iterator[Fault]:
    """Finds one account too many, and offers the next class that has a place."""
    if not accounts.is_full(counted, account_class, policies):
        return
    label, most = _LABELS[account_class], policies.count(accounts.LIMITS[account_class])
    classes = list(_LABELS)
    lower = classes[classes.index(account_class) + 1 :]
    free = next((each for each in lower if not accounts.is_full(counted, each, policies)), None)
    offer = f"可改开{_LABELS[free]}。" if free is not None else "不能再开立账户。"
    note = f"客户在本行的{label}（含在办）已达{most}个的上限，{offer}"
    yield Fault(ACCOUNT_CLASS, FaultKind.LIMIT, note)


def restriction_faults(form: Form, given: Mapping[str, str], measure: Measure) -> Iterator[Fault]:
    """Finds what restrictive measures make of an application."""
    if form.despite_restrictions:
        yield Fault(CUSTOMER, FaultKind.WARNING, f"客户被采取限制措施。{_TELL}")
    elif measure is Measure.REFUSE or not _asks_for_review(form):
        yield Fault(CUSTOMER, FaultKind.RESTRICTED, f"客户被采取限制措施，不予办理。{_TELL}")
    elif given.get(ENHANCED_REVIEW):
        yield Fault(CUSTOMER, FaultKind.WARNING, f"客户被采取限制措施，已加强核查。{_TELL}")
    else:
        note = f"客户被采取限制措施，须加强核查并填写核查情况。{_TELL}"
        yield Fault(ENHANCED_REVIEW, FaultKind.RESTRICTED, note)


def reserve(call: Call, application: Application) -> None:
    """Has a locked application hold the place of the account that it is for, if it is for one.

    Raises ACCOUNT_LIMIT when another application took the last place meanwhile.
    """
    form, given = filling.form_of(call, application), filling.answers(call, application)
    account_class = _account_class(call, application, form, given)
    if account_class:
        who = _person(call, application, form, given)
        accounts.hold(call, who)
        applications = store.of_customers(call, who.customer_ids)
        accounts.take(call, who, application.application_id, account_class, applications)


def require(call: Call, application: Application) -> None:
    """Raises ACCOUNT_LIMIT or CUSTOMER_RESTRICTED when it must not be approved any more."""
    reserve(call, application)
    if is_restricted(call, application):
        raise errors.InvalidState(
            ErrorReason.ERROR_REASON_CUSTOMER_RESTRICTED,
            "A restrictive measure stands against the customer.",
        )


def staff_of(call: Call, application: Application) -> tuple[UUID, ...]:
    """Returns who of the staff is the applicant, acts for him or is a relative of either.

    He therefore never decides.

    Each of them is a person, whichever of his customer numbers the bank knows him at work by.
    """
    read = filling.read(call, application)
    who = accounts.person(call, application.customer_id, read.right(readings.APPLICANT.resident_id))
    acting = [
        facts.customer_id
        for each in persons.of(read)[1:]
        if each.resident_id
        for facts in directory.all_by(
            call, directory.identifier(call, IdentifierKind.RESIDENT_ID, each.resident_id)
        )
    ]
    return staff.persons_of(call.connection, {*who.customer_ids, *acting})


def is_watched(call: Call, application: Application) -> bool:
    """Tells whether any restrictive measure holds against the applicant."""
    form, given = filling.form_of(call, application), filling.answers(call, application)
    return _measure(call, _person(call, application, form, given)) is not None


def is_restricted(call: Call, application: Application) -> bool:
    """Tells whether a restrictive measure stands against the application."""
    form, given = filling.form_of(call, application), filling.answers(call, application)
    measure = _measure(call, _person(call, application, form, given))
    found = restriction_faults(form, given, measure) if measure is not None else ()
    return any(fault.hinders for fault in found)


def bar(call: Call, application: Application, _item: Item) -> str:
    """Returns why an approved application must not be executed; "" when it may."""
    if is_restricted(call, application):
        return RESTRICTED_CODE
    form, given = filling.form_of(call, application), filling.answers(call, application)
    account_class = _account_class(call, application, form, given)
    if not account_class:
        return ""
    who = _person(call, application, form, given)
    counted = _others(call, application, who)
    holds_place = accounts.taken(call, who, application.application_id) == account_class
    if not holds_place or accounts.is_full(counted, account_class, call.bank.policies):
        return LIMIT_CODE
    return ""


def _others(call: Call, application: Application, who: Person) -> Counter[str]:
    applications = store.of_customers(call, who.customer_ids)
    return accounts.others(call, who, application.application_id, applications)


def _measure(call: Call, who: Person) -> Measure | None:
    rows = call.once(
        ("restrictions", who.customer_ids), lambda: restrictions.live(call, who.customer_ids)
    )
    return restrictions.strictest(rows, call.bank.policies)


def _person(call: Call, application: Application, form: Form, given: Mapping[str, str]) -> Person:
    read = Readings(form, given, access.today(call, application))
    number = read.right(readings.APPLICANT.resident_id)
    return accounts.person(call, application.customer_id, number)


def _account_class(
    call: Call, application: Application, form: Form, given: Mapping[str, str]
) -> str:
    """Returns the class of the account that is applied for; "" when none is, or none is known."""
    answer = Readings(form, given, access.today(call, application)).right(ACCOUNT_CLASS)
    return answer if answer in accounts.LIMITS else ""


def _asks_for_review(form: Form) -> bool:
    return any(field.key == ENHANCED_REVIEW for field in form.fields)
