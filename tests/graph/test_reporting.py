"""Reporting webhooks in the graph: what the mutations do and refuse, and what there is to read."""

from typing import Any

import pytest
from sqlalchemy import select

from app.actions.deliveries.telling import DeliveryEvent, tell_deliveries
from app.actions.reporting import owe_calls, plan_calls
from app.core.access import Scope
from app.core.ids import new_id, parse_id, public_id
from models import Delivery, ReportingWebhook
from tests.graph.callers import Caller, everything_stored
from tests.graph.reporting import REPORTING, make_hooks, unknown_hooks
from tests.graph.test_mutations import mutate, written


async def test_whoever_may_not_is_refused_and_leaves_no_trace(owner: Caller, stranger: Caller) -> None:
    hooks, nothing = await make_hooks(owner), unknown_hooks()
    before = await everything_stored(owner.house)
    reader = owner.key(Scope.WEBHOOKS_READ)
    for name, mutation in REPORTING.items():
        text, input = written(name, mutation.payload), mutation.input(hooks)
        assert (await owner.nobody.refusal(text, input=input))["code"] == "UNAUTHENTICATED", name
        assert (await reader.refusal(text, input=input))["code"] == "FORBIDDEN", name
        if mutation.refused_at is not None:
            for somebody, given in ((owner, mutation.input(nothing)), (stranger, input)):
                found = await somebody.refusal(text, input=given)
                assert (found["code"], found["field"]) == ("NOT_FOUND", f"input.{mutation.refused_at}"), name
    refused = await owner.refusal(
        written("updateReportingWebhook", "webhook { id }"), input={"webhookId": hooks.webhook, "events": ["x"]}
    )
    assert (refused["code"], refused["field"]) == ("INVALID", "input.events.0")
    assert await everything_stored(owner.house) == before


async def test_webhooks_are_made_changed_and_deleted(owner: Caller) -> None:
    hooks = await make_hooks(owner)
    done: dict[str, Any] = {}
    for name, mutation in REPORTING.items():
        done[name] = await mutate(owner, name, mutation.input(hooks), mutation.payload)
    new = {"name": "New", "number": 2, "dialect": "SILENTCHAT", "events": ["message.created"], "isEnabled": True}
    assert done["createReportingWebhook"]["webhook"] == new
    assert done["updateReportingWebhook"]["webhook"]["name"] == "N"
    assert len(done["rotateReportingWebhookSecret"]["secret"]) == 43
    many = {"webhookId": hooks.webhook, "callIds": [public_id("webhook_call", new_id())] * 1001}
    refused = await owner.refusal(written("retryWebhookCalls", "__typename"), input=many)
    assert refused == {"code": "INVALID", "field": "input.callIds"}
    assert done["retryWebhookCalls"] == {"count": 0, "webhook": {"calls": {"totalCount": 0}}}
    found = await owner.data("{ reportingWebhooks { name } }")
    assert found == {"reportingWebhooks": [{"name": "New"}]}


async def test_what_is_owed_can_be_read_and_never_the_secret(owner: Caller, stranger: Caller) -> None:
    hooks = await make_hooks(owner)
    key = parse_id("reporting_webhook", hooks.webhook)
    done = await mutate(owner, "identifyCustomer", {"externalId": "ann"}, "customer { id }")
    customer = parse_id("customer", done["customer"]["id"])
    async with owner.house.write(owner.principal) as tx:
        # As if it were enabled: a running server would call at once.
        delivery = Delivery(
            tenant_id=tx.tenant_id,
            id=new_id(),
            customer_id=customer,
            occurrence_id=new_id(),
            channel="email",
            state="sent",
            due_at=tx.now,
            created_at=tx.now,
        )
        tx.session.add(delivery)
        event = DeliveryEvent(delivery.id, customer, None, None, None, "email", "sent", tx.now)
        await tell_deliveries(tx, [event])
    async with owner.house.write(owner.principal) as tx:
        hook = (await tx.session.execute(select(ReportingWebhook))).scalar_one()
        hook.is_enabled = True
        await tx.session.flush()
        plan = await plan_calls(tx, webhook_id=key)
        assert plan is not None and await owe_calls(tx, plan=plan)
        hook.is_enabled = False
    text = """query($id: ID!) { reportingWebhook(id: $id) {
      number name endpoint dialect events fullResolution withContent isEnabled failingSince lastError
      calls(state: [DUE, DEAD], first: 5) {
        totalCount nodes { event state attempts payload statusCode webhook { name } }
      }
      none: calls(state: [DONE]) { totalCount }
    } }"""
    found = (await owner.data(text, id=hooks.webhook))["reportingWebhook"]
    (call,) = found.pop("calls")["nodes"]
    assert found == {
        "number": 1,
        "name": "Hook",
        "endpoint": "https://hook.example/",
        "dialect": "CUSTOMERIO",
        "events": ["email_sent"],
        "fullResolution": False,
        "withContent": False,
        "isEnabled": False,
        "failingSince": None,
        "lastError": None,
        "none": {"totalCount": 0},
    }
    assert call.pop("payload")["data"]["customer_id"] == "ann"
    assert call == {
        "event": "email_sent",
        "state": "DUE",
        "attempts": 0,
        "statusCode": None,
        "webhook": {"name": "Hook"},
    }
    assert await stranger.data(text, id=hooks.webhook) == {"reportingWebhook": None}
    assert (await owner.key(Scope.CAMPAIGNS_READ).refusal(text, id=hooks.webhook))["code"] == "FORBIDDEN"
    for field in ("secret", "cursors"):
        with pytest.raises(AssertionError, match="Cannot query field"):
            await owner.data(f"{{ reportingWebhooks {{ {field} }} }}")
