"""The versions of the schema, oldest first, run by Alembic (``app.core.migrations``)."""
