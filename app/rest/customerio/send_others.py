"""Customer.io ``/v1/send/push``, ``sms``, ``whatsapp``, ``inbox_message`` and ``in_app``."""

from typing import Any

from pydantic import Field

from app.rest.customerio.sends import AddressedSending, NamedSending, Queued, queue, send_endpoint
from app.rest.customerio.wire import Text, UnixSeconds, Wire
from app.rest.door import Call


class CustomDevice(Wire):
    """A device to which this one message goes, whether or not it is one of the person's."""

    token: Text
    platform: Text
    last_used: UnixSeconds | None = None
    attributes: dict[str, Any] | None = None


class Push(NamedSending):
    """A push. `to`: `all`, `last_used`, or the token of a device."""

    to: Text = "all"
    title: str | None = None
    message: str | None = None
    image_url: str | None = None
    link: str | None = None
    sound: str | None = Field(None, description="`default` or `none`.")
    custom_data: dict[str, Any] | None = None
    custom_device: CustomDevice | None = None
    custom_payload: dict[str, Any] | None = Field(None, description="Of `ios` and `android`, in place of ours.")


async def send_push(call: Call[Push, None]) -> Queued:
    said = call.body
    fields = {
        "title": said.title,
        "image_url": said.image_url,
        "link": said.link,
        "sound": said.sound,
        "custom_data": said.custom_data,
        "custom_payload": said.custom_payload,
    }
    content = {"body": said.message, "fields": {name: value for name, value in fields.items() if value is not None}}
    given, device = said.custom_device, None
    if given is not None:
        device = {"token": given.token, "platform": given.platform, "attributes": given.attributes or {}}
    return await queue(call, "push", to=said.to, content=content, device=device)


async def send_sms(call: Call[AddressedSending, None]) -> Queued:
    return await queue(call, "sms", to=call.body.to or "")


async def send_whatsapp(call: Call[AddressedSending, None]) -> Queued:
    return await queue(call, "whatsapp", to=call.body.to or "")


async def send_inbox_message(call: Call[NamedSending, None]) -> Queued:
    return await queue(call, "in_app")


async def send_in_app(call: Call[NamedSending, None]) -> Queued:
    return await queue(call, "in_app")


ENDPOINTS = (
    send_endpoint(
        "push",
        send_push,
        "Send a push",
        body=Push,
        fields={"device": "custom_device"},
    ),
    send_endpoint("sms", send_sms, "Send a text message", body=AddressedSending),
    send_endpoint("whatsapp", send_whatsapp, "Send a WhatsApp message", body=AddressedSending),
    send_endpoint("inbox_message", send_inbox_message, "Send a message to the inbox", body=NamedSending),
    send_endpoint("in_app", send_in_app, "Send an in-app message", body=NamedSending),
)
