"""Every mutation about consent and the rules of sending in a table, as :mod:`tests.graph.mutations` has the others."""

from dataclasses import dataclass

from app.core.access import Scope
from app.core.ids import new_id, public_id
from tests.graph.callers import Caller, Json
from tests.graph.mutations import Mutation as _Mutation

PEOPLE, RULES = Scope.CUSTOMERS_WRITE, Scope.CAMPAIGNS_WRITE


@dataclass(frozen=True)
class Said:
    """Public ids of a tenant's things."""

    customer: str
    topic: str
    suppression: str
    cap: str

    def says(self) -> Json:
        return {"customer": {"id": self.customer}, "topicId": self.topic, "status": "UNSUBSCRIBED"}


class Mutation(_Mutation):
    """As the others; the input is made of :class:`Said`."""


def unknown_said() -> Said:
    """Ids of nothing."""
    nouns = ("customer", "subscription_topic", "suppression", "frequency_cap")
    return Said(*(public_id(noun, new_id()) for noun in nouns))


async def make_said(owner: Caller) -> Said:
    """One of each in the caller's tenant."""
    made = await owner.data(
        """mutation {
          identifyCustomer(input: {externalId: "ann"}) { customer { id } }
          createSubscriptionTopic(input: {name: "News"}) { topic { id } }
          suppressAddress(input: {channel: EMAIL, address: "gone@example.com"}) { suppression { id } }
          createFrequencyCap(input: {messages: 3, windowSeconds: 86400}) { frequencyCap { id } }
        }"""
    )
    return Said(*(thing["id"] for payload in made.values() for thing in payload.values()))


NIGHT: Json = {"from": "21:00", "to": "08:00"}
TOPIC = "topic { number name subscribedByDefault position }"
POLICY = (
    "policy { timezone inDoubt softBounceLimit tracksOpens quietHours { from to channels } trackingDomain { name } }"
)
CONSENT = {
    "createSubscriptionTopic": Mutation(lambda t: {"name": "Offers", "subscribedByDefault": False}, TOPIC, RULES),
    "updateSubscriptionTopic": Mutation(
        lambda t: {"topicId": t.topic, "name": "Better", "position": 4}, TOPIC, RULES, "topicId"
    ),
    "setTopicConsent": Mutation(
        lambda t: t.says(), "preferences { topic { name } isSubscribed said }", PEOPLE, "customer"
    ),
    "deleteSubscriptionTopic": Mutation(lambda t: {"topicId": t.topic}, "topicId", RULES, "topicId"),
    "suppressAddress": Mutation(
        lambda t: {"channel": "SMS", "address": "+14155552671"}, "suppression { address reason channel }", PEOPLE
    ),
    "unsuppressAddress": Mutation(lambda t: {"suppressionId": t.suppression}, "suppressionId", PEOPLE, "suppressionId"),
    "updateSendingPolicy": Mutation(
        lambda t: {
            "timezone": "Asia/Tokyo",
            "quietHours": {"from": "21:00", "to": "08:00"},
            "inDoubt": {"sms": "keep"},
        },
        POLICY,
        RULES,
    ),
    "createFrequencyCap": Mutation(
        lambda t: {"messages": 1, "windowSeconds": 3600, "channel": "PUSH"},
        "frequencyCap { messages windowSeconds channel }",
        RULES,
    ),
    "deleteFrequencyCap": Mutation(lambda t: {"frequencyCapId": t.cap}, "frequencyCapId", RULES, "frequencyCapId"),
}
"""In an order in which each can be done."""
