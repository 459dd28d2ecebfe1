"""Two tenants with something of every noun, made through the doors: real ids for the fuzzers to mix in."""

import time
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import requests

from app.core.access import ALL_SCOPES
from app.core.ids import PREFIXES, public_id

PASSWORD = "correct horse battery staple"
PEOPLE = 24
TENANT = "globex-secret"
"""In every text of the second tenant. No request says it, so no response to anybody else may."""


@dataclass
class World:
    """One tenant as its owner sees it. ``ids`` are public ids by noun."""

    url: str
    key: str
    token: str
    mark: str
    ids: dict[str, list[str]] = field(default_factory=dict)

    def graph(self, query: str, **variables: Any) -> Any:
        """The data of an answer without errors."""
        answer = requests.post(
            f"{self.url}/graphql",
            json={"query": query, "variables": variables},
            headers={"authorization": f"Bearer {self.token}"},
            timeout=30,
        ).json()
        assert "errors" not in answer, answer
        return answer["data"]

    def contents(self) -> Any:
        """Everything of this tenant that the graph shows (not when a key was last used)."""
        return self.graph(CONTENTS)

    @property
    def public_ids(self) -> list[str]:
        return [text for ids in self.ids.values() for text in ids]

    @property
    def names(self) -> list[str]:
        """Names by which people of this tenant are known."""
        people = [f"{self.mark}-{n}" for n in range(PEOPLE)]
        return people + [f"{name}@example.com" for name in people] + [f"{self.mark}-browser", f"{self.mark}-device-0"]


CONTENTS = """{
  customers(first: 100, orderBy: CREATED_OLDEST) { totalCount nodes {
    id status attributes suppressedAt updatedAt mergedInto { id }
    identities { id kind value } devices { id token } consents { channel status } merges { id unmergedAt }
  } }
  events(first: 100, orderBy: OLDEST) { totalCount nodes { id name properties customer { id } } }
  members(first: 100) { nodes { id email role } }
  apiKeys(first: 100) { nodes { id name revokedAt } }
  outbox(first: 100) { nodes { id subject } }
  segments(first: 100) { totalCount nodes { id name rule memberCount state } }
  tenant { id name plan }
}"""
PRO = {"attribute": {"name": "plan", "is": {"equals": "pro"}}}
SEGMENT = "mutation($input: CreateSegmentInput!) { createSegment(input: $input) { segment { id } } }"
STATE = "query($id: ID!) { segment(id: $id) { state } }"
IDENTIFY = "mutation($input: IdentifyCustomerInput!) { identifyCustomer(input: $input) { customer { id } } }"
TRACK = "mutation($input: TrackEventInput!) { track(input: $input) { event { id } } }"
DEVICE = "mutation($input: SaveDeviceInput!) { saveDevice(input: $input) { device { id } } }"
MERGE = "mutation($input: MergeCustomersInput!) { mergeCustomers(input: $input) { merge { id } } }"
MEMBER = "mutation($input: AddMemberInput!) { addMember(input: $input) { member { id } } }"
KEY = "mutation($input: CreateApiKeyInput!) { createApiKey(input: $input) { key apiKey { id } } }"

WIDGET = "mutation($input: CreateWidgetInput!) { createWidget(input: $input) { widget { id key } } }"
DOMAIN = "mutation($input: AddDomainInput!) { addDomain(input: $input) { domain { id } } }"
ANSWER = (
    "mutation($input: CreateCannedResponseInput!) { createCannedResponse(input: $input) { cannedResponse { id } } }"
)
SENDER = "mutation($input: CreateSenderInput!) { createSender(input: $input) { sender { id } } }"
HOOK = "mutation($input: CreateReportingWebhookInput!) { createReportingWebhook(input: $input) { secret } }"
SNIPPET = "mutation($input: SetSnippetInput!) { setSnippet(input: $input) { snippet { id } } }"
SEND = "mutation($input: SendTransactionalInput!) { sendTransactional(input: $input) { deliveryId } }"
OPEN = "mutation($input: OpenWidgetInput!) { openWidget(input: $input) { token session { id } } }"
SAY = """mutation($input: SendVisitorMessageInput!) {
  sendVisitorMessage(input: $input) { message { id } conversation { id } } }"""


def make_world(url: str, mark: str) -> World:
    """A tenant of that name whose every text holds ``mark``."""
    account = {"email": f"owner@{mark}.example", "password": PASSWORD, "tenantName": mark, "name": mark}
    registered = requests.post(f"{url}/silocdp/api/v1/auth/register", json=account, timeout=30).json()["data"]
    world = World(url, "", registered["token"], mark)
    key = world.graph(KEY, input={"name": mark, "scopes": sorted(ALL_SCOPES)})["createApiKey"]
    world.key = key["key"]
    spare = world.graph(KEY, input={"name": f"{mark} spare", "scopes": sorted(ALL_SCOPES)})["createApiKey"]
    member = world.graph(MEMBER, input={"email": f"agent@{mark}.example", "role": "AGENT", "name": mark})["addMember"]
    world.ids = {
        "customer": [_person(world, n) for n in range(PEOPLE)],
        "event": [_event(world, n) for n in range(PEOPLE)],
        "device": [_device(world, n) for n in range(PEOPLE // 2)],
        "api_key": [spare["apiKey"]["id"]],
        "member": [member["member"]["id"]],
    }
    people = world.ids["customer"]
    world.ids |= _talk(world)
    world.ids |= _sends(world)
    world.ids["segment"] = [_segment(world, rule) for rule in (PRO, None)]
    world.ids["merge"] = [_merge(world, people[-n], people[-n - 1]) for n in (1, 3, 5)]
    shown = world.graph(
        "{ tenant { id } auditLog(first: 5) { nodes { id } } customers { nodes { "
        "identities { id } } } outbox(first: 5) { nodes { id } } }"
    )
    world.ids["tenant"] = [shown["tenant"]["id"]]
    world.ids["audit_entry"] = [node["id"] for node in shown["auditLog"]["nodes"]]
    world.ids["outbox_message"] = [node["id"] for node in shown["outbox"]["nodes"]]
    world.ids["identity"] = [i["id"] for node in shown["customers"]["nodes"][:3] for i in node["identities"]]
    return world


def _talk(world: World) -> dict[str, list[str]]:
    """A conversation of the tenant, and all that belongs to one."""
    widget = world.graph(WIDGET, input={"name": world.mark})["createWidget"]["widget"]
    domain = world.graph(DOMAIN, input={"name": f"{world.mark}.example".lower()})["addDomain"]["domain"]
    answer = world.graph(ANSWER, input={"shortcut": world.mark.lower(), "texts": {"en": world.mark}})
    origin = f"https://{world.mark}.example".lower()
    opened = _as_visitor(world, OPEN, {"widgetKey": widget["key"]}, None, origin)["openWidget"]
    said = _as_visitor(world, SAY, {"text": world.mark}, opened["token"], origin)["sendVisitorMessage"]
    form = {"file": (f"{world.mark}.txt", world.mark.encode(), "text/plain")}
    credential = {"authorization": f"Bearer {world.token}"}
    tenant = world.graph("{ tenant { id } }")["tenant"]["id"]
    place = f"{world.url}/silentchat/v1/tenants/{tenant}/members"
    members = requests.get(place, headers=credential, timeout=30).json()
    sent = requests.post(f"{world.url}/files", files=form, headers=credential, timeout=30).json()
    return {
        "widget": [widget["id"]],
        "domain": [domain["id"]],
        "canned_response": [answer["createCannedResponse"]["cannedResponse"]["id"]],
        "visitor": [opened["session"]["id"]],
        "conversation": [said["conversation"]["id"]],
        "message": [said["message"]["id"]],
        "file": [sent["id"]],
        "user": [one["user_id"] for one in members["data"]],
    }


def _sends(world: World) -> dict[str, list[str]]:
    """A draft, a campaign that sends when it is called, one that is paused, one that is called for everybody, what one
    has sent, an experiment, and a provider; and of what only Customer.io's door numbers, the first."""
    mail = {"channel": "email", "subject": world.mark, "body": world.mark, "from": "shop@example.com"}
    called: dict[str, Any] = {"type": "transactional", "status": "active"}
    kinds = ({"toAll": True}, called, called, {"type": "triggered", "status": "active", "toAll": True})
    draft, running, paused, broadcast = [
        _made(world, "campaigns", name=world.mark, channels=["email"], contents=[mail], **kind) for kind in kinds
    ]
    stops = {"headers": {"x-api-key": world.key}, "json": {"status": "paused"}, "timeout": 30}
    assert requests.put(f"{world.url}/silocdp/api/v1/campaigns/{paused}", **stops).status_code == 200  # type: ignore[arg-type]
    variants = [{"name": world.mark, "share": 0.5}] * 2
    world.graph(SENDER, input={"address": f"shop@{world.mark}.example"})
    world.graph(HOOK, input={"name": world.mark, "endpoint": "https://hook.example/", "events": ["email_sent"]})
    world.graph(SNIPPET, input={"name": world.mark, "value": world.mark})
    delivery = world.graph(SEND, input={"channel": "EMAIL", "to": "shop@example.com", "campaignId": running})
    return {
        "campaign": [draft, running, paused, broadcast],
        "delivery": [delivery["sendTransactional"]["deliveryId"]],
        "experiment": [_made(world, "abtests", campaignId=draft, variants=variants)],
        "integration": [_made(world, "integrations", name=world.mark, type="outbox", channel="sms")],
    }


def _made(world: World, noun: str, **said: Any) -> str:
    """The id of something that is made through SiloCDP's door."""
    headers = {"x-api-key": world.key}
    answered = requests.post(f"{world.url}/silocdp/api/v1/{noun}", json=said, headers=headers, timeout=30).json()
    assert answered["success"], answered
    return str(answered["data"]["id"])


def _as_visitor(world: World, document: str, given: dict[str, Any], token: str | None, origin: str) -> Any:
    headers = {"origin": origin} | ({"authorization": f"Bearer {token}"} if token else {})
    request: dict[str, Any] = {"query": document, "variables": {"input": given}}
    answered = requests.post(f"{world.url}/widget/graphql", json=request, headers=headers, timeout=30).json()
    assert "errors" not in answered, answered
    return answered["data"]


def strange_ids() -> list[str]:
    """Ids that look right and are nobody's, or almost look right."""
    nobody = UUID(int=7)
    nobodies = [public_id(noun, nobody) for noun in PREFIXES]
    return [
        *nobodies,
        public_id("customer", nobody).upper(),
        f"cust_{nobody}",
        f"cio_{nobody.hex}",
        "cust_",
        "cust",
        "5",
    ]


def _person(world: World, number: int) -> str:
    name = f"{world.mark}-{number}"
    said = {
        "externalId": name,
        "email": f"{name}@example.com",
        "anonymousId": f"{name}-browser",
        "attributes": {"plan": world.mark, "number": number},
        "consents": [{"channel": "EMAIL", "status": "SUBSCRIBED"}],
    }
    return str(world.graph(IDENTIFY, input=said)["identifyCustomer"]["customer"]["id"])


def _event(world: World, number: int) -> str:
    customer = {"externalId": f"{world.mark}-{number}"}
    said = {"customer": customer, "name": f"{world.mark} seen", "properties": {"number": number}}
    return str(world.graph(TRACK, input=said)["track"]["event"]["id"])


def _segment(world: World, rule: Any) -> str:
    """A segment, the first by a rule and the second by hand, when its members have been found."""
    said = {"name": f"{world.mark} segment", "rule": rule}
    made = str(world.graph(SEGMENT, input=said)["createSegment"]["segment"]["id"])
    deadline = time.monotonic() + 30
    while world.graph(STATE, id=made)["segment"]["state"] != "READY":
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return made


def _device(world: World, number: int) -> str:
    customer = {"externalId": f"{world.mark}-{number}"}
    said = {"customer": customer, "token": f"{world.mark}-device-{number}", "platform": "ios"}
    return str(world.graph(DEVICE, input=said)["saveDevice"]["device"]["id"])


def _merge(world: World, winner: str, loser: str) -> str:
    merged = world.graph(MERGE, input={"winner": {"id": winner}, "loser": {"id": loser}})
    return str(merged["mergeCustomers"]["merge"]["id"])
