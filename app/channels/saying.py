"""What integrations must be told, kind by kind: settings, which may be read, and credentials, which may not."""

import binascii
from base64 import b64decode
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from app.channels.mail.headers import CONTROL, HEADER_NAME, Unwritable, bare_address
from app.channels.push.apns import API as APNS
from app.channels.push.fcm import API as FCM
from app.channels.sms.telnyx import API as TELNYX
from app.channels.sms.twilio import API as TWILIO
from app.channels.webhook import NOT_GIVEN
from app.core.contact import is_storable

MAX_HEADERS = 20


def _storable(text: str) -> str:
    if not is_storable(text):
        raise ValueError("contains a character that cannot be stored")
    return text


def _return_path(text: str) -> str:
    if text:
        try:
            bare_address(text.replace("{delivery}", "0" * 32))
        except Unwritable as wrong:
            raise ValueError("must be an address such as bounces+{delivery}@example.com") from wrong
    return text


def _sender(text: str) -> str:
    if text:
        try:
            bare_address(text)
        except Unwritable as wrong:
            raise ValueError("must be an address such as Shop <hello@example.com>") from wrong
    return text


def _headers(headers: dict[str, str]) -> dict[str, str]:
    for name, value in headers.items():
        if not HEADER_NAME.fullmatch(name) or name.lower() in NOT_GIVEN:
            raise ValueError(f"has a header that cannot be given: {name[:80]}")
        if CONTROL.search(value) or not value.isascii():
            raise ValueError(f"has a line break or a letter that is not ASCII in the header {name}")
    return headers


def _signing_secret(text: str) -> str:
    try:
        found = b64decode(text.removeprefix("whsec_"), validate=True)
    except binascii.Error as wrong:
        raise ValueError("must be whsec_ and base64") from wrong
    if text and not 24 <= len(found) <= 64:
        raise ValueError("must have 24 to 64 bytes")
    return text


Text = Annotated[str, Field(max_length=500), AfterValidator(_storable)]
Secret = Annotated[str, Field(max_length=20_000, repr=False), AfterValidator(_storable)]
Needed = Annotated[Secret, Field(min_length=1)]
Host = Annotated[str, Field(pattern=r"^[A-Za-z0-9.:_-]{1,253}$")]
Url = Annotated[str, Field(max_length=2000, pattern=r"^https?://[^\s]+$"), AfterValidator(_storable)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,200}$")]
Sender = Annotated[str, Field(pattern=r"^[A-Za-z0-9+ ]{1,50}$")]
Concurrency = Annotated[int, Field(ge=1, le=100)]


class Said(BaseModel):
    """What is said of an integration. Names that are not known are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


class Nothing(Said):
    """There is nothing to say."""


class SmtpSettings(Said):
    """A mail relay. ``security``: ``starttls``, ``tls`` from the start, or ``none``. ``return_path`` is where reports
    of what could not be delivered go; ``{delivery}`` in it says about which delivery they are. ``system_sender`` is
    from whom this server's own mails come (verification, invitation, transcript); without it they are only kept."""

    host: Host
    port: Annotated[int, Field(ge=1, le=65535)] = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: Text = ""
    connections: Annotated[int, Field(ge=1, le=50)] = 8
    messages_per_connection: Annotated[int, Field(ge=1, le=10_000)] = 500
    return_path: Annotated[Text, AfterValidator(_return_path)] = ""
    system_sender: Annotated[Text, AfterValidator(_sender)] = ""
    local_hostname: Annotated[str, Field(pattern=r"^[A-Za-z0-9.-]{0,253}$")] = ""


class SmtpCredentials(Said):
    """The password of ``username``. Requests to the callback are signed with ``callback_secret`` (``whsec_…``), or
    show it; without one none is believed."""

    password: Secret = ""
    callback_secret: Annotated[Secret, AfterValidator(_signing_secret)] = ""


class TwilioSettings(Said):
    """``sender``: a number, or a messaging service (``MG…``)."""

    account_sid: Name
    sender: Sender
    api_url: Url = TWILIO
    concurrency: Concurrency = 16


class TwilioCredentials(Said):
    """The account's token, which also signs what Twilio tells us."""

    auth_token: Needed


class TelnyxSettings(Said):
    """``sender``: a number, a short code or an alphanumeric id. ``public_key`` verifies what Telnyx tells us."""

    sender: Sender
    profile_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{0,64}$")] = ""
    public_key: Annotated[str, Field(pattern=r"^[A-Za-z0-9+/=]{0,64}$")] = ""
    api_url: Url = TELNYX
    concurrency: Concurrency = 16


class TelnyxCredentials(Said):
    """The key of the API."""

    api_key: Needed


class WebPushSettings(Said):
    """``subject`` says who sends: ``mailto:push@example.com``. ``public_key`` is made of the private one; pages
    subscribe with it."""

    subject: Annotated[str, Field(max_length=500, pattern=r"^(mailto:|https://)[^\s]+$")]
    public_key: str = ""


class WebPushCredentials(Said):
    """The VAPID key in base64url; made here if it is not given."""

    private_key: Secret = ""


class FcmSettings(Said):
    """``project_id`` is the service account's."""

    project_id: str = ""
    api_url: Url = FCM


class FcmCredentials(Said):
    """The service account's key: the JSON that Google gives out, as text."""

    service_account: Needed


class ApnsSettings(Said):
    """``topic`` is the app's bundle id."""

    team_id: Name
    key_id: Name
    topic: Name
    api_url: Url = APNS


class ApnsCredentials(Said):
    """The key's ``.p8`` file, as text."""

    private_key: Needed


class WebhookKindSettings(Said):
    """``url`` is for messages that name no address of their own; ``headers`` go with all."""

    url: Annotated[str, Field(max_length=2000, pattern=r"^(https?://[^\s]+)?$")] = ""
    headers: Annotated[dict[str, Text], Field(max_length=MAX_HEADERS), AfterValidator(_headers)] = {}
    timeout_s: Annotated[float, Field(ge=1, le=60)] = 15.0
    concurrency: Concurrency = 16


class WebhookCredentials(Said):
    """``signing_secret`` signs requests as Standard Webhooks has it; without one they are not signed."""

    signing_secret: Annotated[Secret, AfterValidator(_signing_secret)] = ""
