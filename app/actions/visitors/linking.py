"""Giving a proven visitor, and what they said, to the customer who they are."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import and_, exists, or_, select, update
from sqlmodel import col

from app.actions.conversations.telling import tell
from app.actions.customers.facts import CustomerFacts, Identified
from app.actions.customers.identifying import Identifying
from app.core.contact import normalise_email
from app.core.errors import IdentityConflict, Invalid
from app.core.ids import public_id
from app.core.tx import Tx
from models import Conversation, Customer, Visitor


class Linking:
    """One visitor on the way to their customer. Whoever uses it holds the visitor's row and has seen the proof."""

    def __init__(self, tx: Tx, visitor: Visitor, user_id: str) -> None:
        self._tx = tx
        self._visitor = visitor
        self._user_id = user_id

    async def link(self, attributes: Mapping[str, Any]) -> None:
        """Makes the visitor the customer's, with every conversation that is theirs.

        Conversations are locked before customers, as everybody does who writes in a conversation.
        """
        theirs = await self._conversations()
        customer_id = await self._customer(attributes)
        moved = [row.id for row in theirs if row.customer_id != customer_id or row.proven_id != self._user_id]
        given = {"customer_id": customer_id, "proven_id": self._user_id}
        if moved:
            await self._execute(update(Conversation).where(col(Conversation.id).in_(moved)).values(**given))
        others = and_(col(Visitor.proven_id) == self._user_id, self._is_unowned(Visitor))
        await self._execute(update(Visitor).where(others).values(customer_id=customer_id))
        self._visitor.customer_id, self._visitor.proven_id = customer_id, self._user_id
        await self._tx.session.flush()
        await self._tell(moved)

    async def _conversations(self) -> Sequence[Any]:
        """What this visitor said, and what the same person said elsewhere that is nobody's any more."""
        same = and_(col(Conversation.proven_id) == self._user_id, self._is_unowned(Conversation))
        statement = (
            select(col(Conversation.id), col(Conversation.customer_id), col(Conversation.proven_id))
            .where(or_(col(Conversation.visitor_id) == self._visitor.id, same))
            .order_by(col(Conversation.id))
            .with_for_update(key_share=True)
        )
        return (await self._tx.session.execute(statement)).all()

    async def _tell(self, ids: Sequence[UUID]) -> None:
        statement = select(Conversation).where(col(Conversation.id).in_(ids)).order_by(col(Conversation.id))
        rows = await self._tx.session.execute(statement.execution_options(populate_existing=True))
        for conversation in rows.scalars():
            await tell(self._tx, conversation, "conversation.identified")

    def _is_unowned(self, table: Any) -> Any:
        """Whether a row has no customer, or one who was deleted."""
        gone = exists().where(
            col(Customer.tenant_id) == col(table.tenant_id),
            col(Customer.id) == col(table.customer_id),
            col(Customer.status) == "deleted",
        )
        return or_(col(table.customer_id).is_(None), gone.correlate(table))

    async def _customer(self, attributes: Mapping[str, Any]) -> UUID:
        """The customer whose external id was proven. The browser's own name joins them unless somebody has it; so does
        an e-mail address, but only if it is the very id that was proven: what a page merely says names nobody."""
        proven = CustomerFacts(external_id=self._user_id, attributes=attributes)
        known = replace(proven, anonymous_id=public_id("visitor", self._visitor.id))
        for facts in (replace(known, email=self._proven_email()), known, proven):
            (result,) = await Identifying(self._tx).all([facts])
            if isinstance(result, Identified):
                return result.customer_id
            if facts is proven or not isinstance(result, IdentityConflict):
                raise result
        raise AssertionError("the last attempt answers or raises")

    def _proven_email(self) -> str | None:
        try:
            return normalise_email(self._user_id)
        except Invalid:
            return None

    async def _execute(self, statement: Any) -> Any:
        return await self._tx.session.execute(statement, execution_options={"synchronize_session": False})
