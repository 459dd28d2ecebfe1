"""The document that says what a widget looks like, what it says, and when somebody answers.

    {"colors": {"accent": "#2563eb", "on_accent": "#ffffff"},
     "theme": "auto", "position": "right",
     "default_language": "en",
     "texts": {"en": {"title": "Talk to us"}, "de": {"title": "Sprich mit uns"}},
     "ask_email": "never", "csat": true, "files": true, "show_agents": true,
     "hours": null | {"timezone": "Europe/Berlin",
                      "week": {"mon": [["09:00", "12:30"], ["13:30", "18:00"]]},
                      "holidays": [{"date": "2026-12-24", "name": "Christmas Eve", "spans": [["09:00", "12:00"]]}]}}

Hours of null: always open. A day that is not in ``week`` is closed. A span is local time, from the first to before the
second; ``24:00`` ends a day. A holiday's spans replace its weekday's (none: closed); with ``"yearly": true`` it comes
back on that day of every year.
"""

import re
from collections.abc import Mapping
from datetime import date as calendar_date
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from app.core.contact import is_storable, normalise_locale, normalise_timezone
from app.core.errors import Invalid, Issue

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
READABLE = 4.5
"""The least contrast of text (WCAG 2.2, 1.4.3)."""
MAX_TEXTS = 60
MAX_TEXT = 500
MAX_LANGUAGES = 30
MAX_SPANS = 8
MAX_HOLIDAYS = 200
ISSUES_SHOWN = 20

CLOCK = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]|24:00")
COLOR = re.compile(r"#[0-9a-fA-F]{6}")
TEXT_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


def _storable(text: str) -> str:
    if not is_storable(text):
        raise ValueError("contains a character that cannot be stored")
    return text


def _color(text: str) -> str:
    if not COLOR.fullmatch(text):
        raise ValueError("must be a colour such as #2563eb")
    return text.lower()


def _clock(text: str) -> str:
    if not CLOCK.fullmatch(text):
        raise ValueError("must be a time such as 09:30, at most 24:00")
    return text


def _span(span: tuple[str, str]) -> tuple[str, str]:
    if span[0] >= span[1]:
        raise ValueError("must end after it begins; what goes on past midnight are two spans")
    return span


def _spans(spans: list[tuple[str, str]]) -> list[tuple[str, str]]:
    ordered = sorted(spans)
    if any(later[0] < earlier[1] for earlier, later in pairwise(ordered)):
        raise ValueError("must not overlap")
    return ordered


def _language(text: str) -> str:
    try:
        return normalise_locale(text)
    except Invalid as wrong:
        raise ValueError(wrong.issues[0].message) from wrong


def _timezone(text: str) -> str:
    try:
        return normalise_timezone(text)
    except Invalid as wrong:
        raise ValueError(wrong.issues[0].message) from wrong


def _text_name(text: str) -> str:
    if not TEXT_NAME.fullmatch(text):
        raise ValueError("must be a name in lower case such as away_title")
    return text


Text = Annotated[str, Field(max_length=MAX_TEXT), AfterValidator(_storable)]
Color = Annotated[str, AfterValidator(_color)]
Language = Annotated[str, AfterValidator(_language)]
Texts = Annotated[dict[Annotated[str, AfterValidator(_text_name)], Text], Field(max_length=MAX_TEXTS)]
Clock = Annotated[str, AfterValidator(_clock)]
Span = Annotated[tuple[Clock, Clock], AfterValidator(_span)]
Spans = Annotated[list[Span], Field(max_length=MAX_SPANS), AfterValidator(_spans)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Colors(_Part):
    """The accent, and what is written on it: black or white, whichever is read more easily, if not given."""

    accent: Color = "#2563eb"
    on_accent: Color = ""

    @model_validator(mode="after")
    def _readable(self) -> "Colors":
        if not self.on_accent:
            self.on_accent = max("#ffffff", "#000000", key=lambda color: contrast(color, self.accent))
        if contrast(self.on_accent, self.accent) < READABLE:
            raise ValueError(f"on_accent must have a contrast of at least {READABLE} to accent")
        return self


class Holiday(_Part):
    """A day with hours of its own."""

    date: Annotated[calendar_date, Field(strict=False)]
    name: Text = ""
    yearly: bool = False
    spans: Spans = []


class Hours(_Part):
    """When somebody answers."""

    timezone: Annotated[str, AfterValidator(_timezone)]
    week: dict[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], Spans] = {}
    holidays: Annotated[list[Holiday], Field(max_length=MAX_HOLIDAYS)] = []


class Settings(_Part):
    """The whole document, with what counts where nothing is said."""

    colors: Colors = Field(default_factory=Colors)
    theme: Literal["auto", "light", "dark"] = "auto"
    position: Literal["right", "left"] = "right"
    default_language: Language = "en"
    texts: Annotated[dict[Language, Texts], Field(max_length=MAX_LANGUAGES)] = {}
    ask_email: Literal["never", "optional", "required"] = "never"
    csat: bool = True
    files: bool = True
    show_agents: bool = True
    hours: Hours | None = None


def checked_settings(document: Mapping[str, Any], path: str = "settings") -> dict[str, Any]:
    """The whole document with every default filled in. Raises :class:`Invalid` with each offending place."""
    if not isinstance(document, Mapping):
        raise Invalid.at(path, "must be an object")
    try:
        read = Settings.model_validate(_with_tuples(dict(document)))
    except ValidationError as wrong:
        errors = wrong.errors(include_url=False, include_context=False, include_input=False)
        raise Invalid(*(_issue(error, path) for error in errors[:ISSUES_SHOWN])) from None
    return read.model_dump(mode="json")


def changed_settings(before: Mapping[str, Any], sections: Mapping[str, Any], path: str = "settings") -> dict[str, Any]:
    """The document with each given section in place of the old one; null gives its default back."""
    if not isinstance(sections, Mapping):
        raise Invalid.at(path, "must be an object")
    merged = {**before, **sections}
    return checked_settings({name: value for name, value in merged.items() if value is not None}, path)


def contrast(one: str, other: str) -> float:
    """The contrast of two colours by WCAG 2.2: 1 (the same) to 21 (black on white)."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(color: str) -> float:
    channels = (int(color[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _with_tuples(value: Any) -> Any:
    """JSON's spans are lists; the strict reading of a pair wants tuples."""
    if isinstance(value, Mapping):
        return {name: _with_tuples(item) for name, item in value.items()}
    if isinstance(value, list):
        pair = len(value) == 2 and all(isinstance(item, str) for item in value)
        return tuple(value) if pair else [_with_tuples(item) for item in value]
    return value


def _issue(error: Any, path: str) -> Issue:
    place = ".".join([path, *(str(part) for part in error["loc"] if part != "[key]")])
    message = str(error["msg"]).removeprefix("Value error, ").removeprefix("Input ").replace("should", "must", 1)
    if error["type"] == "extra_forbidden":
        message = "is not a setting"
    return Issue(place, message[:1].lower() + message[1:])
