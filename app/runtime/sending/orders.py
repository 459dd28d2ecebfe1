"""From a message that may go to the renderer's order, and from its answer to what goes out."""

from app.actions.deliveries import TRANSACTIONAL, Gathered, Parcel, option
from app.core.message import Message
from app.core.streams import Stream
from app.gates import no_content, through
from app.runtime.providers import OpenProvider
from app.runtime.sending.templates import Ready
from app.templates.rendering import Order, Rendered


def order_of(parcel: Parcel, known: Gathered, ready: Ready, stream: Stream, base_url: str) -> Order:
    """What the renderer needs to make a message. ``base_url``: where links go without a domain for tracking."""
    claim, policy = parcel.claim, known.policy
    person = known.people[claim.customer_id]
    names = person.names
    campaign = known.campaigns.get(claim.campaign_id) if claim.campaign_id else None
    is_tracked = not claim.is_test and claim.channel == "email" and option(claim, campaign, "is_tracked", True)
    run = known.runs.get(claim.run_id, {}) if claim.run_id else {}
    return Order(
        key=ready.key,
        tenant_id=stream.tenant_id,
        delivery_id=claim.id,
        person_id=person.id,
        attributes=person.attributes,
        person=(
            names.get("external_id"),
            names.get("email"),
            names.get("phone"),
            person.timezone,
            person.locale,
            person.created_at,
        ),
        event=claim.data.get("event"),
        trigger={**run, **(claim.data.get("data") or {})},
        base_url=f"https://{policy.tracking_host}" if policy.tracking_host else base_url,
        numbers=ready.numbers if is_tracked and policy.tracks_clicks else None,
        tracks_opens=is_tracked and policy.tracks_opens,
    )


def broken(parcel: Parcel, problem: str) -> Parcel:
    """A message that cannot be made, and why."""
    parcel.decision = no_content(parcel.decision, problem)
    return parcel


def fill(parcel: Parcel, rendered: Rendered, opened: OpenProvider) -> None:
    """Puts into the parcel what was rendered for it."""
    assert rendered.message is not None
    message = parcel.message = Message(*rendered.message)
    parcel.decision = through(parcel.decision, opened.kind)
    if parcel.claim.lane != TRANSACTIONAL or not parcel.claim.data.get("content"):
        parcel.unsubscribe_url = rendered.unsubscribe_url
    if parcel.claim.channel == "webhook":
        parcel.recipient = str(message.fields.get("url") or parcel.recipient)
    elif parcel.claim.channel == "push":
        parcel.recipient = f"{len(parcel.devices)} devices" if len(parcel.devices) > 1 else parcel.devices[0].token
