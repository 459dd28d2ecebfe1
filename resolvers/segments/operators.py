"""What a rule asks of one value, as typed input. Each is an object with exactly one operator, named as in JSON."""

from typing import Any

import strawberry

from resolvers.scalars import Value


def operator(description: str, name: str | None = None) -> Any:
    """A field of an object that has exactly one. ``name``: what the graph calls it, if Python cannot."""
    return strawberry.field(default=strawberry.UNSET, name=name, description=description)


@strawberry.input(one_of=True, description="A length of time: exactly one unit. A day is 24 hours.")
class SpanInput:
    """At most 36,500 days."""

    minutes: int | None = operator("So many minutes.")
    hours: int | None = operator("So many hours.")
    days: int | None = operator("So many days.")
    weeks: int | None = operator("So many weeks.")


@strawberry.input(description="A number of days.")
class DaysInput:
    """0 to 364."""

    days: int = strawberry.field(description="How many days, 0 to 364.")


@strawberry.input(one_of=True, description="What is asked of a text: exactly one operator.")
class TextTestInput:
    """The operators of timezone, locale and identities."""

    equals: str | None = operator("It is this text.")
    in_: list[str] | None = operator("It is one of these texts, of which there are 1 to 1,000.", "in")
    contains: str | None = operator("It has this text in it; upper and lower case differ.")
    starts_with: str | None = operator("It begins with this text.")
    ends_with: str | None = operator("It ends with this text.")
    exists: bool | None = operator("It is there (true), or is not (false).")


@strawberry.input(one_of=True, description="What is asked of a word: exactly one operator.")
class WordTestInput:
    """The operators of a device's platform."""

    equals: str | None = operator("It is this word.")
    in_: list[str] | None = operator("It is one of these words.", "in")


@strawberry.input(
    one_of=True,
    description="What is asked of a moment: exactly one operator. A moment is written as a date (2026-03-01, the whole "
    "day in UTC) or as a date with a time (2026-03-01T10:00:00Z).",
)
class MomentTestInput:
    """The operators of moments."""

    before: str | None = operator("Earlier than this moment, or than the beginning of this day.")
    after: str | None = operator("Later than this moment, or than the end of this day.")
    on: str | None = operator("Within this day, a date in UTC.")
    in_the_last: SpanInput | None = operator("Since so long ago, until now.")
    longer_ago_than: SpanInput | None = operator("So long ago, or longer.")
    within_the_next: SpanInput | None = operator("After now, and at most so far ahead.")
    anniversary_within: DaysInput | None = operator("Its month and day come round today or at most so many days ahead.")


@strawberry.input(one_of=True, description="What is asked of a number: exactly one comparison.")
class NumberTestInput:
    """The comparisons of counts and figures. Counts are whole numbers from 0 to 1,000,000."""

    equals: float | None = operator("It is this number.")
    less_than: float | None = operator("It is less than this.")
    at_most: float | None = operator("It is this or less.")
    more_than: float | None = operator("It is more than this.")
    at_least: float | None = operator("It is this or more.")
    between: list[float] | None = operator("It is from the first to the second of these two, both included.")


@strawberry.input(one_of=True, description="What is asked of a property of an event: exactly one operator.")
class PropertyTestInput:
    """All operators but those that depend on the clock."""

    equals: Value | None = operator("It is this value, and of its type.")
    in_: list[Value] | None = operator("It is one of these values, 1 to 1,000 of one type.", "in")
    contains: str | None = operator("It is a text with this in it; upper and lower case differ.")
    starts_with: str | None = operator("It is a text that begins with this.")
    ends_with: str | None = operator("It is a text that ends with this.")
    has: Value | None = operator("It is a list with an item that equals this.")
    less_than: float | None = operator("It is a number less than this.")
    at_most: float | None = operator("It is a number of this or less.")
    more_than: float | None = operator("It is a number more than this.")
    at_least: float | None = operator("It is a number of this or more.")
    between: list[float] | None = operator("It is a number from the first to the second of these two, both included.")
    exists: bool | None = operator("It is there (true), or missing or null (false).")
    empty: bool | None = operator("It is missing, null, or an empty text, list or object (true), or is not (false).")
    before: str | None = operator("It is a moment earlier than this one, or than the beginning of this day.")
    after: str | None = operator("It is a moment later than this one, or than the end of this day.")
    on: str | None = operator("It is a moment within this day, a date in UTC.")


@strawberry.input(one_of=True, description="What is asked of an attribute: exactly one operator.")
class ValueTestInput(PropertyTestInput):
    """All operators."""

    in_the_last: SpanInput | None = operator("It is a moment since so long ago, until now.")
    longer_ago_than: SpanInput | None = operator("It is a moment so long ago, or longer.")
    within_the_next: SpanInput | None = operator("It is a moment after now, and at most so far ahead.")
    anniversary_within: DaysInput | None = operator(
        "It is a date whose month and day come round today or at most so many days ahead."
    )
