"""Saying who a visitor is: vouched for by the tenant's own server, or merely claimed by a page."""

from collections.abc import Mapping
from typing import Any

from app.actions.visitors.linking import Linking
from app.actions.visitors.pages import calling_visitor
from app.actions.visitors.proof import is_proof
from app.core.access import Scope
from app.core.contact import check_text, normalise_email
from app.core.errors import Conflict, Forbidden
from app.core.feed import REPORTED_TOPIC
from app.core.ids import public_id
from app.core.tx import Tx
from models import Visitor

MAX_USER_ID = 150
MAX_NAME = 200


async def identify_visitor(
    tx: Tx,
    *,
    user_id: str,
    user_hash: str | None = None,
    name: str | None = None,
    email: str | None = None,
    attributes: Mapping[str, Any] | None = None,
) -> Visitor:
    """Says who the calling visitor is. ``user_hash`` (:mod:`app.actions.visitors.proof`) proves it.

    Proven: the visitor, and what they said so far, belong to the customer whose external id is ``user_id`` (made, if
    there is none), who gets ``attributes``; and the visitor sees what the same person said elsewhere. Without a hash,
    ``name`` and ``email`` are kept as what the visitor says of themselves, and nothing else happens.

    Without a hash, a visitor's own id as ``user_id`` stands for whoever they are: to add a name or an address.

    Raises :class:`Forbidden` for a wrong hash, :class:`Invalid`, and :class:`Conflict` at ``user_id`` when this visitor
    is proven to be somebody else: then open the widget anew without a token, as a new visitor.
    """
    tx.require(Scope.VISITOR)
    who = check_text(user_id, "user_id", longest=MAX_USER_ID, shortest=1)
    visitor = await calling_visitor(tx)
    if user_hash is not None and not await is_proof(tx, who, user_hash):
        raise Forbidden("The hash does not prove this user id.")
    is_themselves = user_hash is None and who == public_id("visitor", visitor.id)
    if visitor.proven_id not in (None, who) and not is_themselves:
        raise Conflict("This visitor is somebody else. Open the widget anew for another person.", "user_id")
    if name is not None:
        visitor.name = check_text(name, "name", longest=MAX_NAME).strip()
    if email is not None:
        visitor.email = normalise_email(email)
    visitor.seen_at = tx.now
    if user_hash is not None and visitor.proven_id is None:
        told = {"user": who, "name": visitor.name, "email": visitor.email}
        tx.emit(REPORTED_TOPIC, "visitor.identified", visitor.id, told)
    if user_hash is not None:
        said = {"name": visitor.name} if name is not None and visitor.name else {}
        await Linking(tx, visitor, who).link({**said, **(attributes or {})})
    await tx.session.flush()
    tx.forget(visitor.id)
    return visitor
