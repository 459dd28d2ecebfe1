"""Customer.io ``/v1/sender_identities``."""

from collections.abc import Iterable
from typing import Any, Literal, Protocol

from pydantic import Field

from app.actions import content
from app.core.access import Scope
from app.core.errors import Invalid
from app.core.tx import Reading
from app.rest.customerio.app_wire import app_endpoint, number_in
from app.rest.customerio.wire import Wire
from app.rest.door import Call, Endpoint
from models import Sender

TAG = "Sender identities (App API)"
UNSENT = ("draft", "scheduled")
FIELDS = {"number": "sender_id", "offset": "start"}


class PageQuery(Wire):
    start: str = Field("", description="The `next` of the page before.")
    limit: int = Field(100, ge=1, le=1000)
    sort: Literal["asc", "desc"] = Field("asc", description="By number.")

    @property
    def offset(self) -> int:
        """Where the page begins. Raises Invalid for a token that is not ours."""
        if not self.start:
            return 0
        if not (self.start.isascii() and self.start.isdigit() and len(self.start) < 10):
            raise Invalid.at("start", "is not the next of a page")
        return int(self.start)

    def following(self, total: int) -> str:
        """The token of the next page; "" on the last."""
        after = self.offset + self.limit
        return str(after) if after < total else ""


class SenderIdentity(Wire):
    id: int
    deduplicate_id: str
    name: str
    email: str = Field(description="The address, or the number.")
    address: str = Field(description="As messages have it: `Cher Ami <test@example.com>`.")
    template_type: str = Field(description="`email` or `phone`.")
    auto_generated: bool


class SenderShown(Wire):
    sender_identity: SenderIdentity


class SendersShown(Wire):
    sender_identities: list[SenderIdentity]
    next: str


class CampaignUses(Wire):
    campaigns: list[int]
    sent_newsletters: list[int]
    draft_newsletters: list[int]


class Using(Protocol):
    """A campaign that uses something."""

    @property
    def number(self) -> int: ...
    @property
    def kind(self) -> str: ...
    @property
    def status(self) -> str: ...


def uses(campaigns: Iterable[Using]) -> dict[str, list[int]]:
    """The fields of :class:`CampaignUses`."""
    found: dict[str, list[int]] = {"campaigns": [], "sent_newsletters": [], "draft_newsletters": []}
    for campaign in campaigns:
        kind = "draft_newsletters" if campaign.status in UNSENT else "sent_newsletters"
        found[kind if campaign.kind == "one_off" else "campaigns"].append(campaign.number)
    return {name: sorted(numbers) for name, numbers in found.items()}


async def list_senders(call: Call[None, PageQuery]) -> SendersShown:
    query = call.query
    begin = query.offset
    async with call.read() as reading:
        rows, total = await content.list_senders(
            reading, limit=query.limit, offset=begin, newest_first=query.sort == "desc"
        )
    return SendersShown(sender_identities=[_shown(row) for row in rows], next=query.following(total))


async def get_sender(call: Call[None, None]) -> SenderShown:
    async with call.read() as reading:
        return SenderShown(sender_identity=_shown(await _addressed(reading, call)))


async def sender_used_by(call: Call[None, None]) -> CampaignUses:
    async with call.read() as reading:
        sender = await _addressed(reading, call)
        return CampaignUses(**uses(await content.sender_uses(reading, sender_id=sender.id)))


async def _addressed(reading: Reading, call: Call[None, None]) -> Sender:
    return await content.sender_with_number(reading, number=number_in(call.path, "sender_id", "sender"))


def _shown(row: Sender) -> SenderIdentity:
    return SenderIdentity(
        id=row.number,
        deduplicate_id=f"{row.number}:{int(row.updated_at.timestamp())}",
        name=row.name,
        email=row.address,
        address=content.sender_line(row),
        template_type=row.kind,
        auto_generated=False,
    )


def _app(path: str, handler: Any, summary: str, **more: Any) -> Endpoint[Any, Any]:
    scope = Scope.CAMPAIGNS_READ
    return app_endpoint("GET", f"/sender_identities{path}", handler, summary, TAG, scope, fields=FIELDS, **more)


ENDPOINTS = (
    _app("", list_senders, "List senders", query=PageQuery, response=SendersShown),
    _app("/{sender_id}", get_sender, "Get a sender", response=SenderShown),
    _app("/{sender_id}/used_by", sender_used_by, "What uses a sender", response=CampaignUses),
)
