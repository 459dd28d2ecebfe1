"""Customer.io ``/v1/newsletters``: one-off campaigns, their variants and test groups."""

from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from app.actions import campaigns, content
from app.actions.consent import list_topics
from app.core.access import Scope
from app.core.contact import normalise_locale
from app.core.errors import Invalid, NotFound
from app.core.tx import Reading
from app.rest.customerio.app_wire import app_endpoint, number_in
from app.rest.customerio.contents import (
    FIELDS,
    TYPES,
    ContentChanges,
    Contents,
    ContentShown,
    ContentsShown,
    change,
)
from app.rest.customerio.segments import all_segments
from app.rest.customerio.sender_identities import PageQuery
from app.rest.customerio.wire import Wire
from app.rest.door import Call, Endpoint
from app.segments import parse_rule, segments_of
from models import Campaign
from models import Content as ContentRow

TAG = "Newsletters (App API)"
ONE = "/{newsletter_id}"


class NewsletterQuery(PageQuery):
    limit: int = Field(1000, ge=1, le=1000)
    sort: Literal["asc", "desc"] = Field("desc", description="By number.")


class Newsletter(Wire):
    id: int
    deduplicate_id: str
    content_ids: list[int]
    msg_template_ids: list[int] = Field(description="The same.")
    name: str
    sent_at: int | None = Field(description="When it began to be sent; null before.")
    created: int
    updated: int
    type: str
    tags: list[str]
    recipient_segment_ids: list[int]
    subscription_topic_id: int | None


class NewsletterShown(Wire):
    newsletter: Newsletter


class NewslettersShown(Wire):
    newsletters: list[Newsletter]
    next: str


class TestGroup(Wire):
    __test__ = False

    id: int = Field(description="Counts from 0.")
    label: str
    name: str
    winner: bool
    content_ids: list[int]


class TestGroupsShown(Wire):
    __test__ = False

    test_groups: list[TestGroup]


async def list_newsletters(call: Call[None, NewsletterQuery]) -> NewslettersShown:
    query = call.query
    begin = query.offset
    async with call.read() as reading:
        page = await campaigns.list_campaigns(
            reading, kind="one_off", newest_first=query.sort == "desc", limit=query.limit, offset=begin
        )
        shown = await _newsletters(reading, list(page.items))
    return NewslettersShown(newsletters=shown, next=query.following(page.total))


async def get_newsletter(call: Call[None, None]) -> NewsletterShown:
    async with call.read() as reading:
        (shown,) = await _newsletters(reading, [await addressed(reading, call)])
    return NewsletterShown(newsletter=shown)


async def list_contents(call: Call[None, None]) -> ContentsShown:
    async with call.read() as reading:
        newsletter = await addressed(reading, call)
        rows = await content.list_contents(reading, campaign_id=newsletter.id)
        found = await Contents.read(reading, newsletter, rows)
    return ContentsShown(contents=[found.shown(row) for row in rows])


async def get_content(call: Call[None, None]) -> ContentShown:
    async with call.read() as reading:
        newsletter = await addressed(reading, call)
        return await _shown(reading, newsletter, await addressed_content(reading, call, newsletter))


async def update_content(call: Call[ContentChanges, None]) -> ContentShown:
    async with call.write() as tx:
        newsletter = await addressed(tx, call)
        row = await change(tx, newsletter, await addressed_content(tx, call, newsletter), call.body)
        return await _shown(tx, newsletter, row)


async def get_translation(call: Call[None, None]) -> ContentShown:
    async with call.read() as reading:
        newsletter = await addressed(reading, call)
        return await _shown(reading, newsletter, await _translation(reading, call, newsletter))


async def update_translation(call: Call[ContentChanges, None]) -> ContentShown:
    async with call.write() as tx:
        newsletter = await addressed(tx, call)
        row = await change(tx, newsletter, await _translation(tx, call, newsletter), call.body)
        return await _shown(tx, newsletter, row)


async def get_group_translation(call: Call[None, None]) -> ContentShown:
    return await get_translation(call)


async def update_group_translation(call: Call[ContentChanges, None]) -> ContentShown:
    return await update_translation(call)


async def list_test_groups(call: Call[None, None]) -> TestGroupsShown:
    async with call.read() as reading:
        newsletter = await addressed(reading, call)
        experiment = await campaigns.experiment_of(reading, campaign_id=newsletter.id)
        if experiment is None:
            return TestGroupsShown(test_groups=[])
        groups = await campaigns.groups_of(reading, experiment_id=experiment.id)
        rows = await content.list_contents(reading, campaign_id=newsletter.id)
    return TestGroupsShown(
        test_groups=[
            TestGroup(
                id=group.position,
                label=f"test {group.position + 1}",
                name=group.name,
                winner=experiment.winner == group.position,
                content_ids=sorted(row.number for row in rows if row.test_group == group.position),
            )
            for group in groups
        ]
    )


async def addressed(reading: Reading, call: Call[Any, Any]) -> Campaign:
    """The newsletter that a path names. Raises NotFound."""
    number = number_in(call.path, "newsletter_id", "campaign")
    newsletter = await campaigns.campaign_with_number(reading, number=number)
    if newsletter.kind != "one_off":
        raise NotFound("campaign", "number")
    return newsletter


async def addressed_content(reading: Reading, call: Call[Any, Any], newsletter: Campaign) -> ContentRow:
    """The variant that a path names. Raises NotFound."""
    number = number_in(call.path, "content_id", "content")
    try:
        row = await content.content_with_number(reading, number=number)
    except NotFound:
        raise NotFound("content", "content_id") from None
    if row.campaign_id != newsletter.id:
        raise NotFound("content", "content_id")
    return row


async def _translation(reading: Reading, call: Call[Any, Any], newsletter: Campaign) -> ContentRow:
    """The content of the path's test group (else the first) in its language; "" is the default."""
    group, language = call.path.get("test_group_id", "0"), call.path["language"]
    try:
        tag = normalise_locale(language, "language") if language else ""
    except Invalid:
        raise NotFound("language", "language") from None
    for row in await content.list_contents(reading, campaign_id=newsletter.id):
        place = (row.channel, str(row.test_group), row.language)
        if place == (newsletter.channels[0], group, tag):
            return row
    raise NotFound("language", "language")


async def _shown(reading: Reading, newsletter: Campaign, row: ContentRow) -> ContentShown:
    return ContentShown(content=(await Contents.read(reading, newsletter, [row])).shown(row))


async def _newsletters(reading: Reading, rows: list[Campaign]) -> list[Newsletter]:
    contents = await content.contents_of_campaigns(reading, campaign_ids=[row.id for row in rows])
    segments = {row.id: segments_of(parse_rule(row.audience)) if row.audience else frozenset() for row in rows}
    numbers: dict[UUID, int] = {}
    if any(segments.values()):
        numbers = {segment.id: segment.number for segment in await all_segments(reading)}
    topics: dict[UUID, int] = {}
    if any(row.topic_id for row in rows):
        topics = {topic.id: topic.number for topic in await list_topics(reading)}
    shown = []
    for row in rows:
        updated = int(row.updated_at.timestamp())
        ids = sorted(one.number for one in contents[row.id])
        shown.append(
            Newsletter(
                id=row.number,
                deduplicate_id=f"{row.number}:{updated}",
                content_ids=ids,
                msg_template_ids=ids,
                name=row.name,
                sent_at=int(row.started_at.timestamp()) if row.started_at else None,
                created=int(row.created_at.timestamp()),
                updated=updated,
                type=TYPES[row.channels[0]],
                tags=row.tags,
                recipient_segment_ids=sorted(numbers[one] for one in segments[row.id] if one in numbers),
                subscription_topic_id=topics.get(row.topic_id) if row.topic_id else None,
            )
        )
    return shown


def newsletter_endpoint(method: str, path: str, handler: Any, summary: str, **more: Any) -> Endpoint[Any, Any]:
    """An endpoint below ``/v1/newsletters``."""
    scope = Scope.CAMPAIGNS_WRITE if method == "PUT" else Scope.CAMPAIGNS_READ
    if method == "PUT":
        more["body"] = ContentChanges
    scope = more.pop("scope", scope)
    return app_endpoint(method, f"/newsletters{path}", handler, summary, TAG, scope, fields=FIELDS, **more)


LANGUAGE = f"{ONE}/language/{{language}}"
GROUP_LANGUAGE = f"{ONE}/test_group/{{test_group_id}}/language/{{language}}"
DEFAULT: dict[str, Any] = {"response": ContentShown, "optional": frozenset({"language"})}
ENDPOINTS = (
    newsletter_endpoint(
        "GET", "", list_newsletters, "List newsletters", query=NewsletterQuery, response=NewslettersShown
    ),
    newsletter_endpoint("GET", ONE, get_newsletter, "Get a newsletter", response=NewsletterShown),
    newsletter_endpoint("GET", f"{ONE}/contents", list_contents, "List the variants", response=ContentsShown),
    newsletter_endpoint("GET", f"{ONE}/contents/{{content_id}}", get_content, "Get a variant", response=ContentShown),
    newsletter_endpoint(
        "PUT", f"{ONE}/contents/{{content_id}}", update_content, "Update a variant", response=ContentShown
    ),
    newsletter_endpoint("GET", LANGUAGE, get_translation, "Get a translation", **DEFAULT),
    newsletter_endpoint("PUT", LANGUAGE, update_translation, "Update a translation", **DEFAULT),
    newsletter_endpoint("GET", GROUP_LANGUAGE, get_group_translation, "Get a translation in a test group", **DEFAULT),
    newsletter_endpoint(
        "PUT", GROUP_LANGUAGE, update_group_translation, "Update a translation in a test group", **DEFAULT
    ),
    newsletter_endpoint(
        "GET", f"{ONE}/test_groups", list_test_groups, "List the test groups", response=TestGroupsShown
    ),
)
