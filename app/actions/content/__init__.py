"""What is said: senders, layouts, snippets, and the contents of campaigns."""

from app.actions.content.contents import (
    checked_headers,
    content_with_number,
    contents_of_campaigns,
    contents_with_ids,
    copy_contents,
    delete_content,
    get_content,
    list_contents,
    set_content,
    update_content,
)
from app.actions.content.layouts import create_layout, delete_layout, get_layout, list_layouts, update_layout
from app.actions.content.preparing import ReadyContent, pick_content, recipes_of, templates_of
from app.actions.content.previewing import Preview, check_contents, person_of, preview_content
from app.actions.content.senders import (
    create_sender,
    delete_sender,
    get_sender,
    list_senders,
    sender_line,
    sender_with_number,
    update_sender,
)
from app.actions.content.snippets import (
    create_snippet,
    delete_snippet,
    get_snippet,
    list_snippets,
    set_snippet,
    snippet_named,
)
from app.actions.content.using import Use, layout_uses, sender_uses

__all__ = [
    "Preview",
    "ReadyContent",
    "Use",
    "check_contents",
    "checked_headers",
    "content_with_number",
    "contents_of_campaigns",
    "contents_with_ids",
    "copy_contents",
    "create_layout",
    "create_sender",
    "create_snippet",
    "delete_content",
    "delete_layout",
    "delete_sender",
    "delete_snippet",
    "get_content",
    "get_layout",
    "get_sender",
    "get_snippet",
    "layout_uses",
    "list_contents",
    "list_layouts",
    "list_senders",
    "list_snippets",
    "person_of",
    "pick_content",
    "preview_content",
    "recipes_of",
    "sender_line",
    "sender_uses",
    "sender_with_number",
    "set_content",
    "set_snippet",
    "snippet_named",
    "templates_of",
    "update_content",
    "update_layout",
    "update_sender",
]
