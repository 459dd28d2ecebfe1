"""Every kind of integration: over which channels it carries, what it must be told, and how a provider is made of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from joserfc.jwk import ECKey
from pydantic import ValidationError

from app.channels import saying
from app.channels.carrying import Provider
from app.channels.mail.dkim import Signer
from app.channels.mail.session import Server
from app.channels.mail.smtp import SmtpLimits, SmtpProvider
from app.channels.push.apns import Apns, ApnsApp
from app.channels.push.fanout import PushProvider
from app.channels.push.fcm import Fcm, FcmAccount
from app.channels.push.web_push import WebPush, new_key, public_key_of
from app.channels.saying import Nothing, Said
from app.channels.sms.telnyx import TelnyxAccount, TelnyxProvider
from app.channels.sms.twilio import TwilioAccount, TwilioProvider
from app.channels.webhook import WebhookProvider, WebhookSettings
from app.core.errors import Invalid, Issue
from app.core.fetching import Fetcher

ISSUES_SHOWN = 20
CHANNELS = ("email", "sms", "push", "in_app", "whatsapp", "webhook")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a provider has of this server: HTTP clients (the second speaks HTTP/2), the keys with which the tenant's
    verified domains sign, where it calls us back, and what this server is called."""

    fetcher: Fetcher
    fetcher2: Fetcher
    signers: Mapping[str, Signer] = field(default_factory=dict)
    callback_url: str = ""
    hostname: str = "localhost"


Make = Callable[[Any, Any, Surroundings], Provider]
Complete = Callable[[Any, Any], tuple[Said, Said]]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind. ``make`` makes a provider of its settings and credentials; None: its messages stay here (``outbox``
    and ``chat``) and are written in the unit that records them.

    ``destinations`` are the settings that say to whom the credentials are shown: who changes one must know them.
    """

    name: str
    channels: tuple[str, ...]
    title: str
    settings: type[Said]
    credentials: type[Said]
    make: Make | None = None
    destinations: tuple[str, ...] = ()
    complete: Complete = lambda settings, credentials: (settings, credentials)

    def prepare(self, settings: Said, credentials: Said) -> tuple[dict[str, Any], dict[str, Any]]:
        """Both as they are kept, with what is made here if it was not given (keys). Raises :class:`Invalid`."""
        told, known = self.complete(settings, credentials)
        return told.model_dump(mode="json"), {name: value for name, value in known.model_dump().items() if value}

    @property
    def is_local(self) -> bool:
        return self.make is None


def _smtp(settings: saying.SmtpSettings, credentials: saying.SmtpCredentials, around: Surroundings) -> Provider:
    server = Server(
        host=settings.host,
        port=settings.port,
        security=settings.security,
        username=settings.username,
        password=credentials.password,
        local_hostname=settings.local_hostname or around.hostname,
    )
    limits = SmtpLimits(settings.connections, settings.messages_per_connection, settings.return_path)
    return SmtpProvider(server, limits, around.fetcher.guard, around.signers)


def _twilio(settings: saying.TwilioSettings, credentials: saying.TwilioCredentials, around: Surroundings) -> Provider:
    account = TwilioAccount(
        settings.account_sid, credentials.auth_token, settings.sender, around.callback_url, settings.api_url
    )
    return TwilioProvider(account, around.fetcher, settings.concurrency)


def _telnyx(settings: saying.TelnyxSettings, credentials: saying.TelnyxCredentials, around: Surroundings) -> Provider:
    account = TelnyxAccount(
        credentials.api_key, settings.sender, settings.profile_id, around.callback_url, settings.api_url
    )
    return TelnyxProvider(account, around.fetcher, settings.concurrency)


def _web_push(
    settings: saying.WebPushSettings, credentials: saying.WebPushCredentials, around: Surroundings
) -> Provider:
    return PushProvider({"web_push": WebPush(credentials.private_key, settings.subject, around.fetcher)})


def _fcm(settings: saying.FcmSettings, credentials: saying.FcmCredentials, around: Surroundings) -> Provider:
    account = FcmAccount(orjson.loads(credentials.service_account))
    return PushProvider({"fcm": Fcm(account, around.fetcher, settings.api_url)})


def _apns(settings: saying.ApnsSettings, credentials: saying.ApnsCredentials, around: Surroundings) -> Provider:
    app = ApnsApp(settings.team_id, settings.key_id, credentials.private_key, settings.topic, settings.api_url)
    return PushProvider({"apns": Apns(app, around.fetcher2)})


def _webhook(
    settings: saying.WebhookKindSettings, credentials: saying.WebhookCredentials, around: Surroundings
) -> Provider:
    used = WebhookSettings(credentials.signing_secret, settings.url, settings.headers, settings.timeout_s)
    return WebhookProvider(used, around.fetcher, settings.concurrency)


def _with_web_push_key(settings: saying.WebPushSettings, credentials: saying.WebPushCredentials) -> tuple[Said, Said]:
    private = credentials.private_key or new_key()
    try:
        public = public_key_of(private)
    except ValueError as wrong:
        raise Invalid.at("credentials.private_key", "is not a VAPID key in base64url") from wrong
    return (
        settings.model_copy(update={"public_key": public}),
        credentials.model_copy(update={"private_key": private}),
    )


def _with_project(settings: saying.FcmSettings, credentials: saying.FcmCredentials) -> tuple[Said, Said]:
    try:
        project = FcmAccount(orjson.loads(credentials.service_account)).project_id
    except (ValueError, TypeError, AttributeError) as wrong:
        raise Invalid.at("credentials.service_account", "is not the JSON key of a service account") from wrong
    return settings.model_copy(update={"project_id": project}), credentials


def _with_apple_key(settings: saying.ApnsSettings, credentials: saying.ApnsCredentials) -> tuple[Said, Said]:
    try:
        ECKey.import_key(credentials.private_key)
    except (ValueError, TypeError) as wrong:
        raise Invalid.at("credentials.private_key", "is not the text of a .p8 file") from wrong
    return settings, credentials


ADDRESS = ("api_url",)
KINDS = {
    kind.name: kind
    for kind in (
        Kind("outbox", CHANNELS, "Outbox of this server", Nothing, Nothing),
        Kind("chat", ("in_app",), "Chat of this server", Nothing, Nothing),
        Kind(
            "smtp",
            ("email",),
            "SMTP relay",
            saying.SmtpSettings,
            saying.SmtpCredentials,
            _smtp,
            ("host", "port", "security"),
        ),
        Kind(
            "twilio",
            ("sms", "whatsapp"),
            "Twilio",
            saying.TwilioSettings,
            saying.TwilioCredentials,
            _twilio,
            ("account_sid", "api_url"),
        ),
        Kind("telnyx", ("sms",), "Telnyx", saying.TelnyxSettings, saying.TelnyxCredentials, _telnyx, ADDRESS),
        Kind(
            "web_push",
            ("push",),
            "Web push",
            saying.WebPushSettings,
            saying.WebPushCredentials,
            _web_push,
            complete=_with_web_push_key,
        ),
        Kind(
            "fcm",
            ("push",),
            "Firebase Cloud Messaging",
            saying.FcmSettings,
            saying.FcmCredentials,
            _fcm,
            ADDRESS,
            _with_project,
        ),
        Kind(
            "apns",
            ("push",),
            "Apple Push Notification service",
            saying.ApnsSettings,
            saying.ApnsCredentials,
            _apns,
            ADDRESS,
            _with_apple_key,
        ),
        Kind("webhook", ("webhook",), "Webhook", saying.WebhookKindSettings, saying.WebhookCredentials, _webhook),
    )
}
DEFAULTS = {channel: "chat" if channel == "in_app" else "outbox" for channel in CHANNELS}
"""What carries a channel for which the tenant has no integration."""


def kind_of(name: str, field: str = "kind") -> Kind:
    """The kind of that name. Raises :class:`Invalid` at ``field``."""
    kind = KINDS.get(name)
    if kind is None:
        raise Invalid.at(field, f"must be one of {', '.join(KINDS)}")
    return kind


def check_object(document: Any, path: str) -> None:
    """The graph's JSON may be anything. Raises :class:`Invalid` at ``path`` of what is no object."""
    if not isinstance(document, Mapping):
        raise Invalid.at(path, "must be an object")


def checked(model: type[Said], document: Mapping[str, Any], path: str) -> Said:
    """The document as ``model`` has it. Raises :class:`Invalid` at or below ``path``, never repeating what was said."""
    check_object(document, path)
    try:
        return model.model_validate(dict(document))
    except ValidationError as wrong:
        raise Invalid(*(_issue(path, error) for error in wrong.errors()[:ISSUES_SHOWN])) from None


def _issue(path: str, error: Any) -> Issue:
    where = ".".join([path, *map(str, error["loc"])])
    return Issue(where, str(error["msg"]).removeprefix("Value error, "))
