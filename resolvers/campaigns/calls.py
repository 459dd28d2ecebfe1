"""Calling campaigns: a triggered one for many, a transactional one for one person."""

from typing import Any

import strawberry

from app.actions import campaigns as actions
from app.actions.campaigns import CalledPerson, TransactionalSend, TriggerCall
from app.actions.customers.facts import NAME_KINDS
from app.core.access import Scope
from app.core.ids import public_id
from resolvers.campaigns.inputs import CampaignInput
from resolvers.campaigns.types import CampaignRun
from resolvers.content.inputs import maybe_object
from resolvers.context import Info
from resolvers.conversations.inputs import maybe_key
from resolvers.customers.inputs import CustomerRefInput
from resolvers.integrations.types import MessageChannel
from resolvers.leave import mutation
from resolvers.planner.declare import Ref
from resolvers.scalars import JSON, DateTime
from resolvers.segments.rules import RuleInput, document_of


@strawberry.input(description="Somebody for whom a campaign is called, and what is said for them alone.")
class CalledPersonInput:
    """Who, and what."""

    customer: CustomerRefInput = strawberry.field(description="Who.")
    data: JSON | None = strawberry.field(
        default=None, description="An object: in Liquid it is trigger, besides what the call says for everybody."
    )


@strawberry.input(
    description="A call of a triggered campaign. At most one of people, recipients and dataFileUrl says for whom; with "
    "none it is for the campaign's audience."
)
class TriggerCampaignInput(CampaignInput):
    """Which, for whom, with what."""

    data: JSON | None = strawberry.field(default=None, description="An object: trigger in Liquid.")
    people: list[CalledPersonInput] | None = strawberry.field(default=None, description="These, 1 to 10,000.")
    recipients: RuleInput | None = strawberry.field(default=None, description="Those of whom this rule is true now.")
    data_file_url: str | None = strawberry.field(
        default=None,
        description="Those in a file at this address: JSON Lines of objects with id or email, and data; perhaps gzip.",
    )
    ignores_missing: bool = strawberry.field(
        default=False, description="Whether it goes to the others when somebody cannot be found; else it fails."
    )
    idempotency_key: str | None = strawberry.field(
        default=None, description="With the same key the same call is made once, at most 150 characters."
    )

    def call(self) -> TriggerCall:
        """The values of an action. Raises :class:`Invalid`."""
        people = None
        if self.people is not None:
            people = [
                CalledPerson(
                    one.customer.ref(f"people.{place}.customer"), maybe_object(one.data, f"people.{place}.data")
                )
                for place, one in enumerate(self.people)
            ]
        return TriggerCall(
            data=maybe_object(self.data, "data") or {},
            people=people,
            recipients=None if self.recipients is None else document_of(self.recipients),
            data_file_url=self.data_file_url,
            ignores_missing=frozenset({"id", *NAME_KINDS}) if self.ignores_missing else frozenset(),
            idempotency_key=self.idempotency_key,
        )


@strawberry.input(
    description="What one message says otherwise than the campaign's content, or, without a campaign, all of it."
)
class MessageContentInput:
    """The parts of a content. All texts are Liquid."""

    subject: str | None = strawberry.field(default=None, description="The subject of an e-mail.")
    preheader: str | None = strawberry.field(default=None, description="What mailboxes show beside the subject.")
    body: str | None = strawberry.field(default=None, description="HTML of an e-mail, the text of every other message.")
    plain: str | None = strawberry.field(default=None, description="The text of an e-mail.")
    from_address: str | None = strawberry.field(default=None, description="From whom.")
    reply_to: str | None = strawberry.field(default=None, description="To whom answers go.")
    headers: JSON | None = strawberry.field(default=None, description="Headers: objects with a name and a value.")
    fields: JSON | None = strawberry.field(
        default=None, description="What else the channel has, by name; of an e-mail also cc, bcc and attachments."
    )

    def document(self) -> dict[str, Any]:
        """The parts that were given."""
        names = ("subject", "preheader", "body", "plain", "from_address", "reply_to", "headers", "fields")
        return {name: value for name in names if (value := getattr(self, name)) is not None}


@strawberry.input(description="One message to one person, before all campaigns.")
class SendTransactionalInput:
    """Whose content, to whom, with what."""

    channel: MessageChannel = strawberry.field(description="Over which channel.")
    customer: CustomerRefInput | None = strawberry.field(
        default=None, description="To whom; somebody new is made. Left out, it is whoever to names."
    )
    to: str = strawberry.field(
        default="", description="The address, if not their own; of a push all, last_used or a device's token."
    )
    campaign_id: strawberry.ID | None = strawberry.field(default=None, description="A transactional campaign.")
    trigger_name: str | None = strawberry.field(default=None, description="Or the name by which it is called.")
    data: JSON | None = strawberry.field(default=None, description="An object: trigger in Liquid.")
    content: MessageContentInput | None = strawberry.field(
        default=None, description="What it says otherwise than the campaign, or all of it."
    )
    language: str | None = strawberry.field(default=None, description="In which language; left out, in theirs.")
    send_at: DateTime | None = strawberry.field(default=None, description="When, at most 90 days ahead.")
    idempotency_key: str | None = strawberry.field(
        default=None, description="With the same key the same message is sent once, at most 255 characters."
    )
    is_tracked: bool | None = strawberry.field(default=None, description="Whether openings and clicks are counted.")
    is_retained: bool | None = strawberry.field(default=None, description="Whether the message is kept.")
    sends_to_unsubscribed: bool | None = strawberry.field(
        default=None, description="Whether it goes to somebody who does not want to be told."
    )
    is_draft: bool = strawberry.field(default=False, description="Whether it is kept and not sent.")

    def send(self) -> TransactionalSend:
        """The values of an action. Raises :class:`Invalid`."""
        options = {name: getattr(self, name) for name in ("is_tracked", "is_retained", "sends_to_unsubscribed")}
        return TransactionalSend(
            channel=self.channel.value,
            customer=None if self.customer is None else self.customer.ref(),
            to=self.to,
            campaign_id=maybe_key("campaign", self.campaign_id, "campaign_id"),
            trigger_name=self.trigger_name,
            data=maybe_object(self.data, "data") or {},
            content={} if self.content is None else self.content.document(),
            language=self.language,
            options={name: value for name, value in options.items() if value is not None},
            send_at=self.send_at,
            idempotency_key=self.idempotency_key,
            is_draft=self.is_draft,
        )


@strawberry.type(description="What a call has begun.")
class TriggerCampaignPayload:
    """The run."""

    run: CampaignRun = strawberry.field(description="The run that the call has begun.")


@strawberry.type(description="What was queued.")
class SendTransactionalPayload:
    """The delivery."""

    delivery_id: strawberry.ID = strawberry.field(description="The delivery.")


@strawberry.type
class CallMutation:
    """Calls of campaigns."""

    @mutation(
        Scope.CAMPAIGNS_SEND,
        "Calls a triggered campaign. Somebody who cannot be found fails the whole call, unless that is to "
        "be ignored; the failed run is kept with its problems.",
    )
    async def trigger_campaign(self, info: Info, input: TriggerCampaignInput) -> TriggerCampaignPayload:
        key, call = input.key(), input.call()
        async with info.context.write() as tx:
            run_id = await actions.trigger_campaign(tx, campaign_id=key, call=call)
        return TriggerCampaignPayload(run=Ref(CampaignRun, run_id))  # type: ignore[arg-type]

    @mutation(Scope.CAMPAIGNS_SEND, "Sends one message to one person, because something happened to them just now.")
    async def send_transactional(self, info: Info, input: SendTransactionalInput) -> SendTransactionalPayload:
        send = input.send()
        async with info.context.write() as tx:
            key = await actions.send_transactional(tx, send=send)
        return SendTransactionalPayload(delivery_id=strawberry.ID(public_id("delivery", key)))
