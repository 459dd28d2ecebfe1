"""Widgets: chat windows for web pages, how they look and when somebody answers, and the sites they may stand on."""

from app.actions.widgets.defining import (
    create_widget,
    delete_widget,
    get_widget,
    list_widgets,
    update_widget,
)
from app.actions.widgets.domains import add_domain, list_domains, normal_host, remove_domain
from app.actions.widgets.hours import Opening, open_now
from app.actions.widgets.showing import shown_to_visitors, texts_for

__all__ = [
    "Opening",
    "add_domain",
    "create_widget",
    "delete_widget",
    "get_widget",
    "list_domains",
    "list_widgets",
    "normal_host",
    "open_now",
    "remove_domain",
    "shown_to_visitors",
    "texts_for",
    "update_widget",
]
