"""Every mutation about integrations and domains for mail in a table, as :mod:`tests.graph.mutations` has the others."""

from dataclasses import dataclass

from app.core.access import Scope
from app.core.ids import new_id, public_id
from tests.graph.callers import Caller
from tests.graph.mutations import Mutation as _Mutation

WRITE = Scope.INTEGRATIONS_WRITE


@dataclass(frozen=True)
class Sending:
    """Public ids of a tenant's integration and domain."""

    integration: str
    domain: str


class Mutation(_Mutation):
    """As the others; the input is made of :class:`Sending`."""


def unknown_sending() -> Sending:
    """Ids of nothing."""
    return Sending(public_id("integration", new_id()), public_id("domain", new_id()))


async def make_sending(owner: Caller) -> Sending:
    """A relay that cannot be reached and a domain, in the caller's tenant."""
    made = await owner.data(
        """mutation {
          createIntegration(input: {
            name: "Relay", kind: "smtp", settings: {host: "127.0.0.1"}, credentials: {password: "hunter2"}
          }) { integration { id } }
          addSendingDomain(input: {name: "shop.example"}) { domain { id } }
        }"""
    )
    return Sending(made["createIntegration"]["integration"]["id"], made["addSendingDomain"]["domain"]["id"])


INTEGRATION = "integration { name number kind channel settings hasCredentials isDefault isEnabled lastError }"
DOMAIN = "domain { name isForMail carriesWidgets verifiedAt dkimVerifiedAt } records { purpose kind name isFound }"
AT, ON = "integrationId", "domainId"
INTEGRATIONS = {
    "createIntegration": Mutation(
        lambda t: {"name": "Hooks", "kind": "webhook", "settings": {"url": "https://hook.example/"}}, INTEGRATION, WRITE
    ),
    "updateIntegration": Mutation(lambda t: {AT: t.integration, "isEnabled": False}, INTEGRATION, WRITE, AT),
    "testIntegration": Mutation(
        lambda t: {AT: t.integration, "to": "a@b.example", "sender": "c@d.example"}, "result code detail", WRITE, AT
    ),
    "deleteIntegration": Mutation(lambda t: {AT: t.integration}, "integrationId", WRITE, AT),
    "addSendingDomain": Mutation(lambda t: {"name": "mail.example"}, DOMAIN, WRITE),
    "rotateDkimKey": Mutation(lambda t: {ON: t.domain}, DOMAIN, WRITE, ON),
    "verifySendingDomain": Mutation(lambda t: {ON: t.domain}, DOMAIN, WRITE, ON),
    "removeSendingDomain": Mutation(lambda t: {ON: t.domain}, "domainId", WRITE, ON),
}
"""In an order in which each can be done."""
