"""The record as a test reads it, beside the running bot: what happened, who did it, and whether the chain holds."""

from __future__ import annotations

from sqlmodel import col, select

from storage import audit, executions, incidents, plans
from storage.database import Database
from storage.tables import AuditEntry, Execution, Incident, Plan, RefusedDelivery, Vote


class Record:
    """A bot's database, read only. Rows come as they are at the moment of asking."""

    def __init__(self, url: str) -> None:
        self._database = Database(url)

    def incidents(self, words: str) -> list[Incident]:
        """The incidents with these words in their title, oldest first."""
        with self._database.reading() as session:
            found = select(Incident).where(col(Incident.title).contains(words)).order_by(col(Incident.id))
            return list(session.exec(found))

    def count_incidents(self) -> int:
        """How many incidents there ever were."""
        with self._database.reading() as session:
            return len(incidents.listed(session, only_open=False, limit=1000))

    def plans(self, words: str) -> list[Plan]:
        """The plans of the incidents with these words in their title, oldest first."""
        found = self.incidents(words)
        with self._database.reading() as session:
            return [plan for one in found for plan in plans.of_incident(session, one.id or 0)]

    def plan(self, title: str) -> Plan:
        """The only plan there is of the incidents with this title."""
        (only,) = self.plans(title)
        return only

    def executions(self, plan: Plan) -> list[Execution]:
        """The calls of a plan, as they were written down."""
        with self._database.reading() as session:
            return executions.of_plan(session, plan.id or 0)

    def votes(self, plan: Plan) -> list[Vote]:
        """What people said to a plan."""
        with self._database.reading() as session:
            return plans.votes(session, plan)

    def entries(self, subject: str) -> list[AuditEntry]:
        """The audit entries about one subject (`plan:3`), oldest first."""
        with self._database.reading() as session:
            return audit.latest(session, 1000, subject)[::-1]

    def events(self, plan: Plan) -> list[tuple[str, str]]:
        """Who did what with a plan, in order."""
        return [(entry.actor, entry.event) for entry in self.entries(f"plan:{plan.id}")]

    def refused_deliveries(self) -> list[RefusedDelivery]:
        """The webhook bodies kept aside, oldest first."""
        with self._database.reading() as session:
            return list(session.exec(select(RefusedDelivery).order_by(col(RefusedDelivery.id))))

    def chain(self) -> audit.ChainReport:
        """What walking the whole audit chain shows."""
        with self._database.reading() as session:
            return audit.verify_all(session)

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()
