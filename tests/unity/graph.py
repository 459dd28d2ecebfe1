"""The graph as a mouth and as an ear."""

from collections.abc import Mapping
from typing import Any

import httpx2

from tests.unity import facts
from tests.unity.facts import EMAIL, EXTERNAL_ID, OTHER_ID
from tests.unity.mouth import DONE, Mouth, Told, Views, consent_status, given, iso, kind_of

INPUTS = {
    "track": "TrackEventInput",
    "suppressCustomer": "CustomerInput",
    "unsuppressCustomer": "CustomerInput",
    "deleteCustomer": "CustomerInput",
}
"""What the graph calls the input of a mutation, where it is not named after it."""
CUSTOMER = """fragment Told on Customer {
  id status externalId email phone attributes timezone locale suppressed createdAt mergedInto { id }
  identities(kinds: [EXTERNAL_ID, EMAIL, PHONE, ANONYMOUS_ID]) { kind value isPrimary }
  consents { channel status }
  devices { token platform attributes lastUsedAt }
  events(first: 10) { nodes { name properties occurredAt idempotencyKey } }
}"""
READ = f"""query(
  $id: ID!, $other: ID!, $externalId: String!, $otherExternalId: String!, $email: String!, $padded: String!
) {{
  id: customer(id: $id) {{ ...Told }}
  other: customer(id: $other) {{ ...Told }}
  externalId: customer(externalId: $externalId) {{ ...Told }}
  otherExternalId: customer(externalId: $otherExternalId) {{ ...Told }}
  email: customer(email: $email) {{ ...Told }}
  padded: customer(email: $padded) {{ ...Told }}
  node: node(id: $id) {{ ...Told }}
  customers(first: 20) {{ nodes {{ ...Told }} }}
}} {CUSTOMER}"""


class Graph(Mouth):
    """The graph, one mutation for one fact, with variables."""

    name = "graph"

    async def mutate(self, field: str, input: dict[str, Any]) -> str:
        name = INPUTS.get(field) or f"{field[0].upper()}{field[1:]}Input"
        document = f"mutation($i: {name}!) {{ {field}(input: $i) {{ __typename }} }}"
        body = {"query": document, "variables": {"i": input}}
        answer = (await self._ask(body)).json()
        if "errors" not in answer:
            return DONE
        return kind_of(answer["errors"][0]["extensions"]["code"])

    async def identified(self, input: dict[str, Any]) -> str:
        """The public id of a customer who is identified so."""
        document = "mutation($i: IdentifyCustomerInput!) { identifyCustomer(input: $i) { customer { id } } }"
        answer = (await self._ask({"query": document, "variables": {"i": input}})).json()
        return str(answer["data"]["identifyCustomer"]["customer"]["id"])

    async def identify(self, **said: Any) -> str:
        return await self.mutate("identifyCustomer", {"externalId": EXTERNAL_ID, **said})

    async def say_attributes(self, fact: facts.Attributes) -> str:
        return await self.identify(attributes=fact.values)

    async def say_email(self, fact: facts.Email) -> str:
        return await self.identify(email=fact.address)

    async def say_phone(self, fact: facts.Phone) -> str:
        return await self.identify(phone=fact.number)

    async def say_external_id(self, fact: facts.ExternalId) -> str:
        return await self.mutate("updateCustomer", {"id": self.caller.customer_id, "externalId": fact.value})

    async def say_place(self, fact: facts.Place) -> str:
        return await self.identify(timezone=fact.timezone, locale=fact.locale)

    async def say_known_since(self, fact: facts.KnownSince) -> str:
        return await self.identify(createdAt=iso(fact.moment))

    async def say_email_consent(self, fact: facts.EmailConsent) -> str:
        return await self.say_consent(facts.Consent("email", fact.subscribed))

    async def say_consent(self, fact: facts.Consent) -> str:
        said = {"channel": fact.channel.upper(), "status": consent_status(fact.subscribed)}
        return await self.mutate("setConsent", {"customer": {"email": EMAIL}, **said})

    async def say_device(self, fact: facts.Device) -> str:
        said = given(attributes=fact.attributes, lastUsedAt=fact.last_used and iso(fact.last_used, 5.5))
        device = {"token": fact.token, "platform": fact.platform, **said}
        return await self.mutate("saveDevice", {"customer": {"externalId": EXTERNAL_ID}, **device})

    async def say_device_gone(self, fact: facts.DeviceGone) -> str:
        return await self.mutate("removeDevice", {"customer": {"externalId": EXTERNAL_ID}, "token": fact.token})

    async def say_suppressed(self, fact: facts.Suppressed) -> str:
        done = await self.mutate("suppressCustomer", {"customer": {"id": self.caller.customer_id}})
        return done if fact.yes else await self.mutate("unsuppressCustomer", {"customer": {"email": EMAIL}})

    async def say_happened(self, fact: facts.Happened) -> str:
        return await self.mutate("track", self.event(fact))

    def event(self, fact: facts.Happened) -> dict[str, Any]:
        said = given(occurredAt=fact.at and iso(fact.at), idempotencyKey=fact.key)
        return {"customer": {"email": EMAIL}, "name": fact.name, "properties": fact.properties, **said}

    async def say_alias(self, fact: facts.Alias) -> str:
        customer = {"externalId": EXTERNAL_ID}
        return await self.mutate("aliasCustomer", {"anonymousId": fact.browser, "customer": customer})

    async def say_merged(self, fact: facts.Merged) -> str:
        loser = "nobody" if fact.nobody else OTHER_ID
        people = {"winner": {"externalId": EXTERNAL_ID}, "loser": {"externalId": loser}}
        return await self.mutate("mergeCustomers", people)

    async def say_deleted(self, fact: facts.Deleted) -> str:
        return await self.mutate("deleteCustomer", {"customer": {"externalId": EXTERNAL_ID}})

    async def tell(self) -> Views:
        variables = {
            "id": self.caller.customer_id,
            "other": self.caller.other_id,
            "externalId": EXTERNAL_ID,
            "otherExternalId": OTHER_ID,
            "email": "ADA@Example.com",
            "padded": " ada@example.com ",
        }
        answer = (await self._ask({"query": READ, "variables": variables})).json()
        assert "errors" not in answer, answer
        shown = answer["data"]
        listed = [_from_graph(customer) for customer in shown.pop("customers")["nodes"]]
        views: Views = {f"graph {field}": _from_graph(customer) for field, customer in shown.items()}
        return views | {f"graph listed {told['id']}": told for told in listed if told}

    async def _ask(self, body: dict[str, Any]) -> httpx2.Response:
        return await self.caller.send("POST", "/graphql", body, authorization=f"Bearer {self.caller.key}")


class GraphBatch(Graph):
    """The graph's mutations that take several items."""

    name = "graph, many at once"

    async def identify(self, **said: Any) -> str:
        return await self._many("identifyMany", "customers", {"externalId": EXTERNAL_ID, **said})

    async def say_happened(self, fact: facts.Happened) -> str:
        return await self._many("trackMany", "events", self.event(fact))

    async def _many(self, field: str, items: str, item: dict[str, Any]) -> str:
        title = field[0].upper() + field[1:]
        document = f"mutation($i: {title}Input!) {{ {field}(input: $i) {{ results {{ error {{ code }} }} }} }}"
        answer = (await self._ask({"query": document, "variables": {"i": {items: [item]}}})).json()
        if "errors" in answer:
            return kind_of(answer["errors"][0]["extensions"]["code"])
        (result,) = answer["data"][field]["results"]
        return kind_of(result["error"]["code"]) if result["error"] else DONE

    say_external_id = say_device = say_device_gone = say_suppressed = None
    say_alias = say_merged = say_deleted = say_consent = None

    async def say_email_consent(self, fact: facts.EmailConsent) -> str:
        return await self.identify(consents=[{"channel": "EMAIL", "status": consent_status(fact.subscribed)}])


def _from_graph(customer: Mapping[str, Any] | None) -> Told | None:
    if customer is None or customer["status"] == "DELETED":
        return None
    events = customer["events"]["nodes"]
    return {
        "id": customer["id"],
        "status": customer["status"].lower(),
        "external_id": customer["externalId"],
        "email": customer["email"],
        "phone": customer["phone"],
        "attributes": customer["attributes"],
        "timezone": customer["timezone"],
        "locale": customer["locale"],
        "suppressed": customer["suppressed"],
        "created_at": customer["createdAt"],
        "merged_into": customer["mergedInto"] and customer["mergedInto"]["id"],
        "consents": {said["channel"].lower(): said["status"] == "SUBSCRIBED" for said in customer["consents"]},
        "devices": sorted(([*device.values()] for device in customer["devices"]), key=repr),
        "events": [[event["name"], event["properties"], event["occurredAt"]] for event in events],
        "keys": [event["idempotencyKey"] for event in events],
        "identities": sorted([*identity.values()] for identity in customer["identities"]),
    }
