"""What chaos has found, said again in few lines: writers who meet over one browser or over each other's keys."""

import asyncio
from typing import Any

from app.actions.customers import CustomerFacts, CustomerRef, alias, identify
from app.actions.events import NewEvent, Tracked, track_many
from app.core.access import Principal
from app.runtime import Runtime
from tests.tenants import TenantAccount

ROUNDS = 25


async def _track(runtime: Runtime, principal: Principal, *events: NewEvent) -> list[Any]:
    async with runtime.write(principal) as tx:
        return list(await track_many(tx, events))


async def test_an_event_told_again_while_its_browser_is_claimed_is_the_same_event(
    runtime: Runtime, tenant: TenantAccount
) -> None:
    async with runtime.write(tenant.principal) as tx:
        ada = (await identify(tx, CustomerFacts(external_id="ada"))).customer_id

    async def claim(browser: str) -> None:
        async with runtime.write(tenant.principal) as tx:
            await alias(tx, anonymous_id=browser, customer=CustomerRef("external_id", "ada"))

    for number in range(ROUNDS):
        browser = f"browser-{number}"
        event = NewEvent(CustomerRef("anonymous_id", browser), "visited", idempotency_key=f"key-{number}")
        (first,) = await _track(runtime, tenant.principal, event)
        again = [_track(runtime, tenant.principal, event) for _ in range(4)]
        _, *repeats = await asyncio.gather(claim(browser), *again)
        for (repeat,) in repeats:
            assert isinstance(repeat, Tracked), repeat
            assert (repeat.event_id, repeat.duplicate) == (first.event_id, True)
            assert repeat.customer_id in (None, ada)


async def test_batches_of_keyed_events_never_wait_for_each_other_in_a_circle(
    runtime: Runtime, tenant: TenantAccount
) -> None:
    def batch(writer: int, number: int) -> list[NewEvent]:
        return [
            NewEvent(
                CustomerRef("anonymous_id", f"b{writer}-{number}-{n}"), "e", idempotency_key=f"{writer}-{number}-{n}"
            )
            for n in range(8)
        ]

    async def write(writer: int) -> None:
        for number in range(ROUNDS):
            results = await _track(runtime, tenant.principal, *batch(writer, number))
            assert all(isinstance(result, Tracked) for result in results)

    await asyncio.gather(*(write(writer) for writer in range(4)))


async def test_identifying_and_tracking_at_once_never_wait_for_each_other_in_a_circle(
    runtime: Runtime, tenant: TenantAccount
) -> None:
    async def write(writer: int) -> None:
        for number in range(ROUNDS):
            person = CustomerRef("external_id", f"p{(writer + number) % 7}-{number}")
            event = NewEvent(person, "e", idempotency_key=f"{writer}-{number}")
            facts = CustomerFacts(external_id=person.value, anonymous_id=f"b{writer}-{number}")
            caller = tenant.principal.through(f"door-{writer % 2}")
            await asyncio.gather(runtime.ingest.identify(caller, facts), runtime.ingest.track(caller, event))

    await asyncio.gather(*(write(writer) for writer in range(4)))
