"""Single-use tokens that are mailed to people. Only their SHA-256 is stored."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, select, update
from sqlmodel import col

from app.core.errors import Invalid
from app.core.ids import new_secret
from app.core.tokens import digest
from app.core.tx import Tx
from models import EmailToken

LIVES = {"reset": 1, "verify": 48, "invite": 48}
"""How long a token of each purpose lives, in units of ``settings.email_token_minutes``."""


class EmailTokens:
    """The mailed tokens of one purpose (``verify``, ``reset`` or ``invite``), seen from one unit of work."""

    def __init__(self, tx: Tx, purpose: str) -> None:
        self._tx = tx
        self._purpose = purpose

    async def issue(self, user_id: UUID, subject: UUID | None = None) -> str:
        """A fresh token for the user. ``subject`` becomes part of its text, and is as hard to forge as the rest."""
        text = f"{new_secret()}.{subject.hex}" if subject else new_secret()
        life = timedelta(minutes=self._tx.services.settings.email_token_minutes * LIVES[self._purpose])
        row = {
            "token_hash": digest(text),
            "user_id": user_id,
            "purpose": self._purpose,
            "created_at": self._tx.now,
            "expires_at": self._tx.now + life,
        }
        await self._tx.insert(EmailToken, [row])
        return text

    async def owner(self, text: str) -> UUID:
        """The user to whom a token was mailed that can still be used. Raises :class:`Invalid` at ``token``."""
        found = select(col(EmailToken.user_id)).where(*self._usable(text))
        return _known((await self._tx.session.execute(found)).scalar_one_or_none())

    async def spend(self, text: str) -> UUID:
        """Uses the token up and gives its user. Raises :class:`Invalid` at ``token``; of two who try, one succeeds."""
        spent = (
            update(EmailToken)
            .where(*self._usable(text))
            .values(used_at=self._tx.now)
            .returning(col(EmailToken.user_id))
            .execution_options(synchronize_session=False)
        )
        return _known((await self._tx.session.execute(spent)).scalar_one_or_none())

    async def spend_all(self, user_id: UUID) -> None:
        """Makes every token of this purpose that the user still has useless."""
        spent = (
            update(EmailToken)
            .where(
                col(EmailToken.user_id) == user_id,
                col(EmailToken.purpose) == self._purpose,
                col(EmailToken.used_at).is_(None),
            )
            .values(used_at=self._tx.now)
            .execution_options(synchronize_session=False)
        )
        await self._tx.session.execute(spent)

    def _usable(self, text: str) -> Sequence[ColumnElement[bool]]:
        return (
            col(EmailToken.token_hash) == digest(text),
            col(EmailToken.purpose) == self._purpose,
            col(EmailToken.used_at).is_(None),
            col(EmailToken.expires_at) > self._tx.now,
        )


def subject_of(text: str) -> UUID:
    """What a token with a subject is about. Raises :class:`Invalid` at ``token``; ask for its owner first."""
    try:
        return UUID(text.rpartition(".")[2])
    except ValueError as broken:
        raise Invalid.at("token", "is not valid any more") from broken


def _known(user_id: UUID | None) -> UUID:
    if user_id is None:
        raise Invalid.at("token", "is not valid any more")
    return user_id
