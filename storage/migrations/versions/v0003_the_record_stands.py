"""Entries of the audit chain and their checkpoints cannot be changed or removed by whoever merely may write.

A deterrent, not a proof: the owner of the tables can drop the triggers, and `sayso audit verify` is for that.
"""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

SIGNED = "id, size, head, previous, at, key_id, signature"
"""What never changes in a checkpoint; when a copy was put outside is noted later."""
GUARDS = (
    ("audit_stays", "UPDATE ON audit"),
    ("audit_is_kept", "DELETE ON audit"),
    ("audit_checkpoint_stays", f"UPDATE OF {SIGNED} ON audit_checkpoint"),
    ("audit_checkpoint_is_kept", "DELETE ON audit_checkpoint"),
)
TABLES = ("audit", "audit_checkpoint")


def upgrade() -> None:
    """To this version."""
    if op.get_bind().dialect.name == "postgresql":
        _guard_postgres()
    else:
        _guard_sqlite()


def downgrade() -> None:
    """Back to the version before."""
    if op.get_bind().dialect.name == "postgresql":
        for name, event in GUARDS:
            op.execute(f"DROP TRIGGER {name} ON {event.rpartition(' ')[2]}")
        for table in TABLES:
            op.execute(f"DROP TRIGGER {table}_is_not_emptied ON {table}")
        op.execute("DROP FUNCTION sayso_refuse_to_change_the_record")
        return
    for name in (*(name for name, _ in GUARDS), *(f"{table}_is_not_replaced" for table in TABLES)):
        op.execute(f"DROP TRIGGER {name}")


def _guard_postgres() -> None:
    op.execute(
        "CREATE FUNCTION sayso_refuse_to_change_the_record() RETURNS trigger LANGUAGE plpgsql AS $$ "
        "BEGIN RAISE EXCEPTION 'the record is only ever added to: % on % refused', TG_OP, TG_TABLE_NAME; END $$"
    )
    refuse = "EXECUTE FUNCTION sayso_refuse_to_change_the_record()"
    for name, event in GUARDS:
        op.execute(f"CREATE TRIGGER {name} BEFORE {event} FOR EACH ROW {refuse}")
    for table in TABLES:
        op.execute(f"CREATE TRIGGER {table}_is_not_emptied BEFORE TRUNCATE ON {table} FOR EACH STATEMENT {refuse}")


def _guard_sqlite() -> None:
    refuse = "BEGIN SELECT RAISE(ABORT, 'the record is only ever added to'); END"
    for name, event in GUARDS:
        op.execute(f"CREATE TRIGGER {name} BEFORE {event} {refuse}")
    for table, key in zip(TABLES, ("seq", "id"), strict=True):
        # INSERT OR REPLACE takes the old row away without asking the trigger on DELETE.
        there = f"EXISTS (SELECT 1 FROM {table} WHERE {key} = NEW.{key})"
        op.execute(f"CREATE TRIGGER {table}_is_not_replaced BEFORE INSERT ON {table} WHEN {there} {refuse}")
