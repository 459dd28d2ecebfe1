"""Every mutation in a table: an input that works, what to ask for, the scope it needs, and where ids are refused."""

from collections.abc import Callable
from dataclasses import dataclass

from app.core.access import Scope
from app.core.ids import new_id, public_id
from tests.graph.callers import Json

WRITE = Scope.CUSTOMERS_WRITE
SEGMENTS = Scope.SEGMENTS_WRITE
PRO: Json = {"attribute": {"name": "plan", "is": {"equals": "pro"}}}


@dataclass(frozen=True)
class Things:
    """Public ids of one tenant's things."""

    customer: str
    second: str
    merge: str
    member: str
    api_key: str
    segment: str
    static: str
    other: str

    def ref(self) -> Json:
        return {"id": self.customer}


def unknown_things() -> Things:
    """Ids of nothing."""
    nouns = ("customer", "customer", "merge", "member", "api_key", *["segment"] * 3)
    return Things(*(public_id(noun, new_id()) for noun in nouns))


@dataclass(frozen=True)
class Mutation:
    """One mutation: its input for given things, the payload to select, the scope it asks, and where ids are refused."""

    input: Callable[[Things], Json]
    payload: str
    scope: Scope | None
    refused_at: str | None = None


CUSTOMER = "customer { id }"
MUTATIONS = {
    "identifyCustomer": Mutation(lambda t: {"externalId": "new"}, f"{CUSTOMER} created changed", WRITE),
    "identifyMany": Mutation(lambda t: {"customers": [{"externalId": "n"}]}, "results { customerId created }", WRITE),
    "updateCustomer": Mutation(lambda t: {"id": t.customer, "locale": "de"}, CUSTOMER, WRITE, "input.id"),
    "aliasCustomer": Mutation(lambda t: {"anonymousId": "b", "customer": t.ref()}, CUSTOMER, WRITE, "input.customer"),
    "mergeCustomers": Mutation(
        lambda t: {"winner": t.ref(), "loser": {"id": t.second}}, "merge { id }", WRITE, "input.winner"
    ),
    "unmergeCustomers": Mutation(lambda t: {"mergeId": t.merge}, "merge { id }", WRITE, "input.mergeId"),
    "suppressCustomer": Mutation(lambda t: {"customer": t.ref()}, CUSTOMER, WRITE, "input.customer"),
    "unsuppressCustomer": Mutation(lambda t: {"customer": t.ref()}, CUSTOMER, WRITE, "input.customer"),
    "deleteCustomer": Mutation(lambda t: {"customer": t.ref()}, "customerId", WRITE, "input.customer"),
    "eraseCustomer": Mutation(
        lambda t: {"customer": t.ref()}, "customerId counts { kind count }", Scope.CUSTOMERS_ERASE, "input.customer"
    ),
    "setConsent": Mutation(
        lambda t: {"customer": t.ref(), "channel": "EMAIL", "status": "SUBSCRIBED"}, CUSTOMER, WRITE, "input.customer"
    ),
    "saveDevice": Mutation(
        lambda t: {"customer": t.ref(), "token": f"t{t.customer}", "platform": "ios"},
        "device { id }",
        WRITE,
        "input.customer",
    ),
    "removeDevice": Mutation(lambda t: {"customer": t.ref(), "token": "device"}, CUSTOMER, WRITE, "input.customer"),
    "track": Mutation(
        lambda t: {"customer": t.ref(), "name": "visit"}, "event { id } duplicate", Scope.EVENTS_WRITE, "input.customer"
    ),
    "trackMany": Mutation(
        lambda t: {"events": [{"customer": {"externalId": "n"}, "name": "visit"}]},
        "results { eventId }",
        Scope.EVENTS_WRITE,
    ),
    "createSegment": Mutation(lambda t: {"name": "s", "rule": PRO}, "segment { name state }", SEGMENTS),
    "updateSegment": Mutation(
        lambda t: {"segmentId": t.segment, "name": "better"}, "segment { name }", SEGMENTS, "input.segmentId"
    ),
    "deleteSegment": Mutation(lambda t: {"segmentId": t.segment}, "segmentId", SEGMENTS, "input.segmentId"),
    "refreshSegment": Mutation(lambda t: {"segmentId": t.segment}, "segment { state }", SEGMENTS, "input.segmentId"),
    "addSegmentMembers": Mutation(
        lambda t: {"segmentId": t.static, "customers": [t.ref()]}, "changed unknown", SEGMENTS, "input.segmentId"
    ),
    "removeSegmentMembers": Mutation(
        lambda t: {"segmentId": t.static, "customers": [t.ref()]}, "changed unknown", SEGMENTS, "input.segmentId"
    ),
    "importSegmentMembers": Mutation(
        lambda t: {"segmentId": t.static, "csv": "external_id\none\n"}, "added already", SEGMENTS, "input.segmentId"
    ),
    "copySegmentMembers": Mutation(
        lambda t: {"segmentId": t.static, "fromSegmentId": t.other}, "added", SEGMENTS, "input.segmentId"
    ),
    "updateTenant": Mutation(lambda t: {"name": "Better"}, "tenant { name }", Scope.TENANT_WRITE),
    "addMember": Mutation(
        lambda t: {"email": f"{t.customer}@example.com", "role": "AGENT"}, "member { role }", Scope.MEMBERS_WRITE
    ),
    "changeMemberRole": Mutation(
        lambda t: {"memberId": t.member, "role": "VIEWER"}, "member { role }", Scope.MEMBERS_WRITE, "input.memberId"
    ),
    "removeMember": Mutation(lambda t: {"memberId": t.member}, "done", Scope.MEMBERS_WRITE, "input.memberId"),
    "createApiKey": Mutation(
        lambda t: {"name": "k", "scopes": ["events:write"]}, "key apiKey { name }", Scope.API_KEYS_WRITE
    ),
    "revokeApiKey": Mutation(
        lambda t: {"apiKeyId": t.api_key}, "apiKey { revokedAt }", Scope.API_KEYS_WRITE, "input.apiKeyId"
    ),
    "updateProfile": Mutation(lambda t: {"name": "Me"}, "member { name }", None),
    "changePassword": Mutation(lambda t: {"current": "x", "new": "long enough it is"}, "done", None),
}
PUBLIC_MUTATIONS = {
    "register",
    "verifyEmail",
    "logIn",
    "refreshSession",
    "revokeSession",
    "forgotPassword",
    "resetPassword",
    "acceptInvitation",
}
WITHOUT_INPUT = {"resendVerification"}
