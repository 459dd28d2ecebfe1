"""The ``customerio`` package from PyPI, unmodified, against our Track door over TLS."""

import asyncio
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
import trustme
import uvicorn
from customerio import (
    APIClient,
    CustomerIO,
    CustomerIOException,
    SendEmailRequest,
    SendInAppRequest,
    SendInboxMessageRequest,
    SendPushRequest,
    SendSMSRequest,
    SendWhatsAppRequest,
)

from app.actions.accounts import create_api_key
from app.core.access import ALL_SCOPES
from app.core.database import Database
from app.core.ids import new_id
from app.core.settings import Settings
from app.core.tx import UnitsOfWork
from app.main import build_app
from app.runtime import Runtime
from models import Campaign, Content
from tests.servers import free_port
from tests.tenants import create_tenant
from workers import HANDLERS

CHANNELS = ["email", "push", "sms", "whatsapp", "in_app"]


@dataclass
class Store:
    """The published client, and the same customers as SiloCDP shows them."""

    client: CustomerIO
    silocdp: httpx2.Client

    def person(self, **query: str) -> dict[str, Any] | None:
        items = self.silocdp.get("/subscribers", params=query).json()["data"]["items"]
        if not items:
            return None
        return dict(self.silocdp.get(f"/subscribers/{items[0]['id']}").json()["data"])


@dataclass
class Certificate:
    """Files: the server's key with its chain, and the authority's certificate."""

    chain: str
    bundle: str


@pytest.fixture
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Certificate:
    """A certificate for localhost that ``requests`` trusts, as ``REQUESTS_CA_BUNDLE`` tells it to."""
    authority, bundle, chain = trustme.CA(), tmp_path / "authority.pem", tmp_path / "server.pem"
    authority.cert_pem.write_to_path(str(bundle))
    authority.issue_cert("localhost", "127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(chain))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    monkeypatch.setenv("NO_PROXY", "*")
    return Certificate(str(chain), str(bundle))


@pytest.fixture
def port(settings: Settings, certificate: Certificate) -> Iterator[int]:
    """A server with TLS in a thread of its own. The Track API is at the root of ``localhost``."""
    settings.door_hosts = {"localhost": "customerio"}
    port = free_port()
    app = build_app(Runtime(settings, HANDLERS))
    config = uvicorn.Config(app, port=port, log_level="warning", ssl_certfile=certificate.chain)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    deadline = time.monotonic() + 30
    while not server.started:
        assert thread.is_alive() and time.monotonic() < deadline
        time.sleep(0.01)
    yield port
    server.should_exit = True
    thread.join(30)


@pytest.fixture
def key(settings: Settings) -> str:
    """A key of a new tenant, made before the server takes the database."""
    return asyncio.run(make_key(settings))


async def make_key(settings: Settings) -> str:
    tenant, database = await create_tenant(settings, "Acme"), Database(settings)
    async with UnitsOfWork(database).write(tenant.principal) as tx:
        made = await create_api_key(tx, name="client", scopes=ALL_SCOPES)
        stamps: dict[str, Any] = {"tenant_id": tenant.id, "created_at": tx.now, "updated_at": tx.now}
        campaign = Campaign(
            id=new_id(), number=1, name="W", kind="transactional", status="sending", channels=CHANNELS, **stamps
        )
        campaign.trigger_name = "welcome"
        tx.session.add(campaign)
        await tx.session.flush()
        for number, channel in enumerate(CHANNELS, 1):
            said = {"body": "Order {{ trigger.order }}", "subject": "Thanks", "from_address": "shop@example.com"}
            tx.session.add(
                Content(id=new_id(), number=number, campaign_id=campaign.id, channel=channel, **said, **stamps)
            )
    await database.close()
    return made.key_text


@pytest.fixture
def store(key: str, port: int, certificate: Certificate) -> Iterator[Store]:
    silocdp = httpx2.Client(
        base_url=f"https://127.0.0.1:{port}/silocdp/api/v1",
        headers={"x-api-key": key},
        verify=ssl.create_default_context(cafile=certificate.bundle),
    )
    with silocdp, CustomerIO("any site", key, host="localhost", port=port, retries=0) as client:
        yield Store(client, silocdp)


def test_identify_track_and_devices(store: Store) -> None:
    store.client.identify(
        id=5, email="five@example.com", first_name="Five", created_at=datetime(2020, 1, 1, tzinfo=UTC)
    )
    store.client.track(5, "bought", {"price": 9.5}, id="01ARZ3NDEKTSV4RRFFQ69G5FAV")
    store.client.track(5, "bought", {"price": 9.5}, id="01ARZ3NDEKTSV4RRFFQ69G5FAV")
    store.client.backfill(5, "signed up", datetime(2020, 1, 2, tzinfo=UTC), plan="pro")
    store.client.pageview(5, "https://example.com/", referer="https://example.org/")
    store.client.add_device(5, "token", "ios", last_used=1600000000, app_version="1.2")
    person = store.person(externalId="5")
    assert person is not None
    assert (person["email"], person["attributes"]) == ("five@example.com", {"first_name": "Five"})
    assert person["createdAt"] == "2020-01-01T00:00:00.000000Z"
    assert [(event["event"], event["properties"]) for event in person["events"]] == [
        ("https://example.com/", {"referer": "https://example.org/", "$type": "page"}),
        ("bought", {"price": 9.5}),
        ("signed up", {"plan": "pro"}),
    ]
    assert [(d["token"], d["platform"], d["attributes"]) for d in person["devices"]] == [
        ("token", "ios", {"app_version": "1.2"})
    ]
    store.client.delete_device(5, "token")
    assert (store.person(externalId="5") or {})["devices"] == []


def test_ids_with_slashes_spaces_and_signs_arrive_whole(store: Store) -> None:
    for identifier in ("a b/c@d", "ü/%2F?#&", "../x"):
        store.client.identify(identifier, note="here")
        store.client.track(identifier, "seen")
        person = store.person(externalId=identifier)
        assert person is not None
        assert (person["attributes"], len(person["events"])) == ({"note": "here"}, 1)


def test_anonymous_events_join_their_person(store: Store) -> None:
    store.client.track_anonymous("browser", "looked", {"at": "shoes"})
    store.client.identify("6", anonymous_id="browser")
    person = store.person(externalId="6")
    assert person is not None
    assert [(event["event"], event["properties"]) for event in person["events"]] == [("looked", {"at": "shoes"})]


def test_suppress_merge_and_delete(store: Store) -> None:
    store.client.identify("5", plan="pro")
    store.client.identify("six@example.com", city="Bern")
    store.client.suppress("5")
    assert (store.person(externalId="5") or {})["suppressedAt"] is not None
    store.client.unsuppress("5")
    assert (store.person(externalId="5") or {})["suppressedAt"] is None
    store.client.merge_customers("id", "5", "email", "six@example.com")
    person = store.person(externalId="5")
    assert person is not None
    assert (person["email"], person["attributes"]) == ("six@example.com", {"plan": "pro", "city": "Bern"})
    store.client.delete("5")
    assert store.person(externalId="5") is None


def test_a_batch_reports_what_was_refused(store: Store) -> None:
    event = {"type": "person", "action": "event", "identifiers": {"id": "5"}, "name": "seen"}
    assert store.client.batch([event, event]).json() == {}
    answer = store.client.batch([event, {"type": "object", "action": "identify"}])
    assert (answer.status_code, answer.json()["errors"][0]["batch_index"]) == (207, 1)
    assert len((store.person(externalId="5") or {})["events"]) == 3


def test_refusals_reach_the_caller_with_their_reason(store: Store, port: int, key: str) -> None:
    with pytest.raises(
        CustomerIOException, match=r'^404: .*\{"meta":\{"errors":\["identifier: No such customer\."\]\}\}$'
    ):
        store.client.delete("nobody")
    with pytest.raises(CustomerIOException, match="email: is not an e-mail address"):
        store.client.identify("5", email="nonsense")
    with (
        CustomerIO("site", "wrong", host="localhost", port=port) as stranger,
        pytest.raises(CustomerIOException, match=r"^401: .* Unauthorized$"),
    ):
        stranger.identify("5")


def test_the_prefix_serves_as_well_as_the_host(store: Store, port: int, key: str) -> None:
    with CustomerIO("site", key, host="127.0.0.1", port=port, url_prefix="/customerio/api/v1") as client:
        client.identify("5", plan="pro")
    assert (store.person(externalId="5") or {})["attributes"] == {"plan": "pro"}


def test_every_transactional_send_is_queued_and_told_apart(store: Store, port: int, key: str) -> None:
    ann = {"identifiers": {"id": "ann"}, "message_data": {"order": 7}, "send_at": int(time.time()) + 3600}
    store.client.identify("ann", email="ann@example.com", phone="+14155550100")
    with APIClient(key, url=f"https://localhost:{port}", retries=0) as client:
        email = SendEmailRequest(
            to="ann@example.com", _from="Shop <shop@example.com>", subject="Hi", body="<p>Hi</p>", **ann
        )
        email.attach("receipt.txt", "Thank you")
        sent = {
            "email": client.send_email(email),
            "template": client.send_email(SendEmailRequest("welcome", to="ann@example.com", **ann)),
            "push": client.send_push(SendPushRequest(1, to="all", title="T", message="M", **ann)),
            "sms": client.send_sms(SendSMSRequest("welcome", to="+14155550100", **ann)),
            "whatsapp": client.send_whatsapp(SendWhatsAppRequest("welcome", to="+14155550100", **ann)),
            "inbox": client.send_inbox_message(SendInboxMessageRequest(1, **ann)),
            "in_app": client.send_in_app(SendInAppRequest("welcome", **ann)),
        }
        assert {answer["send_at"] for answer in sent.values()} == {ann["send_at"]}
        assert all(abs(answer["queued_at"] - time.time()) < 60 for answer in sent.values())
        assert len({answer["delivery_id"] for answer in sent.values()}) == 7
        found = client.send_request("GET", f"https://localhost:{port}/v1/messages", {}).json()["messages"]
        types = {message["id"]: message["type"] for message in found}
        assert [types[answer["delivery_id"]] for answer in sent.values()] == [
            "email",
            "email",
            "push",
            "twilio",
            "whatsapp",
            "in_app",
            "in_app",
        ]
        with pytest.raises(CustomerIOException, match=r'^404: .*\{"meta":\{"error":"transactional_message_id: No such'):
            client.send_email(SendEmailRequest("nobody", to="ann@example.com", **ann))
        with pytest.raises(CustomerIOException, match=r"^400: .*attachments.x: is not base64"):
            wrong = SendEmailRequest("welcome", to="ann@example.com", **ann)
            wrong.attach("x", "***", encode=False)
            client.send_email(wrong)


def test_a_message_that_is_due_is_sent(store: Store, port: int, key: str) -> None:
    store.client.identify("ann", email="ann@example.com")
    with APIClient(key, url=f"https://localhost:{port}", retries=0) as client:
        request = SendEmailRequest(
            "welcome", to="ann@example.com", identifiers={"id": "ann"}, message_data={"order": 7}
        )
        name = client.send_email(request)["delivery_id"]
        place = f"https://localhost:{port}/v1/messages/{name}"
        deadline = time.monotonic() + 30
        while "sent" not in (message := client.send_request("GET", place, {}).json()["message"])["metrics"]:
            assert time.monotonic() < deadline, message
            time.sleep(0.3)
        archived = client.send_request("GET", f"{place}/archived_message", {}).json()["archived_message"]
    assert (message["recipient"], message["subject"]) == ("ann@example.com", "Thanks")
    assert (archived["subject"], "Order 7" in archived["body"]) == ("Thanks", True)
