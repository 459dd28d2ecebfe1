"""SiloCDP ``/sms``: one text message to one subscriber, before all campaigns."""

from pydantic import Field

from app.actions.campaigns import TransactionalSend, send_transactional
from app.actions.customers import CustomerRef
from app.core.access import Scope
from app.core.errors import Invalid
from app.core.ids import parse_id, public_id
from app.rest.door import Call, Endpoint
from app.rest.door.moments import Moment
from app.rest.door.places import Places
from app.rest.silocdp.drafts import DraftSaved
from app.rest.silocdp.wire import Required, Wire
from app.templates import Source, compile_content

TAG = "SMS"


class NewSms(Wire):
    """`to` or `subscriberId` says to whom; with both, the message to that subscriber goes to this number."""

    to: str | None = Field(None, description="E.164, such as `+14155550100`. Who is not known is made a subscriber.")
    subscriber_id: str | None = Field(None, description="A subscriber (`cust_…`).")
    message: Required = Field(description="Liquid, as `{{ customer.first_name }}`.")
    scheduled_at: Moment | None = Field(None, description="At most 90 days ahead. Default: now.")
    idempotency_key: str | None = Field(None, description="The same key again is the same message.")


class SmsQueued(DraftSaved):
    """A delivery (`dlv_…`)."""

    status: str = Field(description="`queued`.")


async def send_sms(call: Call[NewSms, None]) -> SmsQueued:
    body = call.body
    if body.to is None and body.subscriber_id is None:
        raise Invalid.at("to", "is required (or subscriberId)")
    customer = None
    if body.subscriber_id is not None:
        customer = CustomerRef("id", parse_id("customer", body.subscriber_id, "subscriberId").hex)
    places = Places()
    for path, said in (("body", "message"), ("content.body", "message"), ("send_at", "scheduledAt")):
        places.note(path, said)
    places.note("customer", "subscriberId" if customer else "to")
    with places.telling():
        compile_content(Source(channel="sms", body=body.message), snippets={})
        async with call.write() as tx:
            queued = await send_transactional(
                tx,
                send=TransactionalSend(
                    "sms",
                    customer=customer,
                    to=body.to or "",
                    content={"body": body.message},
                    send_at=body.scheduled_at,
                    idempotency_key=body.idempotency_key,
                ),
            )
    return SmsQueued(id=public_id("delivery", queued), status="queued")


ENDPOINTS = (
    Endpoint(
        method="POST",
        path="/api/v1/sms/send",
        handler=send_sms,
        tag=TAG,
        summary="Send an SMS",
        scope=Scope.CAMPAIGNS_SEND,
        body=NewSms,
        response=SmsQueued,
        fields={"customer": "subscriberId"},
    ),
)
