"""The words of conversations: what agents and visitors both see."""

from enum import Enum

import strawberry

from resolvers.scalars import enum_value


@strawberry.enum(description="How a conversation stands.")
class ConversationStatus(Enum):
    """As stored, in capitals."""

    OPEN = enum_value("open", description="Somebody should answer.")
    PENDING = enum_value("pending", description="The visitor was asked something.")
    SNOOZED = enum_value("snoozed", description="Put aside until a moment.")
    CLOSED = enum_value("closed", description="Done; a new message of the visitor opens it again.")


@strawberry.enum(description="How urgent a conversation is.")
class ConversationPriority(Enum):
    """As stored, in capitals."""

    LOW = enum_value("low", description="It can wait.")
    NORMAL = enum_value("normal", description="Like any other.")
    HIGH = enum_value("high", description="Before others.")
    URGENT = enum_value("urgent", description="Before all others.")


@strawberry.enum(description="What kind of thing a message is.")
class MessageKind(Enum):
    """As stored, in capitals."""

    TEXT = enum_value("text", description="Something said to the other side.")
    NOTE = enum_value("note", description="Something that agents say among themselves.")
    SYSTEM = enum_value("system", description="What became of the conversation; data says it.")


@strawberry.enum(description="Which side somebody is on.")
class SenderKind(Enum):
    """As stored, in capitals."""

    VISITOR = enum_value("visitor", description="The visitor.")
    AGENT = enum_value("agent", description="An agent.")
    SYSTEM = enum_value("system", description="Rapport itself.")
