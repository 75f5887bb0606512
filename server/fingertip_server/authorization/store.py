"""Tasks in the database."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, bindparam, func, select, text, tuple_, update

from fingertip_server.authorization import rules
from fingertip_server.authorization.tables import Task, TaskDecision
from fingertip_server.rpc.call import Call

# One probe of the queue's index per skill, however long the queue; a task that somebody is about
# to claim or to end is passed over.
_CLAIM = text("""
UPDATE task
SET state = 'CLAIMED', holder = :staff_id, fence = fence + 1, attempts = attempts + 1,
    lease_until = fingertip_now() + make_interval(secs => lease_seconds), version = version + 1
WHERE task_id = (
    SELECT first.task_id
    FROM unnest(CAST(:skills AS text[])) AS wanted (skill), LATERAL (
        SELECT task_id, rank_at
        FROM task
        WHERE centre_id = :centre_id AND skill = wanted.skill AND state = 'QUEUED'
            AND maker_person_id <> :person_id
            AND customer_id IS DISTINCT FROM CAST(:customer_id AS uuid)
            AND expire_time > fingertip_now()
        ORDER BY rank_at, task_id
        LIMIT 1
        FOR NO KEY UPDATE SKIP LOCKED
    ) AS first
    ORDER BY first.rank_at, first.task_id
    LIMIT 1
)
RETURNING task_id
""")
