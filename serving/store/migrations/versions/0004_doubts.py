"""What a release in the shadow, and what examining the labels, says of a call: two queues."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

WHERE = "candidate_version IS NOT NULL AND review <> 'done'"


def upgrade() -> None:
    """Forward. Of calls that are there already nothing is known."""
    for name, kind in (
        ("candidate_version", sa.String(length=128)),
        ("candidate_category", sa.String(length=64)),
        ("candidate_urgency", sa.String(length=16)),
        ("candidate_destination", sa.String(length=64)),
        ("claimed_category", sa.String(length=64)),
        ("claimed_at", sa.DateTime(timezone=True)),
    ):
        op.add_column("calls", sa.Column(name, kind, nullable=True))
    op.create_index(
        "queue_shadow",
        "calls",
        ["city", "started_at", "id"],
        sqlite_where=sa.text(WHERE),
        postgresql_where=sa.text(WHERE),
    )
