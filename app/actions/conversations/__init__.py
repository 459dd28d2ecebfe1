"""Conversations: what visitors and agents say to each other, and what becomes of it."""

from app.actions.conversations.assigning import (
    Overdue,
    assign_conversation,
    overdue_conversations,
    reassign_conversation,
)
from app.actions.conversations.bulk import update_conversations
from app.actions.conversations.changing import close_conversation, update_conversation, wake_conversation
from app.actions.conversations.editing import delete_message, edit_message
from app.actions.conversations.finding import list_conversations, messages_matching
from app.actions.conversations.marks import mark_read, mark_visitor_read
from app.actions.conversations.queueing import (
    free_capacity,
    place_conversation,
    queue_position,
    team_has_room,
    waiting_queues,
    work_off_queue,
)
from app.actions.conversations.rating import rate_conversation
from app.actions.conversations.reading import get_conversation, list_messages
from app.actions.conversations.saying import Said, add_note, send_message, start_conversation, visitor_says
from app.actions.conversations.tags import tags_of

__all__ = [
    "Overdue",
    "Said",
    "add_note",
    "assign_conversation",
    "close_conversation",
    "delete_message",
    "edit_message",
    "free_capacity",
    "get_conversation",
    "list_conversations",
    "list_messages",
    "mark_read",
    "mark_visitor_read",
    "messages_matching",
    "overdue_conversations",
    "place_conversation",
    "queue_position",
    "rate_conversation",
    "reassign_conversation",
    "send_message",
    "start_conversation",
    "tags_of",
    "team_has_room",
    "update_conversation",
    "update_conversations",
    "visitor_says",
    "waiting_queues",
    "wake_conversation",
    "work_off_queue",
]
