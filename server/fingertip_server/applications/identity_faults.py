"""What the identities of an application's persons have against its submission."""

from collections.abc import Iterator

from fingertip_server.applications import filling, identity_rules, persons
from fingertip_server.applications.faults import Fault
from fingertip_server.applications.identity_rules import Outcome, Standing
from fingertip_server.applications.persons import Party
from fingertip_server.applications.store import Evidence
from fingertip_server.applications.tables import Application, ApplicationIdentity
from fingertip_server.rpc.call import Call

_PROOFS = {Party.APPLICANT: "IDENTITY_PROOF"}
_PROXYS_PROOF = "PROXY_IDENTITY_PROOF"


def faults(call: Call, application: Application, evidence: Evidence) -> Iterator[Fault]:
    """Yields what hinders, where the form has identities checked."""
    read = filling.read(call, application)
    if not read.form.identity_check:
        return
    known = {each.party: each for each in standings(evidence)}
    accepted = call.bank.policies.flag("identity_check.unchecked_accepted")
    for person in persons.of(read):
        if not person.resident_id:
            continue
        standing = known.get(person.party)
        if standing is None:
            yield identity_rules.unasked(person.party)
            continue
        fault = identity_rules.judge(standing, unchecked_accepted=accepted, now=call.now)
        if fault is not None:
            yield fault


def standings(evidence: Evidence) -> list[Standing]:
    """Returns what is known of each person who was asked about, the applicant first."""
    return [standing(row, evidence) for row in evidence.identities]


def shown_by(party: Party) -> tuple[str, ...]:
    """Returns what an authoriser compares to know a person whom the register did not confirm."""
    keys = persons.keys(party)
    return (keys.name, keys.resident_id, f"sighting.{proof(party).lower()}")


def standing(row: ApplicationIdentity, evidence: Evidence) -> Standing:
    """Returns what is known of a person."""
    party = Party(row.party)
    kind = proof(party)
    return Standing(
        party=party,
        outcome=Outcome(row.outcome) if row.outcome else None,
        is_proven=any(each.kind == kind for each in evidence.sightings),
        unhindered_at=row.unhindered_at,
    )


def proof(party: Party) -> str:
    """Returns the sighting of another proof of a person's identity."""
    return _PROOFS.get(party, _PROXYS_PROOF)
