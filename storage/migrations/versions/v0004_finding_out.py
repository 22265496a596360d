"""What finding out keeps: investigations that can be judged again, why alerts joined, what people thought, and a memory
that can be searched by its words.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
NEW_TABLES = ("memory", "feedback", "investigation", "joining")
INCIDENT_COLUMNS = ("category", "active_at", "flaps", "merged_into", "changes", "radius", "seen_before")


def upgrade() -> None:
    """To this version."""
    _widen_alerts()
    _widen_incidents()
    _add_joining()
    _add_investigations()
    _add_memory()
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"CREATE INDEX ix_memory_words ON memory USING gin (to_tsvector('english', {_glued()}))")
    else:
        _search_sqlite()


def downgrade() -> None:
    """Back to the version before."""
    if op.get_bind().dialect.name != "postgresql":
        op.execute("DROP TABLE memory_words")  # its triggers go with the table below
    for name in NEW_TABLES:
        op.drop_table(name)
    with op.batch_alter_table("incident") as table:
        table.drop_constraint("fk_incident_merged_into", type_="foreignkey")
        for column in INCIDENT_COLUMNS:
            table.drop_column(column)
    with op.batch_alter_table("alert") as table:
        table.drop_index("ix_alert_identity")
        table.drop_column("identity")


def _widen_alerts() -> None:
    with op.batch_alter_table("alert") as table:
        table.add_column(sa.Column("identity", sa.String(), nullable=False, server_default=""))
        table.create_index("ix_alert_identity", ["identity"])


def _widen_incidents() -> None:
    with op.batch_alter_table("incident") as table:
        table.add_column(sa.Column("category", sa.String(), nullable=True))
        table.add_column(sa.Column("active_at", TIME, nullable=True))
        table.add_column(sa.Column("flaps", sa.Integer(), nullable=False, server_default="0"))
        table.add_column(sa.Column("merged_into", sa.Integer(), nullable=True))
        table.add_column(sa.Column("changes", sa.Text(), nullable=True))
        table.add_column(sa.Column("radius", sa.Text(), nullable=True))
        table.add_column(sa.Column("seen_before", sa.Text(), nullable=True))
        table.create_foreign_key("fk_incident_merged_into", "incident", ["merged_into"], ["id"])
    op.execute("UPDATE incident SET active_at = opened_at")
    with op.batch_alter_table("incident") as table:
        table.alter_column("active_at", existing_type=TIME, nullable=False)


def _add_joining() -> None:
    op.create_table(
        "joining",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("alert_id", sa.Integer(), sa.ForeignKey("alert.id"), nullable=False, index=True),
        sa.Column("incident_id", sa.Integer(), sa.ForeignKey("incident.id"), nullable=False, index=True),
        sa.Column("identity", sa.String(), nullable=False, index=True),
        sa.Column("anchor", sa.String(), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("reasons", sa.Text(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("undone_at", TIME, nullable=True),
        sa.Column("undone_by", sa.String(), nullable=True),
    )


def _add_investigations() -> None:
    op.create_table(
        "investigation",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("incident_id", sa.Integer(), sa.ForeignKey("incident.id"), nullable=False),
        sa.Column("look", sa.Integer(), nullable=False),
        sa.Column("started_at", TIME, nullable=False, index=True),
        sa.Column("finished_at", TIME, nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("mind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("picture", sa.LargeBinary(), nullable=True),
        sa.Column("proposal", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("reads", sa.Text(), nullable=False),
        sa.Column("dollars", sa.Float(), nullable=True),
        sa.Column("tokens", sa.Integer(), nullable=False),
        sa.UniqueConstraint("incident_id", "look"),
    )
    op.create_table(
        "feedback",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("incident_id", sa.Integer(), sa.ForeignKey("incident.id"), nullable=False),
        sa.Column("look", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("at", TIME, nullable=False),
        sa.UniqueConstraint("incident_id", "look", "user_id"),
    )


def _add_memory() -> None:
    op.create_table(
        "memory",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("ref", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("service", sa.String(), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("fix", sa.String(), nullable=True),
        sa.Column("url", sa.String(), nullable=True),
        sa.Column("at", TIME, nullable=False),
        sa.Column("verified", sa.Boolean(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("embedding", sa.LargeBinary(), nullable=True),
        sa.Column("embedding_model", sa.String(), nullable=True),
        sa.UniqueConstraint("kind", "ref"),
    )


def _glued() -> str:
    return " || ' ' || ".join(part.strip() for part in ("title", "service", "body", "coalesce(fix, '')"))


def _search_sqlite() -> None:
    """An FTS5 index over the table; triggers keep the two the same."""
    op.execute(
        "CREATE VIRTUAL TABLE memory_words USING fts5"
        "(title, service, body, fix, content='memory', content_rowid='id', tokenize='porter unicode61')"
    )
    new = (
        "INSERT INTO memory_words(rowid, title, service, body, fix) "
        "VALUES (new.id, new.title, new.service, new.body, new.fix);"
    )
    old = (
        "INSERT INTO memory_words(memory_words, rowid, title, service, body, fix) "
        "VALUES ('delete', old.id, old.title, old.service, old.body, old.fix);"
    )
    op.execute(f"CREATE TRIGGER memory_is_indexed AFTER INSERT ON memory BEGIN {new} END")
    op.execute(f"CREATE TRIGGER memory_is_forgotten AFTER DELETE ON memory BEGIN {old} END")
    op.execute(f"CREATE TRIGGER memory_is_indexed_again AFTER UPDATE ON memory BEGIN {old} {new} END")
