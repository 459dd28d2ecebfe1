"""The Track API as a mouth. It reads nothing: what was said there shows in the others."""

from typing import Any
from urllib.parse import quote

import httpx2

from tests.unity import facts
from tests.unity.facts import EMAIL, EXTERNAL_ID, OTHER_ID
from tests.unity.mouth import DONE, Mouth, given, kind_of, kind_of_status, unix


class Track(Mouth):
    """Customer.io's Track API, version 1: people in the path."""

    name = "track"

    @property
    def person(self) -> str:
        """How the path names the customer."""
        return EXTERNAL_ID

    async def identify(self, **said: Any) -> str:
        return await self._do("PUT", f"/customers/{quote(self.person, safe='')}", said)

    async def say_attributes(self, fact: facts.Attributes) -> str:
        return await self.identify(**fact.values)

    async def say_email(self, fact: facts.Email) -> str:
        return await self.identify(email=fact.address)

    async def say_phone(self, fact: facts.Phone) -> str:
        return await self.identify(phone=fact.number)

    async def say_external_id(self, fact: facts.ExternalId) -> str:
        return await self.identify(id=fact.value)

    async def say_place(self, fact: facts.Place) -> str:
        return await self.identify(timezone=fact.timezone, language=fact.locale)

    async def say_known_since(self, fact: facts.KnownSince) -> str:
        return await self.identify(created_at=unix(fact.moment))

    async def say_email_consent(self, fact: facts.EmailConsent) -> str:
        return await self.identify(unsubscribed=not fact.subscribed)

    async def say_device(self, fact: facts.Device) -> str:
        said = given(attributes=fact.attributes, last_used=fact.last_used and unix(fact.last_used))
        return await self._about("PUT", "/devices", {"device": {"id": fact.token, "platform": fact.platform, **said}})

    async def say_device_gone(self, fact: facts.DeviceGone) -> str:
        return await self._about("DELETE", f"/devices/{quote(fact.token, safe='')}")

    async def say_suppressed(self, fact: facts.Suppressed) -> str:
        done = await self._about("POST", "/suppress")
        return done if fact.yes else await self._about("POST", "/unsuppress")

    async def say_happened(self, fact: facts.Happened) -> str:
        said = given(timestamp=fact.at and unix(fact.at), id=fact.key)
        return await self._about("POST", "/events", {"name": fact.name, "data": fact.properties, **said})

    async def say_alias(self, fact: facts.Alias) -> str:
        return await self.identify(anonymous_id=fact.browser)

    async def say_merged(self, fact: facts.Merged) -> str:
        people = {"primary": {"id": EXTERNAL_ID}, "secondary": {"id": "nobody" if fact.nobody else OTHER_ID}}
        return await self._do("POST", "/merge_customers", people)

    async def say_deleted(self, fact: facts.Deleted) -> str:
        return await self._about("DELETE", "")

    async def _about(self, method: str, path: str, body: Any = None) -> str:
        return await self._do(method, f"/customers/{quote(self.person, safe='')}{path}", body)

    async def _do(self, method: str, path: str, body: Any = None) -> str:
        answer = await self._send(method, f"/customerio/api/v1{path}", body)
        return DONE if answer.status_code == 200 else kind_of_status(answer)

    async def _send(self, method: str, path: str, body: Any = None) -> httpx2.Response:
        basic = httpx2.BasicAuth("site", self.caller.key)._auth_header
        return await self.caller.send(method, path, body, authorization=basic)


class TrackByEmail(Track):
    """Version 1 with the person's address in the path, spelled in another way.

    It has no words for a new id: an id beside an address says who that is, and somebody else's is a conflict.
    """

    name = "track, by e-mail"
    say_external_id = None

    @property
    def person(self) -> str:
        return "Ada@Example.COM"


class TrackByCioId(Track):
    """Version 1 with the id that Customer.io itself would have given."""

    name = "track, by cio_id"

    @property
    def person(self) -> str:
        return self.caller.customer_id.replace("cust_", "cio_")


class TrackEntity(Track):
    """Version 2: one operation as a document."""

    name = "track, version 2"

    @property
    def identifiers(self) -> dict[str, Any]:
        return {"id": EXTERNAL_ID}

    async def identify(self, **said: Any) -> str:
        return await self.operate("identify", attributes=said)

    async def say_device(self, fact: facts.Device) -> str:
        said = given(attributes=fact.attributes, last_used=fact.last_used and unix(fact.last_used))
        device = {"token": fact.token, "platform": fact.platform, **said}
        return await self.operate("add_device", device=device)

    async def say_device_gone(self, fact: facts.DeviceGone) -> str:
        return await self.operate("delete_device", device={"token": fact.token})

    async def say_suppressed(self, fact: facts.Suppressed) -> str:
        done = await self.operate("suppress")
        return done if fact.yes else await self.operate("unsuppress")

    async def say_happened(self, fact: facts.Happened) -> str:
        said = given(timestamp=fact.at and unix(fact.at), id=fact.key)
        return await self.operate("event", name=fact.name, attributes=fact.properties, **said)

    async def say_merged(self, fact: facts.Merged) -> str:
        people = {"primary": {"email": EMAIL}, "secondary": {"id": "nobody" if fact.nobody else OTHER_ID}}
        return await self._operate({"type": "person", "action": "merge", **people})

    async def say_deleted(self, fact: facts.Deleted) -> str:
        return await self.operate("delete")

    async def operate(self, action: str, **more: Any) -> str:
        return await self._operate({"type": "person", "action": action, "identifiers": self.identifiers, **more})

    async def _operate(self, operation: dict[str, Any]) -> str:
        answer = await self._send("POST", "/customerio/api/v2/entity", operation)
        return DONE if answer.status_code == 200 else kind_of_status(answer)


class TrackBatch(TrackEntity):
    """Version 2: operations in a batch."""

    name = "track, batch"

    @property
    def identifiers(self) -> dict[str, Any]:
        return {"cio_id": self.caller.customer_id.removeprefix("cust_")}

    async def _operate(self, operation: dict[str, Any]) -> str:
        answer = await self._send("POST", "/customerio/api/v2/batch", {"batch": [operation]})
        if answer.status_code == 200:
            return DONE
        assert answer.status_code == 207, (answer.status_code, answer.text)
        return kind_of(answer.json()["errors"][0]["reason"])
