"""The graph answered the slow and plain way: graphql-core's own executor over rows in memory, a function per field.

It shares nothing with the planner but the schema's text. Types, arguments, enums and defaults come from that text.
"""

from collections.abc import Iterable
from typing import Any

from graphql import DocumentNode, ExecutionResult, GraphQLResolveInfo, execute
from graphql.pyutils import camel_to_snake

from tests.properties.resolving import (
    FIELDS,
    SCHEMA,
    Context,
    Field,
    Found,
    by_public_id,
    column,
    field,
    first_of,
    moment_text,
    page,
    read_moment,
    things,
    where,
)
from tests.properties.rows import Row, World
from tests.properties.segment_naive import segments
from tests.properties.sending_naive import campaigns
from tests.properties.talk_naive import conversations

SUBJECTS = {"Customer", "Tenant", "Member", "ApiKey", "Merge", "Device", "Identity", "Event", "Segment"}
SUBJECTS |= {"Conversation", "CannedResponse", "Team", "Widget", "Domain"}


def answer(world: World, document: DocumentNode, variables: dict[str, Any], operation: str | None) -> tuple[Any, int]:
    """The result of a document, and how many statements the planner should need for it."""
    context = Context(world)
    result = execute(
        SCHEMA,
        document,
        context_value=context,
        variable_values=variables,
        operation_name=operation,
        field_resolver=_resolve,
        type_resolver=lambda value, *_: value.type,
    )
    assert isinstance(result, ExecutionResult)
    return result, context.statements


def _resolve(source: Any, info: GraphQLResolveInfo[Context], **arguments: Any) -> Any:
    context: Context = info.context
    parent = info.parent_type.name
    if parent == "Query" and info.field_name != "viewer":
        context.statements += 1
    function = FIELDS.get((parent, info.field_name))
    given = {camel_to_snake(name): value for name, value in arguments.items()}
    if function is not None:
        found = function(context.world, source.row if isinstance(source, Found) else source, **given)
        if parent == "Viewer" and isinstance(found, Found):
            context.statements += 1
        return found
    if isinstance(source, Found):
        return column(source, info)
    return source[info.field_name]


PAGES = (("Segment", "members"), ("Segment", "memberships"), ("Customer", "segments"), ("Conversation", "messages"))
PAGES += (("Delivery", "engagements"), ("Campaign", "runs"), ("ReportingWebhook", "calls"))
"""Lists with an order that no root field has."""


def every_cursor(world: World) -> dict[str, list[str]]:
    """The cursor of every row of every list, by the code of the list's order."""
    found: dict[str, list[str]] = {}
    for name in ("members", "apiKeys", "auditLog", "outbox"):
        _add_cursors(found, FIELDS["Query", name](world, None, first=1000))
    for order in SCHEMA.type_map["EventOrder"].values:  # type: ignore[attr-defined]
        _add_cursors(found, events(world, None, order_by=order, first=1000))
    for order in SCHEMA.type_map["CustomerOrder"].values:  # type: ignore[attr-defined]
        for status in ("ACTIVE", "MERGED"):
            _add_cursors(found, customers(world, None, {"status": status}, order, first=1000))
    for order in SCHEMA.type_map["CampaignOrder"].values:  # type: ignore[attr-defined]
        _add_cursors(found, campaigns(world, None, order_by=order, first=1000))
    for order in SCHEMA.type_map["SegmentOrder"].values:  # type: ignore[attr-defined]
        _add_cursors(found, segments(world, None, order_by=order, first=1000))
    for order in SCHEMA.type_map["ConversationOrder"].values:  # type: ignore[attr-defined]
        _add_cursors(found, conversations(world, None, order_by=order, first=1000))
    for name in ("visitors", "deliveries", "experiments", "suppressions"):
        _add_cursors(found, FIELDS["Query", name](world, None, first=1000))
    for parent, name in PAGES:
        for thing in things(world, parent):
            _add_cursors(found, FIELDS[parent, name](world, thing.row, first=1000))
    return found


def _add_cursors(found: dict[str, list[str]], listed: dict[str, Any]) -> None:
    for edge in listed["edges"]:
        found.setdefault(edge["cursor"].partition("~")[0], []).append(edge["cursor"])


def event_page(
    found: list[Found],
    names: list[str] | None = None,
    since: str | None = None,
    until: str | None = None,
    order_by: str = "NEWEST",
    **paging: Any,
) -> dict[str, Any]:
    """A page of events, narrowed."""
    newest = order_by == "NEWEST"
    return page(
        [
            event
            for event in found
            if (names is None or event.row["name"] in names)
            and (since is None or event.row["occurred_at"] >= read_moment(since))
            and (until is None or event.row["occurred_at"] < read_moment(until))
        ],
        "n" if newest else "o",
        "occurred_at",
        newest=newest,
        **paging,
    )


# ---- the root ---------------------------------------------------------------------------------------------------


@field("Query", "node")
def node(world: World, _: Any, id: str) -> Any:
    return by_public_id(world, id)


@field("Query", "nodes")
def nodes(world: World, _: Any, ids: list[str]) -> Any:
    return [by_public_id(world, text) for text in ids]


@field("Query", "tenant")
def tenant(world: World, _: Any) -> Any:
    return Found("Tenant", world.tenant)


@field("Query", "viewer")
def viewer(world: World, _: Any) -> Any:
    caller = world.principal
    return {"kind": "member", "role": "OWNER", "label": caller.label, "scopes": sorted(map(str, caller.scopes))}


@field("Viewer", "member")
def viewer_member(world: World, _: Any) -> Any:
    return things(world, "Member")[0]


@field("Viewer", "apiKey")
def viewer_api_key(world: World, _: Any) -> Any:
    return None


@field("Query", "members")
def members(world: World, _: Any, **paging: Any) -> Any:
    return page(things(world, "Member"), "c", "created_at", newest=False, **paging)


@field("Query", "apiKeys")
def api_keys(world: World, _: Any, revoked: bool | None = None, **paging: Any) -> Any:
    found = [
        key for key in things(world, "ApiKey") if revoked is None or (key.row["revoked_at"] is not None) == revoked
    ]
    return page(found, "c", "created_at", newest=False, **paging)


@field("Query", "auditLog")
def audit_log(
    world: World, _: Any, actions: list[str] | None = None, subject_id: str | None = None, **paging: Any
) -> Any:
    found = [
        entry
        for entry in things(world, "AuditEntry")
        if (actions is None or entry.row["action"] in actions)
        and (subject_id is None or entry.row["subject_id"] == subject_id)
    ]
    return page(found, "a", "occurred_at", newest=True, **paging)


@field("Query", "outbox")
def outbox(world: World, _: Any, recipient: str | None = None, **paging: Any) -> Any:
    found = [m for m in things(world, "OutboxMessage") if recipient is None or m.row["recipient"] == recipient]
    return page(found, "m", "created_at", newest=True, **paging)


@field("Query", "customer")
def customer(
    world: World, _: Any, id: str | None = None, external_id: str | None = None, email: str | None = None
) -> Any:
    if id is not None:
        return by_public_id(world, id, ["Customer"])
    kind, value = ("external_id", external_id) if external_id is not None else ("email", (email or "").lower())
    holder = first_of(where(world, "Identity", kind=kind, value=value))
    return holder and first_of(where(world, "Customer", id=holder.row["customer_id"]))


@field("Query", "customers")
def customers(
    world: World, _: Any, filter: dict[str, Any] | None = None, order_by: str = "CREATED_NEWEST", **paging: Any
) -> Any:
    column, _separator, end = order_by.lower().partition("_")
    found = [thing for thing in things(world, "Customer") if _matches(world, thing.row, filter or {})]
    return page(found, column[0] + end[0], f"{column}_at", newest=end == "newest", **paging)


def _matches(world: World, row: Row, wanted: dict[str, Any]) -> bool:
    for name, moment in (("created", "created_at"), ("updated", "updated_at")):
        since, until = wanted.get(f"{name}Since"), wanted.get(f"{name}Until")
        if since is not None and row[moment] < read_moment(since):
            return False
        if until is not None and row[moment] >= read_moment(until):
            return False
    suppressed, search = wanted.get("suppressed"), wanted.get("search")
    return (
        row["status"] == (wanted.get("status") or "ACTIVE").lower()
        and (suppressed is None or (row["suppressed_at"] is not None) == suppressed)
        and (search is None or _called(world, row, search))
    )


def _called(world: World, row: Row, search: str) -> bool:
    names = [identity.row["value"] for identity in where(world, "Identity", customer_id=row["id"])]
    return any(search.lower() in text.lower() for text in [*names, *_texts(row["attributes"])])


def _texts(value: Any) -> Iterable[str]:
    """The names and texts in a document. Tests search for words that have no other form as JSON."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from value
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


@field("Query", "events")
def events(world: World, _: Any, **arguments: Any) -> Any:
    return event_page(things(world, "Event"), **arguments)


# ---- below ------------------------------------------------------------------------------------------------------


def _primary(kind: str) -> Field:
    def value(world: World, row: Row) -> Any:
        held = first_of(where(world, "Identity", customer_id=row["id"], kind=kind, is_primary=True))
        return held and held.row["value"]

    return value


field("Customer", "externalId")(_primary("external_id"))
field("Customer", "email")(_primary("email"))
field("Customer", "phone")(_primary("phone"))


@field("Customer", "suppressed")
def suppressed(world: World, row: Row) -> Any:
    return row["suppressed_at"] is not None


@field("Customer", "snapshotCursor")
def snapshot_cursor(world: World, row: Row) -> Any:
    heads = [topic["head"] for topic in world.of("feed_topics") if topic["topic"] == f"customer:{row['id'].hex}"]
    return f"{world.tenant['feed_epoch']}-{heads[0] if heads else 0}"


@field("Customer", "identities")
def identities(world: World, row: Row, kinds: list[str] | None = None) -> Any:
    found = where(world, "Identity", customer_id=row["id"])
    return [identity for identity in found if kinds is None or identity.row["kind"].upper() in kinds]


@field("Customer", "devices")
def devices(world: World, row: Row) -> Any:
    return where(world, "Device", customer_id=row["id"])


@field("Customer", "consents")
def consents(world: World, row: Row) -> Any:
    said = [consent for consent in world.of("consents") if consent["customer_id"] == row["id"]]
    return [Found("Consent", consent) for consent in sorted(said, key=lambda consent: consent["channel"])]


@field("Customer", "events")
def customer_events(world: World, row: Row, **arguments: Any) -> Any:
    return event_page(where(world, "Event", customer_id=row["id"]), **arguments)


@field("Customer", "lastEvent")
def last_event(world: World, row: Row, names: list[str] | None = None) -> Any:
    return first_of(event_page(where(world, "Event", customer_id=row["id"]), names, first=1)["nodes"])


@field("Customer", "mergedInto")
def merged_into(world: World, row: Row) -> Any:
    return first_of(where(world, "Customer", id=row["merged_into_id"]))


@field("Customer", "merges")
def merges(world: World, row: Row) -> Any:
    return where(world, "Merge", winner_id=row["id"], unmerged_at=None)


def _customer(column: str) -> Field:
    return lambda world, row: first_of(where(world, "Customer", id=row[column]))


field("Identity", "customer")(_customer("customer_id"))
field("Device", "customer")(_customer("customer_id"))
field("Event", "customer")(_customer("customer_id"))
field("Merge", "winner")(_customer("winner_id"))
field("Merge", "loser")(_customer("loser_id"))


@field("Member", "email")
def member_email(world: World, row: Row) -> Any:
    return world.users[row["user_id"]]["email"]


@field("Member", "name")
def member_name(world: World, row: Row) -> Any:
    return world.users[row["user_id"]]["name"]


@field("Member", "emailVerifiedAt")
def member_verified(world: World, row: Row) -> Any:
    verified = world.users[row["user_id"]]["email_verified_at"]
    return verified and moment_text(verified)


@field("ApiKey", "createdBy")
def created_by(world: World, row: Row) -> Any:
    return first_of(where(world, "Member", user_id=row["created_by_id"]))


@field("AuditEntry", "actor")
def actor(world: World, row: Row) -> Any:
    if row["actor_kind"] == "member":
        return first_of(where(world, "Member", user_id=row["actor_id"]))
    return first_of(where(world, "ApiKey", id=row["actor_id"])) if row["actor_kind"] == "api_key" else None


@field("AuditEntry", "subject")
def subject(world: World, row: Row) -> Any:
    return by_public_id(world, row["subject_id"], SUBJECTS)


@field("AuditEntry", "subjectId")
def subject_id(world: World, row: Row) -> Any:
    return row["subject_id"]
