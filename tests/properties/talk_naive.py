"""Conversations answered the slow and plain way."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from tests.properties.resolving import Field, Found, by_public_id, field, first_of, page, read_moment, things, where
from tests.properties.rows import Row, World

ANSWERING = ("owner", "admin", "marketer", "agent")
NEVER = datetime(9999, 12, 31, tzinfo=UTC)
RANKS = ("low", "normal", "high", "urgent")


def _by(column: str) -> Callable[[Found], Any]:
    def key(found: Found) -> Any:
        return found.row[column], found.row["id"].int if "id" in found.row else 0

    return key


def _user(world: World, key: Any) -> Found | None:
    return Found("User", world.users[key]) if key in world.users else None


def _one(type_name: str, column: str) -> Field:
    return lambda world, row: first_of(where(world, type_name, id=row[column]))


for parent, name, type_name, column in (
    ("Visitor", "customer", "Customer", "customer_id"),
    ("Visitor", "widget", "Widget", "widget_id"),
    ("Conversation", "visitor", "Visitor", "visitor_id"),
    ("Conversation", "customer", "Customer", "customer_id"),
    ("Conversation", "team", "Team", "team_id"),
    ("Conversation", "widget", "Widget", "widget_id"),
    ("Message", "conversation", "Conversation", "conversation_id"),
    ("Widget", "team", "Team", "team_id"),
):
    field(parent, name)(_one(type_name, column))
for name in ("conversation", "visitor", "widget", "team"):
    field("Query", name)(lambda world, _, id: by_public_id(world, id, ["Conversation", "Visitor", "Widget", "Team"]))
for parent in ("Agent", "TeamMember"):
    field(parent, "user")(lambda world, row: _user(world, row["user_id"]))
field("Conversation", "assignee")(lambda world, row: _user(world, row["assignee_id"]))
field("MessageRevision", "changedBy")(lambda world, row: _user(world, row["changed_by_id"]))


@field("Message", "sender")
def sender(world: World, row: Row) -> Any:
    return _user(world, row["sender_id"]) if row["sender_kind"] == "agent" else None


@field("Message", "files")
def files(world: World, row: Row) -> Any:
    sent = [one for one in world.of("message_files") if one["message_id"] == row["id"] and row["deleted_at"] is None]
    return [where(world, "File", id=one["file_id"])[0] for one in sorted(sent, key=lambda one: one["place"])]


@field("Message", "revisions")
def revisions(world: World, row: Row) -> Any:
    return sorted(where(world, "MessageRevision", message_id=row["id"]), key=_by("changed_at"))


@field("MessageRevision", "changedByKind")
def changed_by_kind(world: World, row: Row) -> Any:
    kind = row["changed_by_kind"]
    return kind.upper() if kind in ("visitor", "system") else "AGENT"


@field("Visitor", "pages")
def pages(world: World, row: Row) -> Any:
    return sorted(where(world, "VisitorPage", visitor_id=row["id"]), key=_by("seen_at"), reverse=True)


def _active(found: list[Found], **paging: Any) -> Any:
    return page(found, "an", "active_at", newest=True, **paging)


@field("Visitor", "conversations")
def conversations_of_visitor(world: World, row: Row, **paging: Any) -> Any:
    return _active(where(world, "Conversation", visitor_id=row["id"]), **paging)


@field("Customer", "conversations")
def conversations_of_customer(world: World, row: Row, **paging: Any) -> Any:
    return _active(where(world, "Conversation", customer_id=row["id"]), **paging)


@field("Customer", "visitors")
def visitors_of_customer(world: World, row: Row, **paging: Any) -> Any:
    return page(where(world, "Visitor", customer_id=row["id"]), "s", "seen_at", newest=True, **paging)


@field("Conversation", "messages")
def messages(world: World, row: Row, **paging: Any) -> Any:
    return page(where(world, "Message", conversation_id=row["id"]), "q", "seq", newest=True, counts=True, **paging)


@field("Conversation", "tags")
def tags(world: World, row: Row) -> Any:
    found = [tag for tag in world.of("conversation_tags") if tag["conversation_id"] == row["id"]]
    return [Found("ConversationTag", tag) for tag in sorted(found, key=lambda tag: tag["name"])]


@field("Conversation", "queuePosition")
def queue_position(world: World, row: Row) -> Any:
    if row["queued_at"] is None:
        return None
    mine = row["queued_at"], row["id"].int
    queue = [one for one in world.of("conversations") if one["team_id"] == row["team_id"] and one["queued_at"]]
    return sum((one["queued_at"], one["id"].int) <= mine for one in queue)


@field("Conversation", "snapshotCursor")
def snapshot_cursor(world: World, row: Row) -> Any:
    heads = [topic["head"] for topic in world.of("feed_topics") if topic["topic"] == f"conversation:{row['id'].hex}"]
    return f"{world.tenant['feed_epoch']}-{heads[0] if heads else 0}"


@field("Team", "reassignAfterSeconds")
def reassign_after(world: World, row: Row) -> Any:
    return row["reassign_after_s"]


@field("Team", "waitingCount")
def waiting_count(world: World, row: Row) -> Any:
    return sum(one["team_id"] == row["id"] and one["queued_at"] is not None for one in world.of("conversations"))


@field("Team", "members")
def members(world: World, row: Row) -> Any:
    found = [one for one in world.of("team_members") if one["team_id"] == row["id"]]
    return [Found("TeamMember", one) for one in sorted(found, key=lambda one: one["created_at"])]


@field("TeamMember", "agent")
def agent(world: World, row: Row) -> Any:
    return first_of([one for one in _agents(world) if one.row["user_id"] == row["user_id"]])


def _agents(world: World) -> list[Found]:
    answering = [row for row in world.of("members") if row["role"] in ANSWERING and row["invited_at"] is None]
    return sorted([Found("Agent", row) for row in answering], key=_by("created_at"))


field("Agent", "availability")(lambda world, row: "ONLINE")
field("Agent", "capacity")(lambda world, row: 5)
field("Agent", "seenAt")(lambda world, row: None)


@field("Agent", "load")
def load(world: World, row: Row) -> Any:
    mine = [one for one in world.of("conversations") if one["assignee_id"] == row["user_id"]]
    return sum(one["status"] in ("open", "pending") for one in mine)


field("SavedView", "shared")(lambda world, row: row["user_id"] is None)
field("Query", "agents")(lambda world, _: _agents(world))


def _listed(type_name: str, column: str) -> Field:
    return lambda world, _: sorted(things(world, type_name), key=_by(column))


for name, type_name, column in (
    ("teams", "Team", "created_at"),
    ("widgets", "Widget", "created_at"),
    ("domains", "Domain", "created_at"),
    ("savedViews", "SavedView", "name"),
):
    field("Query", name)(_listed(type_name, column))


@field("Query", "cannedResponses")
def canned_responses(world: World, _: Any, search: str | None = None) -> Any:
    found = sorted(things(world, "CannedResponse"), key=_by("shortcut"))
    return [one for one in found if _contains(one.row, ("shortcut", "title"), search)]


def _contains(row: Row, names: tuple[str, ...], search: str | None) -> bool:
    return search is None or any(search.lower() in (row[name] or "").lower() for name in names)


@field("Query", "visitors")
def visitors(world: World, _: Any, filter: dict[str, Any] | None = None, **paging: Any) -> Any:
    wanted = filter or {}
    identified, since = wanted.get("identified"), wanted.get("seenSince")
    found = [
        one
        for one in things(world, "Visitor")
        if _contains(one.row, ("name", "email", "proven_id"), wanted.get("search"))
        and (identified is None or (one.row["proven_id"] is not None) == identified)
        and (since is None or one.row["seen_at"] >= read_moment(since))
    ]
    return page(found, "s", "seen_at", newest=True, **paging)


@field("Query", "conversations")
def conversations(
    world: World, _: Any, filter: dict[str, Any] | None = None, order_by: str = "ACTIVE_NEWEST", **paging: Any
) -> Any:
    found = [one for one in things(world, "Conversation") if _matches(world, one.row, filter or {})]
    match order_by:
        case "WAITING_LONGEST":
            return page(found, "w", lambda row: row["waiting_since"] or NEVER, newest=False, **paging)
        case "PRIORITY":
            return page(found, "p", "active_at", newest=True, rank=_urgency, **paging)
        case _:
            newest = order_by == "ACTIVE_NEWEST"
            return page(found, "an" if newest else "ao", "active_at", newest=newest, **paging)


def _urgency(row: Row) -> int:
    return RANKS.index(row["priority"])


def _matches(world: World, row: Row, wanted: dict[str, Any]) -> bool:
    keys = {"assigneeId": "assignee_id", "teamId": "team_id", "customerId": "customer_id", "visitorId": "visitor_id"}
    facts = {
        "unassigned": row["assignee_id"] is None,
        "mine": row["assignee_id"] == world.principal.id,
        "waiting": row["waiting_since"] is not None,
        "unread": row["agents_unread"] > 0,
    }
    named = [tag["name"] for tag in world.of("conversation_tags") if tag["conversation_id"] == row["id"]]
    return (
        all(wanted.get(name) in (None, fact) for name, fact in facts.items())
        and all(_key(wanted.get(name)) in (None, row[column]) for name, column in keys.items())
        and all(wanted.get(name) is None or row[name].upper() in wanted[name] for name in ("status", "priority"))
        and wanted.get("tag") in (None, *named)
    )


def _key(text: str | None) -> UUID | None:
    return UUID(text.partition("_")[2]) if text else None
