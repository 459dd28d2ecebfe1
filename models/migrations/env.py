"""Alembic's environment: runs the versions on the connection it was given, inside that connection's transaction."""

from alembic import context

from models import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, transactional_ddl=True)
context.run_migrations()
