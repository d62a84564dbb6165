"""The audit log is final.

The database itself refuses to change or delete a line, whichever program asks. (Whoever owns the
table can take that away again; a backup or a log shipped elsewhere is what holds against them. A
later migration that makes the table anew on SQLite must make the triggers anew.)
"""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_REFUSAL = "the audit log is written once: its lines are neither changed nor deleted"
_POSTGRESQL = (
    f"""
CREATE FUNCTION audit_is_final() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION '{_REFUSAL}'; END $$
""",
    """
CREATE TRIGGER audit_is_final BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
FOR EACH STATEMENT EXECUTE FUNCTION audit_is_final()
""",
)
_SQLITE = tuple(
    f"CREATE TRIGGER audit_refuses_{verb.lower()} BEFORE {verb} ON audit "
    f"BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
    for verb in ("UPDATE", "DELETE")
)


def upgrade() -> None:
    is_postgresql = op.get_context().dialect.name == "postgresql"
    for statement in _POSTGRESQL if is_postgresql else _SQLITE:
        op.execute(statement)


def downgrade() -> None:
    if op.get_context().dialect.name == "postgresql":
        op.execute("DROP TRIGGER audit_is_final ON audit")
        op.execute("DROP FUNCTION audit_is_final()")
    else:
        op.execute("DROP TRIGGER audit_refuses_update")
        op.execute("DROP TRIGGER audit_refuses_delete")
