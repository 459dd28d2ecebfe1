"""Liquid's filters, none of which can be made to take long or to fill the memory."""

import functools
import hashlib
import math
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from babel import Locale, UnknownLocaleError
from babel.numbers import format_currency, format_decimal
from dateutil import parser as dates
from liquid import Environment, Markup, Token, Undefined
from liquid.exceptions import FilterArgumentError, LiquidError
from liquid.filter import with_environment

from app.core import clock

LONGEST_TEXT = 100_000
LONGEST_ARGUMENT = 10_000
LONGEST_LIST = 10_000
LONGEST_RANGE = 1_000
LARGEST_NUMBER = 10**30
LATEST_SECOND = 10**11
"""Numbers beyond are no moments in seconds: the year would be 5138."""
MOST_DIGITS = 30
MOST_WORK = 3_000_000
"""Characters, items and steps that one part of a message may cost."""
MOST_SECONDS = 0.5
MOST_SECONDS_OF_MESSAGE = 2.0
"""All parts of a message together, of which there may be thousands."""
LONGEST_MESSAGE = 5_000_000
FORMAT = re.compile(r"%([-_^0#]?)(?:[1-9]\d?)?([a-zA-Z%])")
TAG = re.compile(r"<[^<>]*>")


class OutOfBounds(LiquidError):
    """A template wants more than there is for one message."""

    def __init__(self, message: str) -> None:
        super().__init__(message, token=None)


class Meter(threading.local):
    """What the part that is being rendered has cost. Each thread renders one part at a time."""

    work = 0
    ends_at = 0.0
    message_ends_at = math.inf
    busy_before = 0.0
    written = 0
    missed: dict[str, None] | None = None

    def begin(self) -> None:
        """A new message begins."""
        self.message_ends_at = time.perf_counter() + MOST_SECONDS_OF_MESSAGE
        self.busy_before = time.thread_time()
        self.written = 0

    def end(self) -> None:
        """It is over."""
        self.message_ends_at = math.inf

    def start(self) -> None:
        """A new part begins."""
        self.work = 0
        self.ends_at = min(time.perf_counter() + MOST_SECONDS, self.message_ends_at)

    def wrote(self, length: int) -> bool:
        """Notes the length of a part. Returns whether all parts together are not too long yet."""
        self.written += length
        return self.written <= LONGEST_MESSAGE or self.message_ends_at == math.inf

    def spend(self, amount: int) -> None:
        """Raises :class:`OutOfBounds` when too much was spent, in work or in time."""
        self.work += amount
        if self.work > MOST_WORK:
            raise OutOfBounds("does too much work for one message")
        now = time.perf_counter()
        if now > self.ends_at:
            self._is_late(now)

    def _is_late(self, now: float) -> None:
        """Where the time went elsewhere (the machine stood still, or others had it), there is more of it."""
        left = MOST_SECONDS - (time.thread_time() - self.busy_before)
        if left <= 0:
            raise OutOfBounds("takes too long for one message")
        self.ends_at = now + left

    @contextmanager
    def noting(self) -> Iterator[dict[str, None]]:
        """Notes what is asked for within the block and is not there."""
        self.missed = {}
        try:
            yield self.missed
        finally:
            self.missed = None


METER = Meter()


class Missing(Undefined):
    """What a template names and nobody has: nothing, and false."""

    def __init__(self, name: str, *, token: Token | None = None, obj: object = None, hint: str | None = None) -> None:
        super().__init__(name, token=token, obj=obj, hint=hint)
        if METER.missed is not None:
            METER.missed[(hint or f"{name!r}").removesuffix(" is undefined").strip("'")] = None


def bounded(name: str, filter_: Callable[..., Any]) -> Callable[..., Any]:
    """``filter_``, which looks at what goes in and what comes out."""
    weighed = WEIGHED.get(name)

    @functools.wraps(filter_)
    def call(left: Any, *arguments: Any, **named: Any) -> Any:
        cost = _measured(left, LONGEST_TEXT)
        for argument in arguments:
            cost += _measured(argument, LONGEST_ARGUMENT)
        METER.spend(cost)
        if weighed is not None:
            weighed(left, *arguments)
        made = filter_(left, *arguments, **named)
        _measured(made, LONGEST_TEXT)
        return made

    return call


def _measured(value: Any, longest: int) -> int:
    """How much work it is to look at ``value``. Raises :class:`OutOfBounds` for what nobody needs in a message."""
    if isinstance(value, str):
        if len(value) > longest:
            raise OutOfBounds(f"a text in it is longer than {longest} characters")
        return len(value)
    if isinstance(value, range):
        if value.stop - value.start > LONGEST_RANGE:
            raise OutOfBounds(f"a range in it has more than {LONGEST_RANGE} numbers")
        return len(value)
    if isinstance(value, list | tuple | dict):
        if len(value) > LONGEST_LIST:
            raise OutOfBounds(f"a list in it has more than {LONGEST_LIST} items")
        return len(value)
    if isinstance(value, int) and not -LARGEST_NUMBER < value < LARGEST_NUMBER:
        raise OutOfBounds("a number in it is too large")
    return 1


def weigh(value: Any) -> None:
    """Spends what it costs to write ``value`` out, before that is done: a list may have the same long text in it a
    thousand times."""
    METER.spend(_measured(value, LONGEST_TEXT) + 1)
    if isinstance(value, list | tuple):
        for item in value:
            weigh(item)
    elif isinstance(value, dict):
        for name, item in value.items():
            weigh(name)
            weigh(item)


def weigh_all(*values: Any) -> None:
    """Spends what it costs to look at all of them."""
    for value in values:
        weigh(value)


def _weigh_replace(left: Any, found: Any = "", put: Any = "", *_: Any) -> None:
    METER.spend(len(str(left)) // max(len(str(found)), 1) * len(str(put)))


def _weigh_join(left: Any, between: Any = " ", *_: Any) -> None:
    weigh(left)
    if isinstance(left, list | tuple | range):
        METER.spend(len(left) * len(str(between)))


def _weigh_comparing(left: Any, *_: Any) -> None:
    """Of things that have no hash each is compared with each."""
    weigh(left)
    if isinstance(left, list | tuple) and any(isinstance(item, dict | list) for item in left):
        METER.spend(len(left) ** 2)


def _weigh_round(_: Any, digits: Any = 0, *__: Any) -> None:
    if isinstance(digits, int | float) and not -MOST_DIGITS <= digits <= MOST_DIGITS:
        raise OutOfBounds(f"nothing has more than {MOST_DIGITS} digits")


WEIGHED: dict[str, Callable[..., None]] = {
    "replace": _weigh_replace,
    "join": _weigh_join,
    "uniq": _weigh_comparing,
    "round": _weigh_round,
    **dict.fromkeys(("sort", "sort_natural", "sum", "concat", "compact", "json", "to_json"), weigh_all),
}
"""Of the filters that can make much out of little, or look at it often: what they spend."""


def strip_html(value: Any) -> str:
    """``value`` without its tags, and without what stands in scripts and styles."""
    text = "" if value is None else str(value)
    for name in ("script", "style"):
        text = _without(text, f"<{name}", f"</{name}>")
    return TAG.sub("", _without(text, "<!--", "-->"))


def _without(text: str, start: str, end: str) -> str:
    """Looks at each character once, unlike a pattern that begins anew at every ``<script``."""
    lower = text.lower()
    if len(lower) != len(text) or start not in lower:
        return text
    kept: list[str] = []
    at = 0
    while (found := lower.find(start, at)) >= 0:
        closed = lower.find(end, found)
        if closed < 0:
            break
        kept.append(text[at:found])
        at = closed + len(end)
    return "".join(kept) + text[at:]


def to_date(value: Any) -> datetime | None:
    """The moment that ``value`` names: a number of seconds, or a text. In UTC unless it says otherwise."""
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        return None
    if value in {"now", "today"}:
        return clock.now()
    if not isinstance(value, str) and -LATEST_SECOND < (seconds := float(value)) < LATEST_SECOND:
        return datetime.fromtimestamp(seconds, UTC)
    return _parsed(str(value)[:60], clock.now().date())


@functools.lru_cache(maxsize=4096)
def _parsed(text: str, today: date) -> datetime | None:
    """What ``text`` says, and ``today`` where it says less than a whole date (``10:30``)."""
    try:
        if re.fullmatch(r"-?\d{5,11}(\.\d+)?", text):
            return datetime.fromtimestamp(float(text), UTC)
        try:
            found = datetime.fromisoformat(text)
        except ValueError:
            found = dates.parse(text, default=datetime(today.year, today.month, today.day, tzinfo=UTC))
    except (ValueError, OverflowError, OSError, TypeError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def format_date(value: Any, form: Any = "%Y-%m-%d") -> Any:
    """``value`` as ``form`` says (``%d.%m.%Y``); what is no date stays as it is."""
    if isinstance(value, Undefined) or value is None:
        return ""
    found = to_date(value)
    if found is None:
        return value
    if isinstance(form, Undefined):
        return str(value)
    if form == "%s":
        return str(int(found.timestamp()))
    try:
        return found.strftime(FORMAT.sub(r"%\1\2", str(form)[:200]))
    except ValueError as refused:
        raise FilterArgumentError(str(refused), token=None) from refused


def in_timezone(value: Any, name: Any = "UTC") -> Any:
    """``value`` as a moment in the timezone called ``name``; what is no date stays as it is."""
    found, zone = to_date(value), _zone(str(name))
    try:
        return value if found is None else found.astimezone(zone)
    except OverflowError:  # the first and the last day that there are: what programs write for "never"
        return found


@functools.lru_cache(maxsize=1000)
def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError) as refused:
        raise FilterArgumentError(f"there is no timezone {name[:60]!r}", token=None) from refused


def number(value: Any, locale: Any = "en") -> Any:
    """``value`` as a number is written in ``locale``: ``1,234.5``, ``1.234,5``. What is no number stays as it is."""
    amount = _amount(value)
    return value if amount is None else _written(amount, None, _locale(str(locale)))


def currency(value: Any, code: Any = "USD", locale: Any = "en") -> Any:
    """``value`` as an amount of money: ``$1,234.50``. What is no number stays as it is."""
    amount = _amount(value)
    return value if amount is None else _written(amount, str(code).upper()[:3], _locale(str(locale)))


@functools.lru_cache(maxsize=4096)
def _written(amount: Decimal, code: str | None, locale: Locale) -> str:
    made = format_decimal(amount, locale=locale) if code is None else format_currency(amount, code, locale=locale)
    return str(made)


@functools.lru_cache(maxsize=500)
def _locale(name: str) -> Locale:
    try:
        return Locale.parse(name.replace("-", "_")[:35])
    except (ValueError, UnknownLocaleError) as refused:
        raise FilterArgumentError(f"there is no locale {name[:35]!r}", token=None) from refused


def _amount(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        return None
    try:
        amount = Decimal(str(value)[:50].strip())
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and abs(amount) < LARGEST_NUMBER else None


@with_environment
def to_json(value: Any, *, environment: Environment) -> str:
    """``value`` as JSON, which can stand in a script as well: no tag begins in it."""
    plain = None if isinstance(value, Undefined) else value
    made = orjson.dumps(
        plain, default=_plain, option=orjson.OPT_NON_STR_KEYS | orjson.OPT_PASSTHROUGH_SUBCLASS
    ).decode()
    return made.replace("<", "\\u003c") if environment.autoescape else made


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    return list(value) if isinstance(value, range) else str(value)


def titlecase(value: Any) -> str:
    """Every word with a capital."""
    return re.sub(r"[^\W_]+", lambda word: word[0][:1].upper() + word[0][1:], "" if value is None else str(value))


def sha256(value: Any) -> str:
    """The digest, in hex."""
    return hashlib.sha256(str(value).encode()).hexdigest()


def md5(value: Any) -> str:
    """The digest, in hex: what services of pictures go by. No secret is kept by it."""
    return hashlib.md5(str(value).encode(), usedforsecurity=False).hexdigest()


def unchanged(value: Any) -> Any:
    """What filters of HTML do to plain text."""
    return str(value) if isinstance(value, Markup) else value


OWN: dict[str, Callable[..., Any]] = {
    "strip_html": strip_html,
    "date": format_date,
    "timezone": in_timezone,
    "number": number,
    "currency": currency,
    "json": to_json,
    "to_json": to_json,
    "titlecase": titlecase,
    "sha256": sha256,
    "md5": md5,
}
