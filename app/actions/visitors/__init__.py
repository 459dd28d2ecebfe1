"""Visitors: the browsers in which widgets are opened, what they look at, and who they prove to be."""

from app.actions.visitors.identifying import identify_visitor
from app.actions.visitors.opening import Opened, open_widget
from app.actions.visitors.pages import see_page
from app.actions.visitors.proof import identity_secret, rotate_identity_secret
from app.actions.visitors.reading import get_visitor, list_visitors

__all__ = [
    "Opened",
    "get_visitor",
    "identify_visitor",
    "identity_secret",
    "list_visitors",
    "open_widget",
    "rotate_identity_secret",
    "see_page",
]
