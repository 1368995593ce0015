"""Figures by month as well as by day, by line and with times, and triggers that note which days to count anew."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

MEASURES = ("calls", "effective", "invalid", "diverted", "unsure", "again", "decided", "overrode", "handed_on",
            "returned", "given", "refused")  # fmt: skip
NOTE = "INSERT INTO figures_stale (day, city) SELECT {row}.day, {row}.city WHERE NOT EXISTS " \
       "(SELECT 1 FROM figures_stale WHERE day = {row}.day AND city = {row}.city)"  # fmt: skip


def upgrade() -> None:
    """Forward. What is stored already is noted as changed, and counted once the service runs."""
    for derived in ("figures", "stale_days"):
        op.drop_table(derived)
    op.create_table(
        "figures",
        sa.Column("dimension", sa.String(length=32), nullable=False),
        sa.Column("grain", sa.String(length=8), nullable=False),
        sa.Column("start", sa.Date(), nullable=False),
        sa.Column("city", sa.String(length=64), nullable=False),
        sa.Column("channel", sa.String(length=8), nullable=False),
        sa.Column("value", sa.String(length=160), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in MEASURES),
        sa.PrimaryKeyConstraint("dimension", "grain", "start", "city", "channel", "value"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "figures_stale",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("city", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("figures_stale_days", "figures_stale", ["day", "city"])
    op.execute("INSERT INTO figures_stale (day, city) SELECT DISTINCT day, city FROM calls")
    _sqlite() if op.get_bind().dialect.name == "sqlite" else _postgresql()


def _sqlite() -> None:
    for event, row in {"INSERT": "NEW", "UPDATE": "NEW", "DELETE": "OLD"}.items():
        op.execute(f"CREATE TRIGGER figures_{event.lower()} AFTER {event} ON calls BEGIN {NOTE.format(row=row)}; END")


def _postgresql() -> None:
    op.execute(
        "CREATE FUNCTION figures_note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO figures_stale (day, "
        "city) SELECT DISTINCT day, city FROM changed; RETURN NULL; END $$"
    )
    for event, rows in {"INSERT": "NEW", "UPDATE": "NEW", "DELETE": "OLD"}.items():
        op.execute(
            f"CREATE TRIGGER figures_{event.lower()} AFTER {event} ON calls REFERENCING {rows} TABLE AS changed "
            "FOR EACH STATEMENT EXECUTE FUNCTION figures_note()"
        )
