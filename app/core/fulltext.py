"""Full text over messages. The words are taken out of a text here, so that they are the same on every database.

``messages.words`` holds them, and both databases index them in ``message_search``. A search finds a message
that has, for each of its words, a word that begins with it, whatever their case and accents. Scripts that put no
spaces between words (Chinese, Japanese) are found by character.
"""

import re
import unicodedata
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Text, Uuid, cast, column, func, literal, select, table
from sqlalchemy.dialects.postgresql import TSQUERY

MAX_WORD = 64
"""Characters of a word that count: the rest of a very long one is not looked at."""
MAX_SEARCHED = 16
"""Words of a search that count."""

WORDS = re.compile(r"[\u2e80-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]|[^\W_\u2e80-\u30ff\u3400-\u9fff]+")

message_search = table(
    "message_search", column("words", Text()), column("tenant_id", Uuid()), column("conversation_id", Uuid())
)
"""A virtual table on SQLite. Triggers of version 0003 keep it, and say more of it."""


def words_of(text: str) -> list[str]:
    """The words of ``text``, folded, in their order."""
    if not text.isascii():
        decomposed = unicodedata.normalize("NFKD", text.casefold())
        text = "".join(one for one in decomposed if not unicodedata.category(one).startswith("M"))
    return [word[:MAX_WORD] for word in WORDS.findall(text.casefold()) if word.isalnum()]


def searchable(*texts: str) -> str:
    """What is stored to find texts by: their words, each once, with one space between them."""
    return " ".join(dict.fromkeys(word for text in texts for word in words_of(text)))


def search_query(search: str, *, on_postgres: bool) -> str | None:
    """What to bind as the query of :func:`conversations_with`; None where ``search`` has no word and finds nothing."""
    wanted = list(dict.fromkeys(words_of(search)))[:MAX_SEARCHED]
    if not wanted:
        return None
    return " & ".join(f"'{word}':*" for word in wanted) if on_postgres else " ".join(f'"{word}"*' for word in wanted)


def conversations_with(
    query: ColumnElement[str], tenant_id: UUID | ColumnElement[Any], *, on_postgres: bool
) -> Select[UUID]:
    """The ids of the tenant's conversations in which a message matches ``query`` (of :func:`search_query`).

    It names the tenant itself: nothing narrows this table.
    """
    found = select(message_search.c.conversation_id)
    if on_postgres:
        matches = message_search.c.words.op("@@", is_comparison=True)
        return found.where(matches(cast(query, TSQUERY)), matches(_of_tenant(tenant_id)))
    matches = message_search.c.words.op("MATCH", is_comparison=True)
    return found.where(message_search.c.tenant_id == tenant_id, matches(query))


def _of_tenant(tenant_id: UUID | ColumnElement[Any]) -> ColumnElement[Any]:
    """The word that all rows of a tenant have on Postgres."""
    given = literal(tenant_id, Uuid()) if isinstance(tenant_id, UUID) else tenant_id
    return cast(func.concat("'#", func.replace(cast(given, Text()), "-", ""), "'"), TSQUERY)
