"""SiloCDP as a mouth and as an ear."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import httpx2

from tests.unity import facts
from tests.unity.facts import EMAIL, EXTERNAL_ID, OTHER_ID
from tests.unity.mouth import DONE, Mouth, Told, Views, given, iso, kind_of_status


class SiloCDP(Mouth):
    """SiloCDP, whose subscribers are found by the facts themselves."""

    name = "silocdp"

    async def identify(self, **said: Any) -> str:
        return await self._do("POST", "/subscribers", {"externalId": EXTERNAL_ID, **said})

    async def say_attributes(self, fact: facts.Attributes) -> str:
        return await self.identify(attributes=fact.values)

    async def say_email(self, fact: facts.Email) -> str:
        return await self.identify(email=fact.address)

    async def say_phone(self, fact: facts.Phone) -> str:
        return await self.identify(phone=fact.number)

    async def say_place(self, fact: facts.Place) -> str:
        return await self.identify(timezone=fact.timezone, locale=fact.locale)

    async def say_known_since(self, fact: facts.KnownSince) -> str:
        return await self.identify(createdAt=iso(fact.moment, -8))

    async def say_email_consent(self, fact: facts.EmailConsent) -> str:
        return await self.identify(optIn={"email": fact.subscribed})

    async def say_consent(self, fact: facts.Consent) -> str:
        return await self.identify(optIn={fact.channel: fact.subscribed})

    async def say_happened(self, fact: facts.Happened) -> str:
        said = given(timestamp=fact.at and iso(fact.at, 2), idempotencyKey=fact.key)
        event = {"event": fact.name, "properties": fact.properties, **said}
        return await self._do("POST", "/events/track", {**self.subject, **event})

    @property
    def subject(self) -> dict[str, Any]:
        return {"externalId": EXTERNAL_ID}

    async def say_alias(self, fact: facts.Alias) -> str:
        return await self.identify(anonymousId=fact.browser)

    async def say_deleted(self, fact: facts.Deleted) -> str:
        return await self._do("DELETE", f"/subscribers/{self.caller.customer_id}")

    async def tell(self) -> Views:
        found = {
            "silocdp id": f"/subscribers/{self.caller.customer_id}",
            "silocdp other": f"/subscribers/{self.caller.other_id}",
        }
        views: Views = {}
        for view, path in found.items():
            answer = await self._send("GET", path)
            views[view] = _from_silocdp(answer.json()["data"]) if answer.status_code == 200 else None
        queries = {"externalId": EXTERNAL_ID, "otherExternalId": OTHER_ID, "email": "ADA@Example.com"}
        for view, value in (queries | {"padded": " ada@example.com "}).items():
            name = {"otherExternalId": "externalId", "padded": "email"}.get(view, view)
            answer = await self._send("GET", f"/subscribers?{name}={quote(value, safe='')}")
            items = answer.json()["data"]["items"]
            views[f"silocdp {view}"] = _from_silocdp(items[0]) if items else None
        for item in (await self._send("GET", "/subscribers")).json()["data"]["items"]:
            views[f"silocdp listed {item['id']}"] = _from_silocdp(item)
        return views

    async def _do(self, method: str, path: str, body: Any = None) -> str:
        answer = await self._send(method, path, body)
        return DONE if answer.status_code == 200 else kind_of_status(answer)

    async def _send(self, method: str, path: str, body: Any = None) -> httpx2.Response:
        return await self.caller.send(method, f"/silocdp/api/v1{path}", body, **{"x-api-key": self.caller.key})


class SiloCDPById(SiloCDP):
    """SiloCDP, whose subscriber is named by their id."""

    name = "silocdp, by id"

    async def identify(self, **said: Any) -> str:
        return await self._do("PUT", f"/subscribers/{self.caller.customer_id}", said)

    async def say_external_id(self, fact: facts.ExternalId) -> str:
        return await self.identify(externalId=fact.value)

    @property
    def subject(self) -> dict[str, Any]:
        return {"subscriberId": self.caller.customer_id}


class SiloCDPIdentify(SiloCDP):
    """SiloCDP's call to identify."""

    name = "silocdp, identify"

    async def identify(self, **said: Any) -> str:
        return await self._do("POST", "/events/identify", {"externalId": EXTERNAL_ID, **said})

    @property
    def subject(self) -> dict[str, Any]:
        return {"email": EMAIL}


def _from_silocdp(subscriber: Mapping[str, Any]) -> Told:
    told = {
        "id": subscriber["id"],
        "status": subscriber["status"],
        "external_id": subscriber["externalId"],
        "email": subscriber["email"],
        "phone": subscriber["phone"],
        "attributes": subscriber["attributes"],
        "timezone": subscriber["timezone"],
        "locale": subscriber["locale"],
        "suppressed": subscriber["suppressedAt"] is not None,
        "created_at": subscriber["createdAt"],
        "merged_into": subscriber["mergedInto"],
        "consents": subscriber["optIn"],
        "devices": sorted(
            ([d["token"], d["platform"], d["attributes"], d["lastUsedAt"]] for d in subscriber["devices"]), key=repr
        ),
    }
    if "events" in subscriber:
        told["events"] = [[event["event"], event["properties"], event["timestamp"]] for event in subscriber["events"]]
    return told
