"""What is told of deliveries, and what it counts as."""

from typing import Any

from app.actions.deliveries.telling import DeliveryEvent, tell_deliveries
from app.actions.metrics import metric_totals
from app.core.feed import DELIVERIES_TOPIC
from app.core.ids import new_id
from app.core.tx import Tx
from models import FeedEntry
from tests.actions.people import People

CAMPAIGN, CONTENT = new_id(), new_id()


async def tell(
    people: People, *happened: tuple[str, dict[str, Any]], channel: str = "webhook", counts: bool = True
) -> None:
    async def told(tx: Tx) -> None:
        names = (new_id(), new_id(), CAMPAIGN, CONTENT, None, channel)
        await tell_deliveries(tx, [DeliveryEvent(*names, metric, tx.now, extra, counts) for metric, extra in happened])

    await people.do(told)


async def test_of_a_webhook_every_answer_is_counted_by_its_class(people: People) -> None:
    await tell(
        people,
        ("sent", {}),
        ("sent", {}),
        ("deferred", {"error": "503 Service Unavailable"}),
        ("deferred", {"error": "500 Oops"}),
        ("deferred", {"error": "connection refused"}),
        ("failed", {"error": "404 Not Found"}),
        ("failed", {"error": "301 Moved"}),
        ("failed", {"error": "4040 is no status"}),
        ("failed", {"error": None}),
        ("bounced", {"error": "410 Gone", "kind": "hard"}),
        ("attempted", {}),
    )
    counted = {
        "sent": 2,
        "deferred": 3,
        "failed": 4,
        "bounced": 1,
        "attempted": 1,
        "answered_2xx": 2,
        "answered_3xx": 1,
        "answered_4xx": 2,
        "answered_5xx": 2,
    }
    tenant = people.principal.tenant_id
    assert tenant is not None
    found = await people.read(metric_totals, subject_ids=[tenant, CAMPAIGN, CONTENT])
    for subject in (tenant, CAMPAIGN, CONTENT):
        assert {name: total.count for name, total in found[subject].items()} == counted
    rows = [row for row in await people.rows(FeedEntry) if row["topic"] == DELIVERIES_TOPIC]
    assert {row["kind"] for row in rows} == {f"delivery.{kind}" for kind in ("sent", "deferred", "failed", "bounced")}


async def test_what_no_server_answered_counts_as_no_answer(people: People) -> None:
    await tell(people, ("sent", {}), ("failed", {"error": "550 No such mailbox"}), channel="email")
    await tell(people, ("sent", {}), counts=False)
    await tell(people, ("sent", {"settled": True}), ("failed", {"settled": True, "error": "404"}))
    found = await people.read(metric_totals, subject_ids=[CAMPAIGN])
    assert {name: total.count for name, total in found[CAMPAIGN].items()} == {"sent": 2, "failed": 2}
