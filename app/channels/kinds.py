"""Every kind of integration: over which channels it carries, what it must be told, and how a provider is made of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from app.channels.carrying import Provider
from app.channels.mail.dkim import Signer
from app.channels.mail.headers import Unwritable, bare_address
from app.channels.mail.session import Server
from app.channels.mail.smtp import SmtpLimits, SmtpProvider
from app.core.contact import is_storable
from app.core.errors import Invalid, Issue
from app.core.fetching import Fetcher

ISSUES_SHOWN = 20
CHANNELS = ("email", "sms", "push", "in_app", "whatsapp", "webhook")


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


Text = Annotated[str, Field(max_length=500), AfterValidator(_storable)]
Secret = Annotated[str, Field(max_length=20_000, repr=False), AfterValidator(_storable)]
Host = Annotated[str, Field(pattern=r"^[A-Za-z0-9.:_-]{1,253}$")]


class Said(BaseModel):
    """What is said of an integration. Names that are not known are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


class Nothing(Said):
    """There is nothing to say."""


class SmtpSettings(Said):
    """A mail relay. ``security``: ``starttls``, ``tls`` from the start, or ``none``. ``return_path`` is where reports
    of what could not be delivered go; ``{delivery}`` in it says about which delivery they are."""

    host: Host
    port: Annotated[int, Field(ge=1, le=65535)] = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: Text = ""
    connections: Annotated[int, Field(ge=1, le=50)] = 8
    messages_per_connection: Annotated[int, Field(ge=1, le=10_000)] = 500
    return_path: Annotated[Text, AfterValidator(_return_path)] = ""
    local_hostname: Annotated[str, Field(pattern=r"^[A-Za-z0-9.-]{0,253}$")] = ""


class SmtpCredentials(Said):
    """The password of ``username``."""

    password: Secret = ""


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


def _smtp(settings: SmtpSettings, credentials: SmtpCredentials, around: Surroundings) -> Provider:
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


KINDS = {
    kind.name: kind
    for kind in (
        Kind("outbox", CHANNELS, "Outbox of this server", Nothing, Nothing),
        Kind("chat", ("in_app",), "Chat of this server", Nothing, Nothing),
        Kind("smtp", ("email",), "SMTP relay", SmtpSettings, SmtpCredentials, _smtp, ("host", "port", "security")),
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


def checked(model: type[Said], document: Mapping[str, Any], path: str) -> Said:
    """The document as ``model`` has it. Raises :class:`Invalid` below ``path``; it never repeats what was said."""
    try:
        return model.model_validate(dict(document))
    except ValidationError as wrong:
        raise Invalid(*(_issue(path, error) for error in wrong.errors()[:ISSUES_SHOWN])) from None


def _issue(path: str, error: Any) -> Issue:
    where = ".".join([path, *map(str, error["loc"])])
    return Issue(where, str(error["msg"]).removeprefix("Value error, "))
