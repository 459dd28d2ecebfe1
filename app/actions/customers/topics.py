"""What two people who become one have said about topics."""

from uuid import UUID

from sqlalchemy import Uuid, exists, insert, literal, select, update
from sqlalchemy.orm import aliased
from sqlmodel import col

from app.core.tx import Tx
from models import TopicConsent

COLUMNS = ("topic_id", "status", "source", "changed_at")
KEEP_AS_IT_IS = {"synchronize_session": False}


class Topics:
    """The topics of one unit of work's merges."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx

    async def merge(self, winner_id: UUID, loser_id: UUID) -> None:
        """Gives the winner what only the loser had said; of two answers, unsubscribed wins. The loser's stay."""
        theirs, known = aliased(TopicConsent), aliased(TopicConsent)
        mine = col(theirs.tenant_id) == self._tx.tenant_id
        refused = exists().where(
            mine,
            col(theirs.customer_id) == loser_id,
            col(theirs.topic_id) == TopicConsent.topic_id,
            col(theirs.status) == "unsubscribed",
        )
        stricter = update(TopicConsent).where(col(TopicConsent.customer_id) == winner_id, refused)
        await self._tx.session.execute(stricter.values(status="unsubscribed"), execution_options=KEEP_AS_IT_IS)
        said = exists().where(
            col(known.tenant_id) == theirs.tenant_id,
            col(known.customer_id) == winner_id,
            col(known.topic_id) == theirs.topic_id,
        )
        missing = select(
            col(theirs.tenant_id), literal(winner_id, Uuid()), *(getattr(theirs, name) for name in COLUMNS)
        ).where(mine, col(theirs.customer_id) == loser_id, ~said)
        copied = insert(TopicConsent).from_select(["tenant_id", "customer_id", *COLUMNS], missing)
        await self._tx.session.execute(copied, execution_options=KEEP_AS_IT_IS)
