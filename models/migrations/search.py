"""Full text over messages, as version 0003 makes it: ``message_search`` and the triggers that keep it."""

from alembic import op


def create() -> None:
    """Makes the table of words on the database at hand."""
    if op.get_bind().dialect.name == "postgresql":
        _create_postgres_search()
    else:
        _create_sqlite_search()


def drop() -> None:
    """Takes it away, after the messages and with them their triggers."""
    op.execute("DROP TABLE message_search")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION keep_message_search")


def _create_postgres_search() -> None:
    """The words of what is said, kept by triggers, so that no statement that writes a message can forget it.

    They come folded and apart from each other; no parser sees them. They lie beside the messages and not in an index of
    theirs, because under row-level security Postgres asks no index for words (``@@`` is not leak-proof). Every row has
    a word for its tenant, which no search of people can name, so that one index serves all tenants.
    """
    op.execute(
        "CREATE TABLE message_search (tenant_id uuid NOT NULL, message_id uuid NOT NULL, "
        "conversation_id uuid NOT NULL, words tsvector NOT NULL, PRIMARY KEY (tenant_id, message_id))"
    )
    op.execute("CREATE INDEX ix_message_search_words ON message_search USING gin (words)")
    words = "array_to_tsvector(string_to_array(new.words, ' ') || concat('#', replace(text(new.tenant_id), '-', '')))"
    op.execute(
        "CREATE FUNCTION keep_message_search() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF TG_OP <> 'INSERT' THEN "
        "DELETE FROM message_search WHERE tenant_id = old.tenant_id AND message_id = old.id; END IF; "
        "IF TG_OP <> 'DELETE' THEN IF new.words <> '' THEN INSERT INTO message_search "
        f"VALUES (new.tenant_id, new.id, new.conversation_id, {words}); END IF; END IF; "
        "RETURN NULL; END $$"
    )
    for name, event in (("said", "INSERT"), ("changed", "UPDATE OF words"), ("gone", "DELETE")):
        op.execute(
            f"CREATE TRIGGER messages_{name} AFTER {event} ON messages "
            "FOR EACH ROW EXECUTE FUNCTION keep_message_search()"
        )


def _create_sqlite_search() -> None:
    """FTS5 over what is said, kept by triggers, so that no statement that writes a message can forget it."""
    op.execute(
        "CREATE VIRTUAL TABLE message_search USING fts5"
        "(words, tenant_id UNINDEXED, conversation_id UNINDEXED, tokenize='ascii', prefix='2 3')"
    )
    op.execute(
        "CREATE TRIGGER messages_said AFTER INSERT ON messages BEGIN "
        "INSERT INTO message_search (rowid, words, tenant_id, conversation_id) "
        "VALUES (new.rowid, new.words, new.tenant_id, new.conversation_id); END"
    )
    op.execute(
        "CREATE TRIGGER messages_changed AFTER UPDATE OF words ON messages BEGIN "
        "UPDATE message_search SET words = new.words WHERE rowid = new.rowid; END"
    )
    op.execute(
        "CREATE TRIGGER messages_gone AFTER DELETE ON messages BEGIN "
        "DELETE FROM message_search WHERE rowid = old.rowid; END"
    )
