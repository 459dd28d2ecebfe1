"""Every mutation about deliveries in a table, as :mod:`tests.graph.mutations` has the others."""

from dataclasses import dataclass

from sqlmodel import col

from app.core import clock
from app.core.access import Scope
from app.core.ids import new_id, public_id
from models import Delivery
from tests.graph.mutations import Mutation as _Mutation
from tests.sending.mailing import Mailing

SEND = Scope.CAMPAIGNS_SEND


@dataclass(frozen=True)
class Post:
    """Public ids of a campaign and of deliveries of it, named by where they stand."""

    campaign: str
    draft: str
    waiting: str
    failed: str
    doubtful: str


class Mutation(_Mutation):
    """As the others; the input is made of :class:`Post`."""


def unknown_post() -> Post:
    """Ids of nothing."""
    return Post(*(public_id(noun, new_id()) for noun in ("campaign", *["delivery"] * 4)))


async def make_post(mailing: Mailing) -> Post:
    """A delivery in each state of which people decide something."""
    draft, _waiting, failed, doubtful = keys = await mailing.invite(4)
    await mailing.change(Delivery, col(Delivery.id) == draft, state="draft")
    await mailing.change(Delivery, col(Delivery.id) == failed, state="failed", reason="rejected", failed_at=clock.now())
    await mailing.change(Delivery, col(Delivery.id) == doubtful, state="in_doubt", reason="in_doubt")
    return Post(public_id("campaign", mailing.campaign_id), *(public_id("delivery", key) for key in keys))


DELIVERIES = {
    "retryFailedDeliveries": Mutation(lambda t: {"campaignId": t.campaign}, "count", SEND, "campaignId"),
    "settleDeliveriesInDoubt": Mutation(
        lambda t: {"campaignId": t.campaign, "verdict": "SENT"}, "count", SEND, "campaignId"
    ),
    "cancelDelivery": Mutation(lambda t: {"deliveryId": t.waiting}, "delivery { id state reason }", SEND, "deliveryId"),
    "sendDraft": Mutation(lambda t: {"deliveryId": t.draft}, "delivery { id state reason }", SEND, "deliveryId"),
}
