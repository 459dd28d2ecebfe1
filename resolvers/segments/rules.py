"""Rules as typed input. Every name is that of the JSON in ``docs/segments.md``: what is read can be sent again."""

from collections.abc import Iterator
from enum import Enum
from functools import cache
from typing import Any

import strawberry
from strawberry.types import get_object_definition
from strawberry.utils.str_converters import to_camel_case

from resolvers.scalars import enum_value
from resolvers.segments.operators import (
    MomentTestInput,
    NumberTestInput,
    PropertyTestInput,
    SpanInput,
    TextTestInput,
    ValueTestInput,
    WordTestInput,
    operator,
)

EXACT = 2**53
"""Up to here a number with a fraction of nothing is a whole number."""


def left_out(description: str, name: str | None = None) -> Any:
    """A field that may be left out."""
    return strawberry.field(default=None, name=name, description=description)


def required(description: str, name: str | None = None) -> Any:
    """A field that must be given."""
    return strawberry.field(name=name, description=description)


@strawberry.enum(description="What kind of name a condition looks at, in the words of rules.")
class RuleIdentityKind(Enum):
    """As in the JSON of rules."""

    external_id = enum_value("external_id", description="The id in the tenant's own systems.")
    email = enum_value("email", description="An e-mail address, in whatever case.")
    phone = enum_value("phone", description="A phone number.")
    anonymous_id = enum_value("anonymous_id", description="The id that a browser or app gave itself.")


@strawberry.enum(description="A way to reach somebody, in the words of rules.")
class RuleChannel(Enum):
    """As in the JSON of rules."""

    email = enum_value("email", description="E-mail.")
    sms = enum_value("sms", description="Text messages.")
    push = enum_value("push", description="Push notifications.")
    in_app = enum_value("in_app", description="Messages inside the app or site.")
    whatsapp = enum_value("whatsapp", description="WhatsApp.")


@strawberry.enum(description="What somebody said about a channel, in the words of rules.")
class RuleConsent(Enum):
    """As in the JSON of rules."""

    subscribed = enum_value("subscribed", description="They want messages.")
    unsubscribed = enum_value("unsubscribed", description="They do not want messages.")
    unknown = enum_value("unknown", description="They never said.")


@strawberry.input(description="An attribute, by its name or by the path to a value inside it, and what is asked of it.")
class AttributeConditionInput:
    """Exactly one of name and path."""

    name: str | None = left_out("The attribute's name.")
    path: list[str] | None = left_out("The way to a value inside an attribute, at most 5 names.")
    is_: ValueTestInput = required("What is asked of it.", "is")


@strawberry.input(description="What is asked of the customer's timezone or locale.")
class TextConditionInput:
    """A test of a text."""

    is_: TextTestInput = required("What is asked of it.", "is")


@strawberry.input(description="What is asked of the moment when the customer was created or last changed.")
class MomentConditionInput:
    """A test of a moment."""

    is_: MomentTestInput = required("What is asked of it.", "is")


@strawberry.input(description="True when some name of this kind passes.")
class IdentityConditionInput:
    """A kind and a test."""

    kind: RuleIdentityKind = required("Which kind of name.")
    is_: TextTestInput = required("What is asked of it.", "is")


@strawberry.input(description="True when there is one device that passes all that is given, which may be nothing.")
class DeviceConditionInput:
    """Tests of one device."""

    platform: WordTestInput | None = left_out("What is asked of its platform.")
    last_used_at: MomentTestInput | None = left_out("What is asked of the moment of its last use.")


@strawberry.input(description="What the customer said about a channel.")
class ConsentConditionInput:
    """A channel and a word."""

    channel: RuleChannel = required("About which channel.")
    is_: RuleConsent = required("What they said.", "is")


@strawberry.input(description="True for members of another segment. A segment that depends on itself is refused.")
class SegmentConditionInput:
    """The other segment."""

    id: strawberry.ID = required("The other segment's id.")


@strawberry.input(description="A property of an event, by its name or by the path to a value inside it.")
class PropertyConditionInput:
    """Exactly one of name and path."""

    name: str | None = left_out("The property's name.")
    path: list[str] | None = left_out("The way to a value inside a property, at most 5 names.")
    is_: PropertyTestInput = required("What is asked of it.", "is")


@strawberry.input(one_of=True, description="A condition on the properties of one event, or a group of them.")
class PropertyRuleInput:
    """A tree over one event."""

    and_: "list[PropertyRuleInput] | None" = operator("All of these are true; there is at least one.", "and")
    or_: "list[PropertyRuleInput] | None" = operator("At least one of these is true.", "or")
    not_: "PropertyRuleInput | None" = operator("This is false.", "not")
    property: PropertyConditionInput | None = operator("What is asked of a property.")


@strawberry.input(description="When events happened: from, to or both, or else last alone.")
class EventWindowInput:
    """Moments are dates, or dates with a time."""

    from_: str | None = left_out("Then or later: a date, or a date with a time.", "from")
    to: str | None = left_out("Before this moment; of a date, the whole day counts.")
    last: SpanInput | None = left_out("Since so long ago, until now.")


@strawberry.input(
    description="A figure over a property of the events, by its name or by a path, and what is asked of it."
)
class EventFigureInput:
    """Exactly one of property and path."""

    property: str | None = left_out("The property's name.")
    path: list[str] | None = left_out("The way to a value inside a property, at most 5 names.")
    is_: NumberTestInput = required("What is asked of the figure.", "is")


@strawberry.input(
    description="The customer's events of a name and at most one measure of them; without one, there is at least one."
)
class EventConditionInput:
    """Which events, when, and how many or how much."""

    name: str = required("The event's name, exactly.")
    where: list[PropertyRuleInput] | None = left_out("Conditions that must all be true of one event.")
    within: EventWindowInput | None = left_out("When they happened; ever if left out.")
    count: NumberTestInput | None = left_out("How many such events there are; equals 0 for none.")
    first: MomentTestInput | None = left_out("When the first of them happened.")
    last: MomentTestInput | None = left_out("When the last of them happened.")
    sum: EventFigureInput | None = left_out("The sum of a property; 0 of nothing.")
    average: EventFigureInput | None = left_out("The average of a property; false where there is none.")
    minimum: EventFigureInput | None = left_out("The least of a property; false where there is none.")
    maximum: EventFigureInput | None = left_out("The most of a property; false where there is none.")
    distinct: EventFigureInput | None = left_out("How many different values a property has.")


@strawberry.input(
    description="The customer's conversations that pass all that is given; without a count, there is one."
)
class ConversationConditionInput:
    """Tests of one conversation, and of how many pass them."""

    status: WordTestInput | None = left_out("What is asked of its status: open, pending, snoozed or closed.")
    created_at: MomentTestInput | None = left_out("What is asked of the moment when it began.")
    waiting_since: MomentTestInput | None = left_out("What is asked of the moment since when nobody has answered.")
    closed_at: MomentTestInput | None = left_out("What is asked of the moment when it was closed, if it is.")
    count: NumberTestInput | None = left_out("How many such conversations there are; equals 0 for none.")


@strawberry.input(description="The customer's last rating of a conversation; false of who never rated.")
class RatingConditionInput:
    """A test of the rating."""

    is_: NumberTestInput = required("What is asked of it: whole numbers from 1 to 5.", "is")


@strawberry.input(
    one_of=True,
    description="A rule: a group of rules, or one condition. It is true or false of a customer, never unknown; where a "
    "value is missing or of another type, a condition is false.",
)
class RuleInput:
    """The same tree as in JSON."""

    and_: "list[RuleInput] | None" = operator("All of these are true; there is at least one.", "and")
    or_: "list[RuleInput] | None" = operator("At least one of these is true.", "or")
    not_: "RuleInput | None" = operator("This is false.", "not")
    attribute: AttributeConditionInput | None = operator("What is asked of an attribute.")
    identity: IdentityConditionInput | None = operator("What is asked of a name by which the customer is known.")
    device: DeviceConditionInput | None = operator("What is asked of a device.")
    consent: ConsentConditionInput | None = operator("What the customer said about a channel.")
    timezone: TextConditionInput | None = operator("What is asked of the timezone.")
    locale: TextConditionInput | None = operator("What is asked of the locale.")
    created_at: MomentConditionInput | None = operator("What is asked of the moment when the customer was created.")
    updated_at: MomentConditionInput | None = operator("What is asked of the moment when the customer last changed.")
    event: EventConditionInput | None = operator("What the customer did.")
    conversation: ConversationConditionInput | None = operator("What is asked of their conversations.")
    rating: RatingConditionInput | None = operator("What is asked of their last rating of a conversation.")
    segment: SegmentConditionInput | None = operator("Membership of another segment.")


def document_of(given: Any) -> Any:
    """The JSON of a rule that was given as input. What was left out, or given as null, is not in it."""
    if isinstance(given, Enum):
        return given.value
    if isinstance(given, list):
        return [document_of(item) for item in given]
    if isinstance(given, float) and given.is_integer() and abs(given) < EXACT:
        return int(given)
    if get_object_definition(type(given)) is None:
        return given
    return {name: document_of(value) for name, value in _said(given)}


def _said(given: Any) -> Iterator[tuple[str, Any]]:
    for attribute, name in _names(type(given)):  # type: ignore[arg-type]
        value = getattr(given, attribute)
        if value is not None and value is not strawberry.UNSET:
            yield name, value


@cache
def _names(type_: type) -> tuple[tuple[str, str], ...]:
    """The fields of an input: as Python and as the graph call them."""
    fields = get_object_definition(type_, strict=True).fields
    return tuple((field.python_name, field.graphql_name or to_camel_case(field.python_name)) for field in fields)
