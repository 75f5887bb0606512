"""What holds after each step, whoever did what; the numbers are those of the list of invariants."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import asyncpg

# Each returns the rows that must not be.
_NEVER = {
    "I1 one final decision for each revision": """
        SELECT subject_id FROM task_decision WHERE outcome <> 'APPROVED' OR is_final
        GROUP BY subject_kind, subject_id, revision HAVING count(*) > 1
    """,
    "I3 the checker is neither the maker nor the customer": """
        SELECT task_id FROM task_decision
        WHERE checker_person_id = maker_person_id OR checker_customer_id = customer_id
    """,
    "I3 nobody takes two steps of one revision": """
        SELECT task_id FROM task_decision
        GROUP BY task_id, revision, checker_person_id HAVING count(*) > 1
    """,
    "I3 lent authority counts while it lasts, and for whom it was lent to": """
        SELECT d.task_id FROM task_decision AS d JOIN delegation AS g USING (delegation_id)
        WHERE d.checker_person_id <> g.delegate_person_id OR d.decide_time < g.created_at
            OR d.decide_time >= least(g.expires_at, g.revoked_at)
    """,
    "I4 what was decided about is what was submitted": """
        SELECT d.task_id FROM task_decision AS d
        JOIN application_revision AS r
            ON r.application_id = d.subject_id AND r.revision = d.revision
        WHERE d.subject_kind = 'application' AND r.content_hash <> d.content_hash
    """,
    "I5 nothing is decided after its end": """
        SELECT t.task_id FROM task AS t JOIN task_decision AS d
            ON d.task_id = t.task_id AND d.revision = t.revision
        WHERE d.decide_time > t.expire_time
            OR (t.state IN ('WITHDRAWN', 'EXPIRED') AND d.is_final)
    """,
    "I6 only what was approved is handed to the bank": """
        SELECT i.work_item_id FROM work_item AS i
        WHERE i.has_effect AND i.subject_kind = 'application' AND NOT EXISTS (
            SELECT FROM task_decision AS d
            WHERE d.subject_id::text = i.subject_id AND d.outcome = 'APPROVED' AND d.is_final)
    """,
    "I6 one operation for each approval": """
        SELECT i.subject_id FROM work_item AS i WHERE i.has_effect
        GROUP BY i.subject_kind, i.subject_id
        HAVING count(*) > (
            SELECT count(*) FROM task_decision AS d
            WHERE d.subject_id::text = i.subject_id AND d.outcome = 'APPROVED' AND d.is_final)
    """,
    "I7 what is unknown is asked about, never repeated": """
        SELECT work_item_id FROM work_item WHERE state = 'UNKNOWN' AND purpose <> 'INQUIRE'
    """,
    "I18 a claim lapses": """
        SELECT task_id FROM task
        WHERE state = 'CLAIMED' AND lease_until < fingertip_now() - interval '10 s'
    """,
    "I18 what is over in time is over": """
        SELECT task_id FROM task
        WHERE state IN ('PARKED', 'QUEUED', 'CLAIMED', 'ON_SITE', 'SUPPLEMENT_REQUESTED')
            AND expire_time < fingertip_now() - interval '10 s'
    """,
    "one open task for each subject": """
        SELECT subject_id FROM task
        WHERE state IN ('PARKED', 'QUEUED', 'CLAIMED', 'ON_SITE', 'SUPPLEMENT_REQUESTED')
        GROUP BY subject_kind, subject_id HAVING count(*) > 1
    """,
    "an application and its task agree": """
        SELECT a.application_id FROM application AS a LEFT JOIN task AS t USING (task_id)
        WHERE (a.state = 'SUBMITTED')
                <> coalesce(t.state IN ('PARKED', 'QUEUED', 'CLAIMED', 'ON_SITE'), false)
            OR (a.state = 'SUPPLEMENT_REQUESTED')
                <> coalesce(t.state = 'SUPPLEMENT_REQUESTED', false)
            OR (a.state IN ('APPROVED', 'EXECUTED', 'EXECUTION_UNKNOWN', 'EXECUTION_FAILED',
                    'REVERSED')
                AND t.state IS DISTINCT FROM 'APPROVED')
            OR (t.state IN ('REJECTED') AND a.state <> t.state)
            OR (a.task_id IS NOT NULL
                AND (t.revision, t.content_hash) IS DISTINCT FROM (a.revision, a.content_hash))
    """,
    "an application and what the bank did agree": """
        SELECT a.application_id FROM application AS a
        JOIN work_item AS i ON i.subject_id = a.application_id::text AND i.has_effect
        WHERE i.subject_kind = 'application'
            AND (a.state IN ('EXECUTED', 'REVERSED')) <> (i.state = 'DONE')
    """,
    "nobody holds two tasks": """
        SELECT holder FROM task WHERE state = 'CLAIMED' GROUP BY holder HAVING count(*) > 1
    """,
    "who holds a task is on shift": """
        SELECT t.task_id FROM task AS t WHERE t.state = 'CLAIMED' AND NOT EXISTS (
            SELECT FROM shift AS s WHERE s.staff_id = t.holder AND s.ended_at IS NULL)
    """,
    "a voucher is where its last movement put it": """
        SELECT v.serial FROM voucher AS v
        LEFT JOIN voucher_movement AS m USING (voucher_id, version)
        WHERE (m.state, m.to_holder_id) IS DISTINCT FROM (v.state, v.holder_id)
            OR v.application_id IS NOT NULL AND v.application_id IS DISTINCT FROM m.application_id
    """,
    "a voucher is moved from where it was": """
        SELECT m.voucher_id FROM voucher_movement AS m
        JOIN voucher_movement AS b ON b.voucher_id = m.voucher_id AND b.version = m.version - 1
        WHERE b.to_holder_id <> m.from_holder_id
    """,
    "an application has one card": """
        SELECT application_id FROM voucher WHERE application_id IS NOT NULL
            AND state IN ('RESERVED', 'ISSUING', 'ISSUED')
        GROUP BY application_id HAVING count(*) > 1
    """,
    "a card is issued for an account that is there": """
        SELECT v.serial FROM voucher AS v JOIN application AS a USING (application_id)
        WHERE (v.state = 'ISSUED') <> (a.state IN ('EXECUTED', 'REVERSED'))
    """,
    "nobody has more accounts than one may have": """
        SELECT person FROM account_slot GROUP BY person, account_class
        HAVING count(*) > CASE account_class WHEN 'class_one' THEN 1 ELSE 5 END
    """,
    "I22 every change of an application is journalled": """
        SELECT a.application_id FROM application AS a WHERE NOT EXISTS (
            SELECT FROM audit_entry AS e WHERE e.object_id = a.application_id::text)
    """,
}
# What only grows, and what never changes once it is there.
_GROWING = {
    "I17 a task's fence": "SELECT task_id AS id, fence AS value FROM task",
    "a task's version": "SELECT task_id AS id, version AS value FROM task",
    "I17 an item's fence": "SELECT work_item_id AS id, fence AS value FROM work_item",
    "an application's version": "SELECT application_id AS id, version AS value FROM application",
}
_CONSTANT = {
    "I4 a submitted content": (
        "SELECT application_id::text || '/' || revision AS id,"
        " encode(content_hash, 'hex') || md5(content::text) AS value FROM application_revision"
    ),
    "a decision": "SELECT task_id::text || '/' || revision || '/' || step AS id,"
    " md5(d::text) AS value FROM task_decision AS d",
    "I22 an entry's link": (
        "SELECT chain || '/' || position AS id, encode(link, 'hex') AS value FROM audit_entry"
        " WHERE time > fingertip_now() - interval '1 min'"
    ),
}
_ALL_NEVER = " UNION ALL ".join(
    f"SELECT '{name}' AS name, x::text AS found FROM ({query}) AS x"  # noqa: S608 - of ours
    for name, query in _NEVER.items()
)
# What is compared with former values is looked at less often: it is there to stay.
_REMEMBER_EVERY = 10


@dataclass
class Invariants:
    """Checks a database again and again, and remembers what must not change or only grow."""

    connection: "asyncpg.Connection[asyncpg.Record]"
    steps: int = 0
    _values: dict[tuple[str, str | UUID], Any] = field(default_factory=dict)

    async def check(self) -> None:
        """Asserts all of them."""
        self.steps += 1
        broken = await self.connection.fetch(_ALL_NEVER)
        assert not broken, [tuple(row) for row in broken]
        if self.steps % _REMEMBER_EVERY == 0:
            await self.check_history()

    async def check_history(self) -> None:
        """Asserts that nothing went back, and that what was written once stands as it was."""
        for name, query in _GROWING.items():
            for row in await self.connection.fetch(query):
                former = self._values.get((name, row["id"]), row["value"])
                assert row["value"] >= former, (name, row["id"])
                self._values[name, row["id"]] = row["value"]
        for name, query in _CONSTANT.items():
            for row in await self.connection.fetch(query):
                former = self._values.setdefault((name, row["id"]), row["value"])
                assert row["value"] == former, (name, row["id"])
