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
from customerio import CustomerIO, CustomerIOException

from app.actions.accounts import create_api_key
from app.core.access import ALL_SCOPES
from app.core.database import Database
from app.core.settings import Settings
from app.core.tx import UnitsOfWork
from app.main import build_app
from app.runtime import Runtime
from tests.servers import free_port
from tests.tenants import create_tenant


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
    app = build_app(Runtime(settings))
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
