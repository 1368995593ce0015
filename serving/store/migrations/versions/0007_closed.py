"""What the operator closed is over with it: nothing of it is due. Earlier versions wrote a due date all the same."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

CLOSED = "'operator_closes'"
OWNER = """(SELECT named.owner FROM outcomes AS named WHERE named.call_id = {call} AND named.owner IS NOT NULL {until}
           ORDER BY named.at DESC, named.id DESC LIMIT 1)"""


def upgrade() -> None:
    """Forward. A call that was closed and then sent back to somebody is that one's, and stays due."""
    named = OWNER.format(call="calls.id", until="")
    op.execute(
        f"UPDATE calls SET due_at = NULL WHERE due_at IS NOT NULL AND coalesce({named}, decided_destination) = {CLOSED}"
    )
    named = OWNER.format(call="outcomes.call_id", until="AND named.at <= outcomes.at")
    decided = "(SELECT destination FROM decisions WHERE decisions.call_id = outcomes.call_id)"
    op.execute(
        f"UPDATE outcomes SET due_at = NULL WHERE due_at IS NOT NULL AND coalesce({named}, {decided}) = {CLOSED}"
    )
