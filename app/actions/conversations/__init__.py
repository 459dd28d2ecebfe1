"""Conversations: what visitors and agents say to each other, and what becomes of it."""

from app.actions.conversations.bulk import update_conversations
from app.actions.conversations.changing import close_conversation, update_conversation, wake_conversation
from app.actions.conversations.editing import delete_message, edit_message
from app.actions.conversations.finding import list_conversations, messages_matching
from app.actions.conversations.marks import mark_read, mark_visitor_read
from app.actions.conversations.rating import rate_conversation
from app.actions.conversations.reading import get_conversation, list_messages
from app.actions.conversations.saying import Said, add_note, send_message, start_conversation, visitor_says
from app.actions.conversations.store import KEEP, Keep
from app.actions.conversations.tags import tags_of

__all__ = [
    "KEEP",
    "Keep",
    "Said",
    "add_note",
    "close_conversation",
    "delete_message",
    "edit_message",
    "get_conversation",
    "list_conversations",
    "list_messages",
    "mark_read",
    "mark_visitor_read",
    "messages_matching",
    "rate_conversation",
    "send_message",
    "start_conversation",
    "tags_of",
    "update_conversation",
    "update_conversations",
    "visitor_says",
    "wake_conversation",
]
