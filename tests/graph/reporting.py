"""Every mutation about reporting webhooks in a table, as :mod:`tests.graph.mutations` has the others."""

from dataclasses import dataclass

from app.core.access import Scope
from app.core.ids import new_id, public_id
from tests.graph.callers import Caller
from tests.graph.mutations import Mutation as _Mutation

WRITE = Scope.WEBHOOKS_WRITE


@dataclass(frozen=True)
class Hooks:
    """Public ids of a tenant's webhook."""

    webhook: str


class Mutation(_Mutation):
    """As the others; the input is made of :class:`Hooks`."""


def unknown_hooks() -> Hooks:
    """Ids of nothing."""
    return Hooks(public_id("reporting_webhook", new_id()))


async def make_hooks(owner: Caller) -> Hooks:
    """A webhook in the caller's tenant."""
    made = await owner.data(
        """mutation { createReportingWebhook(input: {
          name: "Hook", endpoint: "https://hook.example/", events: ["email_sent"], isEnabled: false
        }) { webhook { id } } }"""
    )
    return Hooks(made["createReportingWebhook"]["webhook"]["id"])


AT, HOOK = "webhookId", "webhook { name number dialect events isEnabled }"
REPORTING = {
    "createReportingWebhook": Mutation(
        lambda t: {
            "name": "New",
            "endpoint": "https://new.example/",
            "events": ["message.created"],
            "dialect": "SILENTCHAT",
        },
        HOOK,
        WRITE,
    ),
    "updateReportingWebhook": Mutation(lambda t: {AT: t.webhook, "name": "N"}, HOOK, WRITE, AT),
    "rotateReportingWebhookSecret": Mutation(lambda t: {AT: t.webhook}, "secret webhook { id }", WRITE, AT),
    "retryWebhookCalls": Mutation(lambda t: {AT: t.webhook}, "count webhook { calls { totalCount } }", WRITE, AT),
    "replayReportingWebhook": Mutation(lambda t: {AT: t.webhook, "after": "test-0"}, "webhook { id }", WRITE, AT),
    "deleteReportingWebhook": Mutation(lambda t: {AT: t.webhook}, "webhookId", WRITE, AT),
}
"""In an order in which each can be done."""
