"""Integrations and domains for mail in the graph: what the mutations do and refuse, and that no secret is shown."""

from typing import Any

from app.core.access import Scope
from app.core.fetching import HINT
from tests.graph.callers import Caller, everything_stored
from tests.graph.integrations import INTEGRATIONS, make_sending, unknown_sending
from tests.graph.test_mutations import mutate, written
from tests.nameserver import nameserver

NEW = {"name": "Kept", "kind": "outbox", "channel": "SMS"}


async def test_whoever_may_not_is_refused_and_leaves_no_trace(owner: Caller, stranger: Caller) -> None:
    sending, nothing = await make_sending(owner), unknown_sending()
    before = await everything_stored(owner.house)
    reader = owner.key(Scope.INTEGRATIONS_READ)
    for name, mutation in INTEGRATIONS.items():
        text, input = written(name, mutation.payload), mutation.input(sending)
        assert (await owner.nobody.refusal(text, input=input))["code"] == "UNAUTHENTICATED", name
        assert (await reader.refusal(text, input=input))["code"] == "FORBIDDEN", name
        if mutation.refused_at is not None:
            for somebody, given in ((owner, mutation.input(nothing)), (stranger, input)):
                found = await somebody.refusal(text, input=given)
                assert (found["code"], found["field"]) == ("NOT_FOUND", f"input.{mutation.refused_at}"), name
    wrong = {"integrationId": sending.integration, "settings": {"port": 0}}
    refused = await owner.refusal(written("updateIntegration", "integration { id }"), input=wrong)
    assert (refused["code"], refused["field"]) == ("INVALID", "input.settings.port")
    for name, whose in (("updateIntegration", {"integrationId": sending.integration}), ("createIntegration", NEW)):
        for said in ("settings", "credentials"):
            refused = await owner.refusal(written(name, "integration { id }"), input={**whose, said: "x"})
            assert (refused["code"], refused["field"]) == ("INVALID", f"input.{said}"), name
    assert await everything_stored(owner.house) == before


async def test_integrations_and_domains_are_made_changed_tried_and_deleted(owner: Caller) -> None:
    sending = await make_sending(owner)
    listed = await owner.data("{ integrations(channel: EMAIL) { name hasCredentials settings } }")
    (relay,) = listed["integrations"]
    assert (relay["name"], relay["hasCredentials"], relay["settings"]["host"]) == ("Relay", True, "127.0.0.1")
    done: dict[str, Any] = {}
    async with nameserver() as server:
        owner.house.settings.dns_servers = [server.address]
        for name, mutation in INTEGRATIONS.items():
            done[name] = await mutate(owner, name, mutation.input(sending), mutation.payload)
    hooks = done["createIntegration"]["integration"]
    assert (hooks["kind"], hooks["channel"], hooks["number"], hooks["isDefault"]) == ("webhook", "WEBHOOK", 2, True)
    assert (hooks["hasCredentials"], hooks["settings"]["timeout_s"]) == (False, 15.0)
    assert done["updateIntegration"]["integration"]["isEnabled"] is False
    private = {"result": "DEFERRED", "code": "connection", "detail": f"127.0.0.1 is not a public address{HINT}"}
    assert done["testIntegration"] == private
    domain = done["addSendingDomain"]["domain"]
    assert (domain["name"], domain["isForMail"], domain["carriesWidgets"]) == ("mail.example", True, False)
    assert [record["isFound"] for record in done["rotateDkimKey"]["records"]] == [None] * 4
    assert [record["isFound"] for record in done["verifySendingDomain"]["records"]] == [False] * 4
    found = await owner.data("{ integrations { name } domains { name } integrationKinds { kind channels } }")
    assert (found["integrations"], found["domains"]) == ([{"name": "Hooks"}], [{"name": "mail.example"}])
    assert {"kind": "twilio", "channels": ["SMS", "WHATSAPP"]} in found["integrationKinds"]


async def test_what_a_domain_needs_can_be_read_at_any_time(owner: Caller, stranger: Caller) -> None:
    sending = await make_sending(owner)
    text = "query($id: ID!) { sendingDomainRecords(domainId: $id) { purpose kind name value isFound } }"
    records = (await owner.data(text, id=sending.domain))["sendingDomainRecords"]
    assert [(record["purpose"], record["kind"]) for record in records] == [
        ("ownership", "TXT"),
        ("dkim", "TXT"),
        ("tracking", "CNAME"),
        ("dmarc", "TXT"),
    ]
    assert records[1]["value"].startswith("v=DKIM1; k=rsa; p=MII")
    assert (await stranger.refusal(text, id=sending.domain))["code"] == "NOT_FOUND"
