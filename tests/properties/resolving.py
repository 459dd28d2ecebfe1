"""What the naive resolvers stand on: values of the graph over rows in memory, and pages of them."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLObjectType,
    GraphQLResolveInfo,
    build_schema,
    get_named_type,
)
from graphql.pyutils import camel_to_snake

from resolvers.schema import schema_text
from tests.properties.rows import Row, World

SCHEMA = build_schema(schema_text())
ELSEWHERE = {name for name in SCHEMA.type_map if re.match("Visitor(Session|Conversation|Message|File|Widget)", name)}
"""Types that only visitors see."""
PREFIXES = {
    "Tenant": "tn",
    "Member": "mem",
    "ApiKey": "key",
    "AuditEntry": "aud",
    "Customer": "cust",
    "Identity": "idn",
    "Device": "dev",
    "Merge": "mrg",
    "Event": "evt",
    "OutboxMessage": "out",
    "Segment": "seg",
    "User": "usr",
    "Widget": "wid",
    "Domain": "dom",
    "Visitor": "vis",
    "Team": "team",
    "Conversation": "conv",
    "Message": "msg",
    "File": "file",
    "CannedResponse": "can",
    "SavedView": "view",
    "Sender": "snd",
    "Layout": "lay",
    "Snippet": "snip",
    "Content": "cnt",
    "Campaign": "cmp",
    "CampaignRun": "run",
    "Experiment": "exp",
    "Delivery": "dlv",
    "Link": "lnk",
    "Engagement": "eng",
    "SubscriptionTopic": "top",
    "Suppression": "sup",
    "Integration": "int",
    "FrequencyCap": "cap",
    "ReportingWebhook": "hook",
    "WebhookCall": "call",
}
TABLES = {
    "Member": "members",
    "ApiKey": "api_keys",
    "AuditEntry": "audit_entries",
    "Customer": "customers",
    "Identity": "identities",
    "Device": "devices",
    "Merge": "merges",
    "Event": "events",
    "OutboxMessage": "outbox_messages",
    "Segment": "segments",
    "SegmentMembership": "segment_memberships",
    "Widget": "widgets",
    "Domain": "domains",
    "Visitor": "visitors",
    "VisitorPage": "visitor_pages",
    "Team": "teams",
    "Conversation": "conversations",
    "Message": "messages",
    "MessageRevision": "message_revisions",
    "File": "files",
    "CannedResponse": "canned_responses",
    "SavedView": "saved_views",
    "Sender": "senders",
    "Layout": "layouts",
    "Snippet": "snippets",
    "Content": "contents",
    "Campaign": "campaigns",
    "CampaignRun": "campaign_runs",
    "Experiment": "experiments",
    "Delivery": "deliveries",
    "Link": "links",
    "Engagement": "engagements",
    "SubscriptionTopic": "subscription_topics",
    "Suppression": "suppressions",
    "Integration": "integrations",
    "FrequencyCap": "frequency_caps",
    "ReportingWebhook": "reporting_webhooks",
    "WebhookCall": "webhook_calls",
}
DELETABLE = {"Segment", "Widget", "SubscriptionTopic", "Campaign"}


@dataclass
class Context:
    """Whose rows, and how many statements the same answer may take: one per row or page that a resolver hands over."""

    world: World
    statements: int = 0


@dataclass(frozen=True)
class Found:
    """A row as a value of the graph."""

    type: str
    row: Row


Field = Callable[..., Any]
FIELDS: dict[tuple[str, str], Field] = {}


def field(type_name: str, name: str) -> Callable[[Field], Field]:
    """Registers the function of one field: it is given the world, the parent's row and the arguments."""

    def register(function: Field) -> Field:
        FIELDS[type_name, name] = function
        return function

    return register


def column(found: Found, info: GraphQLResolveInfo[Context]) -> Any:
    value = found.row[camel_to_snake(info.field_name)]
    if isinstance(value, UUID):
        return f"{PREFIXES[found.type]}_{value.hex}"
    if isinstance(value, datetime):
        return moment_text(value)
    if isinstance(get_named_type(info.return_type), GraphQLEnumType) and value is not None:
        return value.upper()
    return value


def fields_of(type_name: str) -> dict[str, GraphQLField]:
    """The fields of an object type that lead to what the worlds have."""
    found = SCHEMA.type_map[type_name]
    assert isinstance(found, GraphQLObjectType)
    return {name: f for name, f in found.fields.items() if get_named_type(f.type).name not in ELSEWHERE}


def moment_text(moment: datetime) -> str:
    """2026-11-21T10:00:00.000000Z"""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"


def read_moment(text: str) -> datetime:
    """A DateTime as clients write it."""
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def things(world: World, type_name: str) -> list[Found]:
    """Every row of a type that is to be seen: what is deleted is not, nor somebody else's view."""
    if type_name == "Tenant":
        return [Found("Tenant", world.tenant)]
    if type_name == "User":
        return [Found("User", row) for row in world.users.values()]
    rows = world.of(TABLES[type_name])
    if type_name in DELETABLE:
        rows = [row for row in rows if row["deleted_at"] is None]
    if type_name == "SavedView":
        rows = [row for row in rows if row["user_id"] in (None, world.principal.id)]
    return [Found(type_name, row) for row in rows]


def where(world: World, type_name: str, **values: Any) -> list[Found]:
    """The rows of a type with these values, by id."""
    found = [
        thing for thing in things(world, type_name) if all(thing.row[name] == value for name, value in values.items())
    ]
    return sorted(found, key=lambda thing: thing.row["id"].int) if type_name != "Consent" else found


def first_of(found: list[Found]) -> Found | None:
    """The first one, if any."""
    return found[0] if found else None


def by_public_id(world: World, text: str, types: Iterable[str] = PREFIXES) -> Found | None:
    """What a public id names in this world."""
    for type_name in types:
        if text.startswith(f"{PREFIXES[type_name]}_"):
            return first_of(where(world, type_name, id=UUID(text.partition("_")[2])))
    return None


# ---- pages ------------------------------------------------------------------------------------------------------


def page(
    found: list[Found],
    code: str,
    column: str | Callable[[Row], Any] | None,
    *,
    newest: bool,
    counts: bool = False,
    rank: Callable[[Row], int] | None = None,
    first: int | None = None,
    after: str | None = None,
    last: int | None = None,
    before: str | None = None,
) -> dict[str, Any]:
    """One page of a list, with Relay's words. ``column`` None: the list is ordered by id alone. ``counts``: the column
    is a number. ``rank`` comes before it."""
    numbers = {0} if rank else {0} if counts else set()

    def place(thing: Found) -> tuple[Any, ...]:
        pieces: list[Any] = [rank(thing.row)] if rank else []
        if column is not None:
            value = thing.row[column] if isinstance(column, str) else column(thing.row)
            pieces.append(value if counts else moment_text(value))
        return *pieces, thing.row["id"].hex

    def marked(cursor: str) -> tuple[Any, ...]:
        pieces = cursor.split("~")[1:]
        return tuple(int(piece) if at in numbers else piece for at, piece in enumerate(pieces))

    ordered = sorted(found, key=place, reverse=newest)
    window = [
        thing
        for thing in ordered
        if (after is None or (place(thing) < marked(after) if newest else place(thing) > marked(after)))
        and (before is None or (place(thing) > marked(before) if newest else place(thing) < marked(before)))
    ]
    size = last if last is not None else 25 if first is None else first
    shown = window[max(0, len(window) - size) :] if last is not None else window[:size]
    more = len(window) > size
    cursors = ["~".join(map(str, (code, *place(thing)))) for thing in shown]
    return {
        "nodes": shown,
        "edges": [{"cursor": cursor, "node": node} for cursor, node in zip(cursors, shown, strict=True)],
        "totalCount": len(found),
        "pageInfo": {
            "hasNextPage": before is not None if last is not None else more,
            "hasPreviousPage": more if last is not None else after is not None,
            "startCursor": cursors[0] if cursors else None,
            "endCursor": cursors[-1] if cursors else None,
        },
    }
