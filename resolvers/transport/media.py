"""Which media type a request speaks and which one it wants to hear."""

from dataclasses import dataclass
from functools import lru_cache

CACHED_BYTES = 256


@dataclass(frozen=True, slots=True)
class Media:
    """A media type we can answer with. Under ``legacy``, every well-formed request is answered with status 200."""

    content_type: bytes
    legacy: bool = False
    is_json: bool = True


JSON = Media(b"application/json; charset=utf-8", legacy=True)
RESPONSE = Media(b"application/graphql-response+json; charset=utf-8")
EVENTS = Media(b"text/event-stream; charset=utf-8", is_json=False)
PAGE = Media(b"text/html; charset=utf-8", is_json=False)

_OFFERED = {
    "*/*": JSON,
    "application/*": JSON,
    "application/json": JSON,
    "application/graphql-response+json": RESPONSE,
    "text/event-stream": EVENTS,
    "text/*": EVENTS,
    "text/html": PAGE,
}


@dataclass(frozen=True, slots=True)
class Accepted:
    """What a client accepts: the medium of its choice other than a page (None: none of ours), whether it would take
    an event stream, and whether it would rather have a page."""

    media: Media | None
    events: bool = False
    page: bool = False


def accepted(header: bytes | None) -> Accepted:
    """The media of an ``Accept`` header: the highest quality wins, then the first one named."""
    if header is None:
        return _ANYTHING
    return _remembered(header) if len(header) <= CACHED_BYTES else _negotiate(header)


def is_json(content_type: bytes | None) -> bool:
    """Whether a body is declared to be JSON in UTF-8. Nothing else is read: every other type that a foreign page
    could post without a preflight (forms, plain text) is refused."""
    if content_type == b"application/json":
        return True
    name, parameters = _parse(content_type.decode("latin-1") if content_type else "")
    return name == "application/json" and parameters.get("charset", "utf-8") in ("utf-8", "utf8")


_ANYTHING = Accepted(JSON)


def _negotiate(header: bytes) -> Accepted:
    ranked: list[tuple[float, int, Media]] = []
    for entry in header.decode("latin-1").split(","):
        name, parameters = _parse(entry)
        media = _OFFERED.get(name)
        quality = _quality(parameters.get("q", "1"))
        if media is not None and quality > 0 and parameters.get("charset", "utf-8") in ("utf-8", "utf8"):
            ranked.append((-quality, len(ranked), media))
    order = [media for _, _, media in sorted(ranked, key=lambda rank: rank[:2])]
    answers = [media for media in order if media is not PAGE]
    return Accepted(answers[0] if answers else None, EVENTS in answers, bool(order) and order[0] is PAGE)


_remembered = lru_cache(maxsize=256)(_negotiate)


def _parse(text: str) -> tuple[str, dict[str, str]]:
    name, *rest = text.lower().split(";")
    pairs = (part.partition("=") for part in rest)
    return name.strip(), {key.strip(): value.strip().strip('"') for key, _, value in pairs}


def _quality(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
