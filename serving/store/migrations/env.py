"""Run by alembic for each command: works on the connection that `upgrade` passes in."""

from alembic import context

from serving.store.schema import Base

context.configure(connection=context.config.attributes["connection"], target_metadata=Base.metadata)
context.run_migrations()
