"""SiloCDP ``/integrations``, ``/domains`` and ``/sms``: over what messages go, and one text message."""

from datetime import timedelta
from typing import Any

from sqlalchemy import select

from app.core import clock
from app.core.access import system
from app.core.clock import iso
from app.core.ids import public_id
from app.runtime import Runtime
from models import Delivery
from tests.doors.conftest import ReadAll, Send
from tests.tenants import TenantAccount

SMTP = {"host": "mail.example.com", "port": 2525, "username": "shop"}
SECRET = "a password that is never shown"


async def test_an_integration_keeps_its_secrets(silocdp: Send) -> None:
    said = {"name": "Relay", "type": "smtp", "settings": SMTP, "credentials": {"password": SECRET}}
    made = await silocdp("POST", "/integrations", said)
    assert made.status_code == 200, made.text
    first = made.json()["data"]
    assert first["settings"]["host"] == "mail.example.com"
    shown = {"name": "Relay", "type": "smtp", "channel": "email", "hasCredentials": True, "isDefault": True,
             "isEnabled": True, "lastError": None, "failedAt": None}  # fmt: skip
    assert {name: first[name] for name in shown} == shown
    changes = {"name": "Relay 2", "settings": {"port": 587}, "credentials": {"password": SECRET}, "isEnabled": False}
    changed = (await silocdp("PUT", f"/integrations/{first['id']}", changes)).json()["data"]
    assert (changed["name"], changed["settings"]["port"], changed["settings"]["username"]) == ("Relay 2", 587, "shop")
    assert (changed["isEnabled"], changed["isDefault"]) == (False, True)
    kept = await silocdp("POST", "/integrations", {"name": "Kept", "type": "outbox", "channel": "sms"})
    listed = await silocdp("GET", "/integrations")
    assert listed.json() == {"data": [changed, kept.json()["data"]], "success": True}
    assert all(SECRET not in answer.text for answer in (made, listed))
    assert (await silocdp("DELETE", f"/integrations/{first['id']}")).json() == {"data": None, "success": True}
    assert [one["id"] for one in (await silocdp("GET", "/integrations")).json()["data"]] == [kept.json()["data"]["id"]]
    gone = await silocdp("PUT", f"/integrations/{first['id']}", {"name": "x"})
    assert (gone.status_code, gone.json()) == (404, {"errors": ["id: No such integration."], "success": False})


async def test_a_domain_is_for_a_website_for_mail_or_for_both(silocdp: Send, client: Any, key: str) -> None:
    made = await silocdp("POST", "/domains", {"domain": "Shop.Example.com"})
    site = made.json()["data"]
    assert site.pop("createdAt") > "2026"
    assert site == {
        "id": site["id"],
        "domain": "shop.example.com",
        "website": True,
        "mail": False,
        "verifiedAt": None,
        "dkimVerifiedAt": None,
        "checkedAt": None,
        "records": [],
    }
    both = (await silocdp("PUT", f"/domains/{site['id']}", {"mail": True})).json()["data"]
    assert (both["website"], both["mail"]) == (True, True)
    assert [(one["purpose"], one["type"]) for one in both["records"]] == [
        ("ownership", "TXT"),
        ("dkim", "TXT"),
        ("dmarc", "TXT"),
    ]
    mail = (await silocdp("POST", "/domains", {"domain": "a.example.com", "website": False, "mail": True})).json()[
        "data"
    ]
    assert [one["domain"] for one in (await silocdp("GET", "/domains")).json()["data"]] == [
        "a.example.com",
        "shop.example.com",
    ]
    only = (await silocdp("PUT", f"/domains/{site['id']}", {"website": False})).json()["data"]
    assert (only["website"], only["mail"]) == (False, True)
    back = (await silocdp("PUT", f"/domains/{site['id']}", {"website": True, "mail": False})).json()["data"]
    assert (back["id"], back["website"], back["mail"], back["records"]) == (site["id"], True, False, [])
    for one in (site, mail):
        assert (await silocdp("DELETE", f"/domains/{one['id']}")).json() == {"data": None, "success": True}
    assert (await silocdp("GET", "/domains")).json() == {"data": [], "success": True}


async def test_a_text_message_is_queued(silocdp: Send, runtime: Runtime, tenant: TenantAccount) -> None:
    ann = (await silocdp("POST", "/subscribers", {"externalId": "ann", "phone": "+14155550100"})).json()["data"]["id"]
    at = iso((clock.now() + timedelta(days=1)).replace(microsecond=0))
    ids = []
    for said in ({"subscriberId": ann}, {"to": "+14155550101"}, {"subscriberId": ann, "to": "+14155550102"}):
        answer = await silocdp("POST", "/sms/send", {"message": "Hi {{ customer.id }}", "scheduledAt": at, **said})
        assert answer.status_code == 200, answer.text
        assert answer.json()["data"] == {"id": answer.json()["data"]["id"], "status": "queued"}
        ids.append(answer.json()["data"]["id"])
    for _ in range(2):
        again = await silocdp("POST", "/sms/send", {"to": "+14155550100", "message": "Once", "idempotencyKey": "k",
                                                    "scheduledAt": at})  # fmt: skip
        ids.append(again.json()["data"]["id"])
    assert len(set(ids)) == 4
    people = (await silocdp("GET", "/subscribers")).json()["data"]["items"]
    known = {person["phone"]: person["id"] for person in people}
    assert set(known) == {"+14155550100", "+14155550101"}
    async with runtime.read(system(tenant.id)) as reading:
        rows = (await reading.session.execute(select(Delivery).order_by(Delivery.id))).scalars().all()  # type: ignore[arg-type]
    assert [public_id("delivery", row.id) for row in rows] == ids[:4]
    assert [
        (public_id("customer", row.customer_id), row.recipient, row.lane, row.channel, row.state) for row in rows
    ] == [
        (ann, "", 0, "sms", "queued"),
        (known["+14155550101"], "+14155550101", 0, "sms", "queued"),
        (ann, "+14155550102", 0, "sms", "queued"),
        (ann, "+14155550100", 0, "sms", "queued"),
    ]
    assert rows[0].data == {"content": {"body": "Hi {{ customer.id }}"}}
    assert iso(rows[0].due_at) == at


NOBODY = f"cust_{'0' * 32}"
REFUSED: list[tuple[str, str, Any, int, list[str]]] = [
    ("POST", "/integrations", {}, 400, ["name: is required", "type: is required"]),
    ("POST", "/integrations", {"name": "x", "type": "pigeon"}, 400, []),
    ("POST", "/integrations", {"name": "x", "type": "outbox"}, 400, []),
    ("POST", "/integrations", {"name": "x", "type": "smtp", "settings": {"host": "a b"}}, 400, []),
    ("POST", "/integrations", {"name": "x", "type": "smtp", "settings": {**SMTP, "password": SECRET}}, 400, []),
    ("PUT", "/integrations/{integration}", {"settings": {"host": "evil.example.com"}}, 400, []),
    ("PUT", "/integrations/x", {}, 400, ["id: is not the id of an integration (int_…)"]),
    ("POST", "/domains", {}, 400, ["domain: is required"]),
    ("POST", "/domains", {"domain": "a b"}, 400, []),
    ("POST", "/domains", {"domain": "x.example.com", "website": False}, 400, []),
    ("POST", "/domains", {"domain": "*.example.com", "mail": True}, 400, []),
    ("POST", "/domains", {"domain": "SHOP.example.com"}, 409, ["domain: This domain is there already."]),
    ("PUT", "/domains/{domain}", {"website": False}, 400, []),
    ("PUT", "/domains/{domain}", {"verify": True, "mail": True}, 400, ["verify: must be said alone"]),
    ("PUT", "/domains/{domain}", {"verify": True}, 404, ["id: No such domain."]),
    ("PUT", f"/domains/dom_{'0' * 32}", {}, 404, ["id: No such domain."]),
    ("POST", "/sms/send", {"to": "+14155550100"}, 400, ["message: is required"]),
    ("POST", "/sms/send", {"message": "Hi"}, 400, ["to: is required (or subscriberId)"]),
    ("POST", "/sms/send", {"message": "Hi", "to": "5"}, 400, []),
    ("POST", "/sms/send", {"message": "{% for %}", "to": "+14155550100"}, 400, []),
    ("POST", "/sms/send", {"message": "Hi", "subscriberId": NOBODY}, 404, ["subscriberId: No such customer."]),
    ("POST", "/sms/send", {"message": "Hi", "to": "+14155550100", "scheduledAt": "2099-01-01T00:00:00Z"}, 400, []),
]


async def test_what_is_refused_leaves_no_trace(silocdp: Send, tenant: TenantAccount, contents: ReadAll) -> None:
    relay = {"name": "Relay", "type": "smtp", "settings": SMTP, "credentials": {"password": SECRET}}
    ids = {
        "integration": (await silocdp("POST", "/integrations", relay)).json()["data"]["id"],
        "domain": (await silocdp("POST", "/domains", {"domain": "shop.example.com"})).json()["data"]["id"],
    }
    before = await contents(tenant)
    for method, path, body, status, errors in REFUSED:
        answer = await silocdp(method, path.format(**ids), body)
        assert answer.status_code == status, (path, body, answer.text)
        told = answer.json()
        assert (set(told), told["success"]) == ({"errors", "success"}, False)
        assert told["errors"] == errors or (not errors and told["errors"]), (path, body, told)
        assert SECRET not in answer.text
        assert await contents(tenant) == before, (path, body)
