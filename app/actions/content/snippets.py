"""Pieces of Liquid that contents show by their names."""

from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from app.actions.content.finding import Shelf
from app.actions.content.using import Using
from app.core.access import Scope
from app.core.contact import check_text
from app.core.errors import Conflict, Invalid
from app.core.ids import new_id, public_id
from app.core.locks import lock_names
from app.core.tx import Reading, Tx
from app.templates import check_snippet, snippets_in
from models import Snippet

LONGEST_NAME = 150
LONGEST_VALUE = 16_000


async def create_snippet(tx: Tx, *, name: str, value: str) -> Snippet:
    """A new snippet. Raises :class:`Invalid` with the line of what is wrong, and :class:`Conflict` at ``name`` for one
    that there is."""
    tx.require(Scope.CAMPAIGNS_WRITE)
    wanted = await _begin(tx, name)
    if await _named(tx, wanted) is not None:
        raise Conflict(f"There is a snippet {wanted!r} already.", "name")
    return await set_snippet(tx, name=name, value=value)


async def set_snippet(tx: Tx, *, name: str, value: str) -> Snippet:
    """Gives the snippet of this name its value, and makes it if there is none. Messages sent from now on have it.

    Raises :class:`Invalid` with the line of what is wrong, or when the snippet would have itself in it.
    """
    tx.require(Scope.CAMPAIGNS_WRITE)
    wanted = await _begin(tx, name)
    checked = check_text(value, "value", longest=LONGEST_VALUE, shortest=1)
    check_snippet(checked, "value")
    await _refuse_circle(tx, wanted, checked)
    snippet = await _named(tx, wanted)
    if snippet is None:
        snippet = Snippet(
            tenant_id=tx.tenant_id, id=new_id(), name=wanted, value=checked, created_at=tx.now, updated_at=tx.now
        )
        tx.session.add(snippet)
        tx.audit("snippet.create", public_id("snippet", snippet.id), {"name": wanted})
    elif snippet.value != checked:
        snippet.value = checked
        snippet.updated_at = tx.now
        tx.audit("snippet.update", public_id("snippet", snippet.id), {"name": wanted})
    return snippet


async def delete_snippet(tx: Tx, *, snippet_id: UUID) -> None:
    """Deletes a snippet. Raises :class:`NotFound`, and :class:`Conflict` at ``name`` while something shows it."""
    tx.require(Scope.CAMPAIGNS_WRITE)
    snippet = await Shelf(tx).find(Snippet, "snippet_id", id=snippet_id)
    await Using(tx).refuse_snippet(snippet.name)
    await tx.session.delete(snippet)
    tx.audit("snippet.delete", public_id("snippet", snippet_id), {"name": snippet.name})


async def get_snippet(reading: Reading, *, snippet_id: UUID) -> Snippet:
    """One snippet. Raises :class:`NotFound`."""
    reading.require(Scope.CAMPAIGNS_READ)
    return await Shelf(reading).find(Snippet, "snippet_id", id=snippet_id)


async def snippet_named(reading: Reading, *, name: str) -> Snippet:
    """The snippet of this name. Raises :class:`NotFound`."""
    reading.require(Scope.CAMPAIGNS_READ)
    return await Shelf(reading).find(Snippet, "name", name=name)


async def list_snippets(reading: Reading, *, limit: int = 100, offset: int = 0) -> tuple[list[Snippet], int]:
    """Some snippets by name, and how many there are."""
    reading.require(Scope.CAMPAIGNS_READ)
    return await Shelf(reading).some(Snippet, [], col(Snippet.name), limit, offset)


async def _begin(tx: Tx, name: str) -> str:
    """The name as it is stored. Until this unit ends nobody else makes or changes snippets."""
    wanted = check_text(name.strip() if isinstance(name, str) else name, "name", longest=LONGEST_NAME, shortest=1)
    if any(sign in wanted for sign in "'\"{}%\n\r"):
        raise Invalid.at("name", "cannot have quotes, braces, percent signs or line breaks in it")
    await lock_names(tx.session, tx.tenant_id, ["all"], kind="snippet")
    return wanted


async def _named(tx: Tx, name: str) -> Snippet | None:
    return (await tx.session.execute(select(Snippet).where(col(Snippet.name) == name))).scalar_one_or_none()


async def _refuse_circle(tx: Tx, name: str, value: str) -> None:
    """Refuses what would make a snippet show itself, through however many others."""
    asked = snippets_in(value)
    if not asked:
        return
    rows = (await tx.session.execute(select(col(Snippet.name), col(Snippet.value)))).all()
    shows = {other: snippets_in(text) for other, text in rows} | {name: asked}
    reached: set[str] = set()
    waiting = list(asked)
    while waiting:
        other = waiting.pop()
        if other == name:
            raise Invalid.at("value", f"the snippet {name!r} would have itself in it")
        if other not in reached:
            reached.add(other)
            waiting += shows.get(other, ())
