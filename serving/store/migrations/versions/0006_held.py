"""A call that goes on is held back from the review queues for a while."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

NEWEST = ("started_at", "id")
QUEUES = {
    "danger_under_called": ("under_called AND review <> 'done'", NEWEST),
    "overridden": ("overrode AND review <> 'done'", NEWEST),
    "returned": ("returned AND review <> 'done'", NEWEST),
    "confident_contradicted": ("contradicted AND review <> 'done'", NEWEST),
    "least_confident": ("NOT confident AND review <> 'done'", ("probability", "id")),
    "shadow": ("candidate_version IS NOT NULL AND review <> 'done'", NEWEST),
    "suspected_label": ("suspected AND review = 'done'", NEWEST),
    "random_audit": ("review <> 'done'", ("lottery", "id")),
    "drift": ("review <> 'done'", ("category", "day", "id")),
    "adjudication": ("review = 'adjudicate'", NEWEST),
}


def upgrade() -> None:
    """Forward. Calls that are there already are over."""
    op.add_column("calls", sa.Column("held_until", sa.DateTime(timezone=True), nullable=True))
    for queue, (where, order) in QUEUES.items():
        op.drop_index(f"queue_{queue}", "calls")
        op.create_index(
            f"queue_{queue}",
            "calls",
            ["city", *order, "review", "held_until"],
            sqlite_where=sa.text(where),
            postgresql_where=sa.text(where),
        )
