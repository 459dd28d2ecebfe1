"""Finding the things of which contents are made."""

from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import func, select
from sqlmodel import col

from app.actions.paging import check_window
from app.core.errors import NotFound
from app.core.tx import Reading
from models import Campaign, Content, Layout, Sender, Snippet

Thing = TypeVar("Thing", Sender, Layout, Snippet, Content)


class Shelf:
    """The rows of the caller's tenant, as one unit of work sees them."""

    def __init__(self, reading: Reading) -> None:
        self._session = reading.session

    async def find(self, table: type[Thing], field: str, **equal: Any) -> Thing:
        """The one row whose columns are ``equal``. Raises :class:`NotFound` at ``field``."""
        found = select(table).where(*(getattr(table, name) == value for name, value in equal.items()))
        row = (await self._session.execute(found)).scalar_one_or_none()
        if row is None:
            raise NotFound(table.__name__.lower(), field)
        return row

    async def some(
        self, table: type[Thing], which: list[Any], order: Any, limit: int, offset: int
    ) -> tuple[list[Thing], int]:
        """Some rows in their order, and how many there are. Raises :class:`Invalid` for a wrong window."""
        check_window(offset, limit)
        listed = select(table).where(*which).order_by(order).offset(offset).limit(limit)
        counted = select(func.count()).select_from(table).where(*which)
        rows = list((await self._session.execute(listed)).scalars())
        return rows, (await self._session.execute(counted)).scalar_one()

    async def campaign(self, campaign_id: UUID) -> Campaign:
        """A campaign that is not deleted. Raises :class:`NotFound` at ``campaign_id``."""
        found = select(Campaign).where(col(Campaign.id) == campaign_id, col(Campaign.deleted_at).is_(None))
        campaign = (await self._session.execute(found)).scalar_one_or_none()
        if campaign is None:
            raise NotFound("campaign", "campaign_id")
        return campaign
