"""Changing the rules of sending."""

from typing import Any

import strawberry

from app.actions import sending as actions
from app.core.access import Scope
from app.core.ids import parse_id, public_id
from app.core.keep import KEEP
from resolvers.context import Info
from resolvers.integrations.types import MessageChannel
from resolvers.leave import mutation
from resolvers.planner.declare import Ref
from resolvers.scalars import JSON
from resolvers.sending.types import FrequencyCap, SendingPolicy


@strawberry.input(description="When nobody is sent anything, in their own timezone.")
class QuietHoursInput:
    """Two times of day."""

    begin: str = strawberry.field(name="from", description="From this time of day, as 21:00.")
    end: str = strawberry.field(name="to", description="To this time of day, as 08:00.")
    channels: list[MessageChannel] | None = strawberry.field(
        default=None, description="Over these channels; all of them if left out."
    )


@strawberry.input(description="What changes about the rules of sending. What is left out stays.")
class UpdateSendingPolicyInput:
    """What is new."""

    quiet_hours: QuietHoursInput | None = strawberry.field(
        default=strawberry.UNSET, description="When nobody is disturbed; null ends them."
    )
    timezone: str | None = strawberry.field(default=None, description="The timezone of people who have none.")
    in_doubt: JSON | None = strawberry.field(
        default=None,
        description="An object by channel of keep or resend; it replaces the one there is.",
    )
    soft_bounce_limit: int | None = strawberry.field(
        default=None, description="Soft bounces in a row that suppress an address, 1 to 100."
    )
    tracks_opens: bool | None = strawberry.field(default=None, description="Whether openings are noted.")
    tracks_clicks: bool | None = strawberry.field(default=None, description="Whether clicks are noted.")
    tracking_domain_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="A verified domain on which links stand; null: this server's host."
    )


@strawberry.input(description="A new frequency cap.")
class CreateFrequencyCapInput:
    """How many in which time."""

    messages: int = strawberry.field(description="How many messages at most, 1 to 1,000.")
    window_seconds: int = strawberry.field(description="In any so many seconds, 60 to 7,776,000.")
    channel: MessageChannel | None = strawberry.field(default=None, description="Over which channel; all if left out.")
    name: str = strawberry.field(default="", description="What it is called.")


@strawberry.input(description="A frequency cap that is to be deleted.")
class DeleteFrequencyCapInput:
    """Which one."""

    frequency_cap_id: strawberry.ID = strawberry.field(description="The cap.")


@strawberry.type(description="The rules of sending after a change.")
class SendingPolicyPayload:
    """The policy as it is now."""

    policy: SendingPolicy = strawberry.field(description="The policy as it is now.")


@strawberry.type(description="A new frequency cap.")
class FrequencyCapPayload:
    """The cap."""

    frequency_cap: FrequencyCap = strawberry.field(description="The cap.")


@strawberry.type(description="Which frequency cap was deleted.")
class DeleteFrequencyCapPayload:
    """The id that was."""

    frequency_cap_id: strawberry.ID = strawberry.field(description="The cap that was deleted.")


@strawberry.type
class SendingMutation:
    """Changes to the rules of sending."""

    @mutation(Scope.CAMPAIGNS_WRITE, "Changes the rules of sending.")
    async def update_sending_policy(self, info: Info, input: UpdateSendingPolicyInput) -> SendingPolicyPayload:
        quiet: Any = KEEP if input.quiet_hours is strawberry.UNSET else _quiet(input.quiet_hours)
        domain: Any = KEEP
        if input.tracking_domain_id is not strawberry.UNSET:
            given = input.tracking_domain_id
            domain = given and parse_id("domain", given, "tracking_domain_id")
        in_doubt: Any = input.in_doubt
        async with info.context.write() as tx:
            policy = await actions.update_sending_policy(
                tx,
                quiet_hours=quiet,
                timezone=input.timezone,
                in_doubt=in_doubt,
                soft_bounce_limit=input.soft_bounce_limit,
                tracks_opens=input.tracks_opens,
                tracks_clicks=input.tracks_clicks,
                tracking_domain_id=domain,
            )
        return SendingPolicyPayload(policy=SendingPolicy.of(policy))

    @mutation(Scope.CAMPAIGNS_WRITE, "Adds a frequency cap.")
    async def create_frequency_cap(self, info: Info, input: CreateFrequencyCapInput) -> FrequencyCapPayload:
        channel = None if input.channel is None else input.channel.value
        async with info.context.write() as tx:
            cap = await actions.create_frequency_cap(
                tx, messages=input.messages, window_s=input.window_seconds, channel=channel, name=input.name
            )
        return FrequencyCapPayload(frequency_cap=Ref(FrequencyCap, cap.id))  # type: ignore[arg-type]

    @mutation(Scope.CAMPAIGNS_WRITE, "Takes a frequency cap away.")
    async def delete_frequency_cap(self, info: Info, input: DeleteFrequencyCapInput) -> DeleteFrequencyCapPayload:
        key = parse_id("frequency_cap", input.frequency_cap_id, "frequency_cap_id")
        async with info.context.write() as tx:
            await actions.delete_frequency_cap(tx, frequency_cap_id=key)
        return DeleteFrequencyCapPayload(frequency_cap_id=strawberry.ID(public_id("frequency_cap", key)))


def _quiet(given: QuietHoursInput | None) -> dict[str, Any] | None:
    if given is None:
        return None
    quiet: dict[str, Any] = {"from": given.begin, "to": given.end}
    if given.channels is not None:
        quiet["channels"] = [channel.value for channel in given.channels]
    return quiet
