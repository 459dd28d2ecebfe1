"""Every mutation about what is said in a table, as :mod:`tests.graph.mutations` has the others."""

from dataclasses import dataclass

from app.actions.campaigns import create_campaign
from app.core.access import Scope
from app.core.ids import new_id, public_id
from tests.graph.callers import Caller
from tests.graph.mutations import Mutation as _Mutation

WRITE = Scope.CAMPAIGNS_WRITE
BODY = "<p>Hi {{ customer.plan }}, <a href='https://x.example/{{ customer.id }}'>look</a></p>"


@dataclass(frozen=True)
class Words:
    """Public ids of what one tenant says, in a draft and to one customer."""

    campaign: str
    content: str
    sender: str
    layout: str
    snippet: str
    spare_sender: str
    spare_layout: str
    customer: str


class Mutation(_Mutation):
    """As the others; the input is made of :class:`Words`."""


def unknown_words() -> Words:
    """Ids of nothing."""
    nouns = ("campaign", "content", "sender", "layout", "snippet", "sender", "layout", "customer")
    return Words(*(public_id(noun, new_id()) for noun in nouns))


async def make_words(owner: Caller) -> Words:
    """A draft that has everything, in the caller's tenant."""
    async with owner.house.write(owner.principal) as tx:
        campaign = public_id("campaign", await create_campaign(tx, name="News", channels=["email"]))
    made = await owner.data(
        """mutation($campaign: ID!, $body: String!) {
          snippet: setSnippet(input: {name: "footer", value: "Bye"}) { snippet { id } }
          sender: createSender(input: {address: "ada@example.com", name: "Ada"}) { sender { id } }
          layout: createLayout(input: {name: "Frame", body: "<main>{{ content }}</main>"}) { layout { id } }
          spare: createSender(input: {kind: PHONE, address: "ACME"}) { sender { id } }
          other: createLayout(input: {name: "Other", body: "{{ content }}"}) { layout { id } }
          content: setContent(input: {campaignId: $campaign, channel: EMAIL, body: $body}) { content { id } }
          customer: identifyCustomer(input: {email: "eve@example.com", attributes: {plan: "pro"}}) { customer { id } }
        }""",
        campaign=campaign,
        body=BODY,
    )
    ids = {name: next(iter(payload.values()))["id"] for name, payload in made.items()}
    await owner.data(
        """mutation($content: ID!, $sender: ID!, $layout: ID!) { updateContent(input: {
          contentId: $content, senderId: $sender, layoutId: $layout, subject: "Hi"
        }) { content { id } } }""",
        content=ids["content"],
        sender=ids["sender"],
        layout=ids["layout"],
    )
    return Words(
        campaign,
        *(ids[name] for name in ("content", "sender", "layout", "snippet", "spare", "other", "customer")),
    )


CONTENT_PAYLOAD = "content { channel language testGroup subject version sender { address } layout { name } }"
CONTENT = {
    "createSender": Mutation(lambda t: {"address": "new@example.com"}, "sender { number kind address name }", WRITE),
    "updateSender": Mutation(lambda t: {"senderId": t.sender, "name": "A"}, "sender { name }", WRITE, "senderId"),
    "createLayout": Mutation(lambda t: {"name": "N", "body": "{{ content }}!"}, "layout { number name body }", WRITE),
    "updateLayout": Mutation(lambda t: {"layoutId": t.layout, "name": "L"}, "layout { name }", WRITE, "layoutId"),
    "setSnippet": Mutation(lambda t: {"name": "new", "value": "{{ customer.id }}"}, "snippet { name value }", WRITE),
    "setContent": Mutation(
        lambda t: {"campaignId": t.campaign, "channel": "EMAIL", "language": "de_ch", "subject": "Hoi"},
        CONTENT_PAYLOAD,
        WRITE,
        "campaignId",
    ),
    "updateContent": Mutation(
        lambda t: {"contentId": t.content, "layoutId": None, "plain": "P"}, CONTENT_PAYLOAD, WRITE, "contentId"
    ),
    "sendTest": Mutation(
        lambda t: {"contentId": t.content, "customer": {"id": t.customer}, "to": "me@example.com"},
        "deliveryId",
        Scope.CAMPAIGNS_SEND,
        "contentId",
    ),
    "deleteSender": Mutation(lambda t: {"senderId": t.spare_sender}, "senderId", WRITE, "senderId"),
    "deleteLayout": Mutation(lambda t: {"layoutId": t.spare_layout}, "layoutId", WRITE, "layoutId"),
    "deleteSnippet": Mutation(lambda t: {"snippetId": t.snippet}, "snippetId", WRITE, "snippetId"),
    "deleteContent": Mutation(lambda t: {"contentId": t.content}, "contentId", WRITE, "contentId"),
}
"""In an order in which each can be done."""
