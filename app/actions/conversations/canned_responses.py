"""Ready answers: kept under a shortcut, in one or more languages, with variables that a conversation fills."""

import re
import unicodedata
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlmodel import col

from app.actions.paging import check_window
from app.core.access import Scope
from app.core.contact import check_text, normalise_locale
from app.core.errors import Conflict, Invalid, NotFound
from app.core.ids import new_id, public_id
from app.core.locks import lock_names
from app.core.tx import Reading, Tx
from models import CannedResponse

LONGEST_TEXT = 10_000
LONGEST_TITLE = 200
LONGEST_SHORTCUT = 50
MOST_LANGUAGES = 50
SHORTCUT = re.compile(r"\w[\w.-]*\Z")


async def create_canned_response(
    tx: Tx, *, texts: Mapping[str, str], shortcut: str | None = None, title: str = ""
) -> CannedResponse:
    """A new ready answer. ``texts`` has a Markdown text of up to 10,000 characters by language (``en``, ``pt-BR``).

    ``shortcut`` is what an agent types after ``/``: letters, digits, ``.``, ``-`` and ``_``, in any case; without one
    it is made from the title or the text. Raises :class:`Invalid`, and :class:`Conflict` at ``shortcut`` for one that
    another answer has.
    """
    tx.require(Scope.CONVERSATIONS_WRITE)
    checked = _checked_texts(texts)
    named = check_text(title, "title", longest=LONGEST_TITLE).strip()
    if shortcut is None:
        wanted = await _free_shortcut(tx, named or next(iter(checked.values())))
    else:
        wanted = _checked_shortcut(shortcut)
        await _refuse_taken(tx, wanted)
    answer = CannedResponse(
        tenant_id=tx.tenant_id,
        id=new_id(),
        shortcut=wanted,
        title=named,
        texts=checked,
        created_by_id=tx.principal.id if tx.principal.kind == "member" else None,
        created_at=tx.now,
        updated_at=tx.now,
    )
    tx.session.add(answer)
    tx.audit("canned_response.create", public_id("canned_response", answer.id), {"shortcut": wanted})
    return answer


async def update_canned_response(
    tx: Tx,
    *,
    canned_response_id: UUID,
    shortcut: str | None = None,
    title: str | None = None,
    texts: Mapping[str, str] | None = None,
) -> CannedResponse:
    """Changes what is given; ``texts`` replaces all languages. Raises :class:`NotFound` and as creating does."""
    tx.require(Scope.CONVERSATIONS_WRITE)
    answer = await _get(tx, canned_response_id)
    values: dict[str, Any] = {}
    if shortcut is not None:
        values["shortcut"] = _checked_shortcut(shortcut)
    if title is not None:
        values["title"] = check_text(title, "title", longest=LONGEST_TITLE).strip()
    if texts is not None:
        values["texts"] = _checked_texts(texts)
    changed = {name: value for name, value in values.items() if getattr(answer, name) != value}
    if "shortcut" in changed:
        await _refuse_taken(tx, changed["shortcut"])
    if changed:
        for name, value in changed.items():
            setattr(answer, name, value)
        answer.updated_at = tx.now
        tx.audit("canned_response.update", public_id("canned_response", answer.id), {"changed": sorted(changed)})
    return answer


async def delete_canned_response(tx: Tx, *, canned_response_id: UUID) -> None:
    """Deletes a ready answer. Raises :class:`NotFound`."""
    tx.require(Scope.CONVERSATIONS_WRITE)
    answer = await _get(tx, canned_response_id)
    await tx.session.delete(answer)
    tx.audit("canned_response.delete", public_id("canned_response", answer.id), {"shortcut": answer.shortcut})


async def get_canned_response(reading: Reading, *, canned_response_id: UUID) -> CannedResponse:
    """One ready answer. Raises :class:`NotFound`."""
    reading.require(Scope.CONVERSATIONS_READ)
    return await _get(reading, canned_response_id)


async def list_canned_responses(
    reading: Reading, *, search: str | None = None, limit: int = 100, offset: int = 0
) -> tuple[list[CannedResponse], int]:
    """Some ready answers by shortcut, and how many there are. ``search``: what a shortcut or a title has in it."""
    reading.require(Scope.CONVERSATIONS_READ)
    check_window(offset, limit)
    which: list[Any] = []
    if search:
        wanted = check_text(search, "search", longest=LONGEST_TITLE).strip().lower()
        in_shortcut = col(CannedResponse.shortcut).contains(wanted.removeprefix("/"), autoescape=True)
        which.append(or_(in_shortcut, func.lower(CannedResponse.title).contains(wanted, autoescape=True)))
    counted = select(func.count()).select_from(CannedResponse).where(*which)
    listed = select(CannedResponse).where(*which).order_by(col(CannedResponse.shortcut)).offset(offset).limit(limit)
    rows = list((await reading.session.execute(listed)).scalars())
    return rows, (await reading.session.execute(counted)).scalar_one()


async def _get(reading: Reading, canned_response_id: UUID) -> CannedResponse:
    found = select(CannedResponse).where(col(CannedResponse.id) == canned_response_id)
    answer = (await reading.session.execute(found)).scalar_one_or_none()
    if answer is None:
        raise NotFound("canned response", "canned_response_id")
    return answer


def _checked_shortcut(text: str) -> str:
    stored = check_text(text, "shortcut", longest=LONGEST_SHORTCUT + 1)
    shortcut = unicodedata.normalize("NFC", stored.strip().removeprefix("/")).lower()
    if not SHORTCUT.match(shortcut) or len(shortcut) > LONGEST_SHORTCUT:
        raise Invalid.at("shortcut", f"must be 1 to {LONGEST_SHORTCUT} letters, digits, dots, hyphens or underscores")
    return shortcut


def _checked_texts(texts: Mapping[str, str]) -> dict[str, str]:
    if not isinstance(texts, Mapping):
        raise Invalid.at("texts", "must be an object from language to text")
    if not 1 <= len(texts) <= MOST_LANGUAGES:
        raise Invalid.at("texts", f"must have 1 to {MOST_LANGUAGES} languages")
    checked: dict[str, str] = {}
    for language, text in texts.items():
        tag = normalise_locale(language, "texts")
        if tag in checked:
            raise Invalid.at(f"texts.{tag}", "is given twice")
        checked[tag] = check_text(text, f"texts.{tag}", longest=LONGEST_TEXT, shortest=1)
    return checked


async def _lock(tx: Tx) -> None:
    """Until this unit ends nobody else gives out a shortcut."""
    await lock_names(tx.session, tx.tenant_id, ["all"], kind="shortcut")


async def _refuse_taken(tx: Tx, shortcut: str) -> None:
    await _lock(tx)
    if await _is_taken(tx, shortcut):
        raise Conflict(f"There is a canned response /{shortcut} already.", "shortcut")


async def _free_shortcut(tx: Tx, text: str) -> str:
    """The first words of ``text``, with a number where others begin the same."""
    words = re.findall(r"\w+", unicodedata.normalize("NFC", text).lower())[:3]
    stem = "-".join(words)[:40] or "answer"
    await _lock(tx)
    like = select(col(CannedResponse.shortcut)).where(col(CannedResponse.shortcut).startswith(stem, autoescape=True))
    taken = set((await tx.session.execute(like)).scalars())
    number = next(number for number in range(1, len(taken) + 2) if _numbered(stem, number) not in taken)
    return _numbered(stem, number)


def _numbered(stem: str, number: int) -> str:
    return stem if number == 1 else f"{stem}-{number}"


async def _is_taken(tx: Tx, shortcut: str) -> bool:
    same = select(col(CannedResponse.id)).where(col(CannedResponse.shortcut) == shortcut)
    return (await tx.session.execute(same)).first() is not None
