"""Campaigns, what is sent and what came of it, answered the slow and plain way."""

from collections.abc import Callable, Collection
from functools import partial
from typing import Any
from uuid import UUID

from graphql.pyutils import camel_to_snake

from app.actions.deliveries import PARKED_AT
from tests.properties.resolving import (
    Field,
    Found,
    by_public_id,
    field,
    fields_of,
    first_of,
    moment_text,
    page,
    read_moment,
    things,
    where,
)
from tests.properties.rows import Row, World


def _one(type_name: str, column: str) -> Field:
    return lambda world, row: first_of(where(world, type_name, id=row[column]))


for parent, name, type_name in (
    ("Content", "sender", "Sender"),
    ("Content", "layout", "Layout"),
    ("Engagement", "link", "Link"),
    ("Delivery", "customer", "Customer"),
    ("Delivery", "campaign", "Campaign"),
    ("Delivery", "content", "Content"),
    ("Delivery", "integration", "Integration"),
    ("Experiment", "campaign", "Campaign"),
    ("CampaignRun", "campaign", "Campaign"),
    ("Campaign", "topic", "SubscriptionTopic"),
    ("OutboxMessage", "delivery", "Delivery"),
    ("WebhookCall", "webhook", "ReportingWebhook"),
):
    field(parent, name)(_one(type_name, f"{name}_id"))
for parent, name, column in (
    ("Experiment", "decidesAfterSeconds", "decides_after_s"),
    ("Campaign", "throttlePerSecond", "throttle_per_s"),
    ("FrequencyCap", "windowSeconds", "window_s"),
):
    field(parent, name)(lambda world, row, column=column: row[column])
for name in ("content", "reportingWebhook", "campaign", "experiment", "subscriptionTopic", "link", "delivery"):
    field("Query", name)(lambda world, _, id, only=name[0].upper() + name[1:]: by_public_id(world, id, [only]))


@field("Query", "integration")
def integration(world: World, _: Any, id: str) -> Any:
    return first_of([one for one in integrations(world, None) if f"int_{one.row['id'].hex}" == id])


# ---- lists ------------------------------------------------------------------------------------------------------


def _ordered(found: list[Found], column: str) -> list[Found]:
    return sorted(found, key=lambda one: (one.row[column], one.row["id"].int if "id" in one.row else 0))


def _over(row: Row, channel: str | None) -> bool:
    return channel is None or row["channel"] == channel.lower()


def _contains(row: Row, names: tuple[str, ...], search: str | None) -> bool:
    return search is None or any(search.lower() in row[name].lower() for name in names)


for name, type_name, column in (
    ("layouts", "Layout", "number"),
    ("reportingWebhooks", "ReportingWebhook", "number"),
    ("subscriptionTopics", "SubscriptionTopic", "position"),
    ("frequencyCaps", "FrequencyCap", "created_at"),
):
    field("Query", name)(lambda world, _, of=type_name, by=column: _ordered(things(world, of), by))


@field("Query", "senders")
def senders(world: World, _: Any, kind: str | None = None) -> Any:
    found = [one for one in things(world, "Sender") if kind is None or one.row["kind"] == kind.lower()]
    return _ordered(found, "number")


@field("Query", "snippets")
def snippets(world: World, _: Any, search: str | None = None) -> Any:
    found = [one for one in things(world, "Snippet") if _contains(one.row, ("name", "value"), search)]
    return _ordered(found, "name")


@field("Query", "integrations")
def integrations(world: World, _: Any, channel: str | None = None) -> Any:
    standing = [one for one in things(world, "Integration") if one.row["deleted_at"] is None]
    return _ordered([one for one in standing if _over(one.row, channel)], "number")


@field("Query", "suppressions")
def suppressions(
    world: World,
    _: Any,
    channel: str | None = None,
    reason: str | None = None,
    search: str | None = None,
    **paging: Any,
) -> Any:
    found = [
        one
        for one in things(world, "Suppression")
        if _over(one.row, channel)
        and (reason is None or one.row["reason"] == reason.lower())
        and _contains(one.row, ("address",), search)
    ]
    return page(found, "sp", "created_at", newest=True, **paging)


@field("Query", "campaigns")
def campaigns(
    world: World, _: Any, filter: dict[str, Any] | None = None, order_by: str = "CREATED_NEWEST", **paging: Any
) -> Any:
    wanted = filter or {}
    channel = wanted.get("channel")
    column, _separator, end = order_by.lower().partition("_")
    found = [
        one
        for one in things(world, "Campaign")
        if all(wanted.get(name) in (None, one.row[name].upper()) for name in ("kind", "status"))
        and (channel is None or channel.lower() in one.row["channels"])
        and _contains(one.row, ("name", "description"), wanted.get("search"))
    ]
    return page(found, column[0] + end[0], f"{column}_at", newest=end == "newest", **paging)


@field("Query", "experiments")
def experiments(world: World, _: Any, **paging: Any) -> Any:
    return page(things(world, "Experiment"), "ex", "number", newest=True, counts=True, **paging)


@field("Query", "deliveries")
def deliveries(world: World, _: Any, filter: dict[str, Any] | None = None, **paging: Any) -> Any:
    return _made(things(world, "Delivery"), filter, **paging)


def _made(found: list[Found], filter: dict[str, Any] | None = None, **paging: Any) -> Any:
    """A page of those that a filter lets through, those made last first."""
    wanted = {name: value for name, value in (filter or {}).items() if value is not None}
    holds: dict[str, Callable[[Row, Any], bool]] = {
        "campaignId": lambda row, id: row["campaign_id"] == _key(id),
        "customerId": lambda row, id: row["customer_id"] == _key(id),
        "contentId": lambda row, id: row["content_id"] == _key(id),
        "channel": _over,
        "states": lambda row, states: row["state"].upper() in states,
        "transactional": lambda row, first: (row["lane"] == 0) == first,
        "isTest": lambda row, is_test: row["is_test"] == is_test,
        "reason": lambda row, reason: row["reason"] == reason,
        "since": lambda row, since: row["created_at"] >= read_moment(since),
        "until": lambda row, until: row["created_at"] < read_moment(until),
    }
    shown = [one for one in found if all(holds[name](one.row, value) for name, value in wanted.items())]
    return page(shown, "dm", "created_at", newest=True, **paging)


def _key(text: str) -> UUID:
    return UUID(text.partition("_")[2])


# ---- below ------------------------------------------------------------------------------------------------------


@field("Customer", "deliveries")
def deliveries_of_customer(world: World, row: Row, **paging: Any) -> Any:
    return _made(where(world, "Delivery", customer_id=row["id"]), **paging)


@field("Campaign", "deliveries")
def deliveries_of_campaign(world: World, row: Row, **arguments: Any) -> Any:
    return _made(where(world, "Delivery", campaign_id=row["id"]), **arguments)


@field("Delivery", "engagements")
def engagements(world: World, row: Row, **paging: Any) -> Any:
    return page(where(world, "Engagement", delivery_id=row["id"]), "en", "occurred_at", newest=True, **paging)


@field("Delivery", "message")
def message(world: World, row: Row) -> Any:
    kept = [one for one in world.of("archived_messages") if one["delivery_id"] == row["id"]]
    return Found("ArchivedMessage", kept[0]) if kept else None


@field("Delivery", "transactional")
def transactional(world: World, row: Row) -> Any:
    return row["lane"] == 0


@field("Delivery", "dueAt")
def due_at(world: World, row: Row) -> Any:
    return None if row["due_at"] >= PARKED_AT else moment_text(row["due_at"])


@field("Campaign", "channels")
def channels(world: World, row: Row) -> Any:
    return [channel.upper() for channel in row["channels"]]


@field("Campaign", "snapshotCursor")
def snapshot_cursor(world: World, row: Row) -> Any:
    heads = [topic["head"] for topic in world.of("feed_topics") if topic["topic"] == f"campaign:{row['id'].hex}"]
    return f"{world.tenant['feed_epoch']}-{heads[0] if heads else 0}"


@field("Campaign", "createdBy")
def created_by(world: World, row: Row) -> Any:
    user = world.users.get(row["created_by_id"])
    return user and Found("User", user)


@field("Campaign", "contents")
def contents(world: World, row: Row) -> Any:
    return _ordered(where(world, "Content", campaign_id=row["id"]), "number")


@field("Campaign", "links")
def links(world: World, row: Row) -> Any:
    return _ordered(where(world, "Link", campaign_id=row["id"]), "number")


@field("Campaign", "experiment")
def experiment(world: World, row: Row) -> Any:
    return first_of(where(world, "Experiment", campaign_id=row["id"]))


@field("Campaign", "runs")
def runs(world: World, row: Row, **paging: Any) -> Any:
    return page(where(world, "CampaignRun", campaign_id=row["id"]), "rn", "number", newest=True, counts=True, **paging)


@field("Experiment", "groups")
def groups(world: World, row: Row) -> Any:
    found = [group for group in world.of("test_groups") if group["experiment_id"] == row["id"]]
    return [Found("TestGroup", group) for group in sorted(found, key=lambda group: group["position"])]


@field("Segment", "usedByCampaigns")
def used_by_campaigns(world: World, row: Row) -> Any:
    name = f"seg_{row['id'].hex}"
    found = [one for one in things(world, "Campaign") if name in f"{one.row['audience']} {one.row['exclusions']}"]
    return sorted(found, key=lambda one: one.row["id"].int)


@field("Integration", "hasCredentials")
def has_credentials(world: World, row: Row) -> Any:
    return row["credentials"] is not None


@field("Domain", "isForMail")
def is_for_mail(world: World, row: Row) -> Any:
    return row["verification_token"] is not None


@field("ReportingWebhook", "calls")
def calls(world: World, row: Row, state: list[str] | None = None, **paging: Any) -> Any:
    owed = where(world, "WebhookCall", webhook_id=row["id"])
    found = [call for call in owed if state is None or call.row["state"].upper() in state]
    return page(found, "wc", "position", newest=True, counts=True, **paging)


# ---- what is counted --------------------------------------------------------------------------------------------


def _metrics(totals: str) -> Field:
    return lambda world, row: Found(totals, {"subjects": {row["id"]}})


for parent, totals in (("Campaign", "MetricTotals"), ("Content", "MetricTotals"), ("Link", "LinkTotals")):
    field(parent, "metrics")(_metrics(totals))


@field("TestGroup", "metrics")
def metrics_of_group(world: World, row: Row) -> Any:
    campaign = where(world, "Experiment", id=row["experiment_id"])[0].row["campaign_id"]
    found = where(world, "Content", campaign_id=campaign, test_group=row["position"])
    return Found("MetricTotals", {"subjects": {one.row["id"] for one in found}})


def _sum(world: World, row: dict[str, Collection[UUID]], metric: str, value: str) -> Any:
    counts = world.of("hourly_counts")
    return sum(one[value] for one in counts if one["subject_id"] in row["subjects"] and one["metric"] == metric)


for totals in ("MetricTotals", "LinkTotals"):
    for name in fields_of(totals):
        metric, value = ("converted", "amount") if name == "revenue" else (camel_to_snake(name), "count")
        field(totals, name)(partial(_sum, metric=metric, value=value))
