"""What approvals need beyond one click: windows, escalation, delegation, sign-ins, ledger, policies, checkpoints."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this version."""
    _widen_plans()
    _widen_votes()
    _widen_inbox()
    _add_time_around_a_decision()
    _add_exceptions()
    _add_policies()
    _add_ledger_and_checkpoints()


def downgrade() -> None:
    """Back to the version before. What only this version knows is lost."""
    for name in (
        "audit_checkpoint",
        "switch",
        "outcome",
        "policy_vote",
        "policy_version",
        "sign_in",
        "break_glass",
        "delegation",
        "escalation",
    ):
        op.drop_table(name)
    with op.batch_alter_table("inbox") as table:
        table.drop_index("ix_inbox_next_at")
        for column in ("claimed_at", "claimed_by", "next_at"):
            table.drop_column(column)
    op.execute("DELETE FROM vote WHERE round > 1")
    with op.batch_alter_table("vote") as table:
        table.drop_constraint("uq_vote_plan_user_round", type_="unique")
        for column in ("stepped_up", "on_behalf_of", "round"):
            table.drop_column(column)
        table.create_unique_constraint("vote_plan_id_user_id_key", ["plan_id", "user_id"])
    with op.batch_alter_table("plan") as table:
        for index in ("ix_plan_fires_at", "ix_plan_likeness", "ix_plan_undoes"):
            table.drop_index(index)
        for constraint in ("fk_plan_replaces", "fk_plan_undoes"):
            table.drop_constraint(constraint, type_="foreignkey")
        for column in ("fires_at", "undoes", "replaces", "likeness", "steerers"):
            table.drop_column(column)


def _widen_plans() -> None:
    with op.batch_alter_table("plan") as table:
        table.add_column(sa.Column("steerers", sa.Text(), nullable=False, server_default="[]"))
        table.add_column(sa.Column("likeness", sa.String(), nullable=False, server_default=""))
        table.add_column(sa.Column("replaces", sa.Integer(), nullable=True))
        table.add_column(sa.Column("undoes", sa.Integer(), nullable=True))
        table.add_column(sa.Column("fires_at", sa.DateTime(timezone=True), nullable=True))
        table.create_index("ix_plan_fires_at", ["fires_at"])
        table.create_index("ix_plan_likeness", ["likeness"])
        table.create_index("ix_plan_undoes", ["undoes"])
        table.create_foreign_key("fk_plan_replaces", "plan", ["replaces"], ["id"])
        table.create_foreign_key("fk_plan_undoes", "plan", ["undoes"], ["id"])


def _widen_votes() -> None:
    """One vote a person and round. The constraint before had no name of ours: SQLite finds it by its convention."""
    convention = {"uq": "%(table_name)s_plan_id_user_id_key"}
    with op.batch_alter_table("vote", naming_convention=convention) as table:
        table.drop_constraint("vote_plan_id_user_id_key", type_="unique")
        table.add_column(sa.Column("round", sa.Integer(), nullable=False, server_default="1"))
        table.add_column(sa.Column("on_behalf_of", sa.String(), nullable=True))
        table.add_column(sa.Column("stepped_up", sa.Boolean(), nullable=False, server_default=sa.false()))
        table.create_unique_constraint("uq_vote_plan_user_round", ["plan_id", "user_id", "round"])


def _widen_inbox() -> None:
    with op.batch_alter_table("inbox") as table:
        table.add_column(sa.Column("next_at", sa.DateTime(timezone=True), nullable=True))
        table.add_column(sa.Column("claimed_by", sa.String(), nullable=True))
        table.add_column(sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=True))
        table.create_index("ix_inbox_next_at", ["next_at"])


def _add_time_around_a_decision() -> None:
    op.create_table(
        "escalation",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("plan_id", sa.Integer(), sa.ForeignKey("plan.id"), nullable=False, index=True),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("nudge", sa.String(), nullable=False),
        sa.Column("groups", sa.Text(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False, index=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
    )
    op.create_table(
        "delegation",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("delegator", sa.String(), nullable=False, index=True),
        sa.Column("delegate", sa.String(), nullable=False, index=True),
        sa.Column("groups", sa.Text(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False, index=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
    )


def _add_exceptions() -> None:
    op.create_table(
        "break_glass",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("plan_id", sa.Integer(), sa.ForeignKey("plan.id"), nullable=False, index=True),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("stepped_up", sa.Boolean(), nullable=False),
        sa.Column("skipped", sa.Text(), nullable=False),
        sa.Column("broken_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reviewed_by", sa.String(), nullable=True),
        sa.Column("reviewed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("review", sa.String(), nullable=True),
    )
    op.create_table(
        "sign_in",
        sa.Column("token_hash", sa.String(), primary_key=True),
        sa.Column("plan_id", sa.Integer(), sa.ForeignKey("plan.id"), nullable=False, index=True),
        sa.Column("plan_digest", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False, index=True),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
    )


def _add_policies() -> None:
    op.create_table(
        "policy_version",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("version", sa.Integer(), nullable=False, index=True),
        sa.Column("sha256", sa.String(), nullable=False, index=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("status", sa.String(), nullable=False, index=True),
        sa.Column("author", sa.String(), nullable=True),
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("looser", sa.Text(), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("activated_at", sa.DateTime(timezone=True), nullable=True, index=True),
    )
    op.create_table(
        "policy_vote",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("policy_id", sa.Integer(), sa.ForeignKey("policy_version.id"), nullable=False, index=True),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.UniqueConstraint("policy_id", "user_id"),
    )


def _add_ledger_and_checkpoints() -> None:
    op.create_table(
        "outcome",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("plan_id", sa.Integer(), sa.ForeignKey("plan.id"), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("service", sa.String(), nullable=False),
        sa.Column("environment", sa.String(), nullable=False),
        sa.Column("result", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, index=True),
        sa.UniqueConstraint("plan_id", "step", "result"),
    )
    op.create_index("ix_outcome_of", "outcome", ["action", "service"])
    op.create_table(
        "switch",
        sa.Column("name", sa.String(), primary_key=True),
        sa.Column("is_on", sa.Boolean(), nullable=False),
        sa.Column("set_by", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "audit_checkpoint",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("head", sa.String(), nullable=False),
        sa.Column("previous", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("key_id", sa.String(), nullable=False),
        sa.Column("signature", sa.String(), nullable=False),
        sa.Column("anchored_at", sa.DateTime(timezone=True), nullable=True),
    )
