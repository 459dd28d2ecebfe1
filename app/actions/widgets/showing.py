"""What a widget tells the browser in which it stands: public, and in the visitor's language."""

from collections.abc import Mapping
from typing import Any

from app.core.contact import normalise_locale
from app.core.errors import Invalid
from models import Widget

PUBLIC = ("colors", "theme", "position", "ask_email", "csat", "files", "show_agents")


def shown_to_visitors(widget: Widget, locale: str | None) -> dict[str, Any]:
    """The ``name`` of a widget, and ``language``, ``texts``, ``colors`` (``accent``, ``on_accent``), ``theme``,
    ``position``, ``ask_email``, ``csat``, ``files`` and ``show_agents``, for a visitor who reads ``locale``."""
    language, texts = texts_for(widget.settings, locale)
    shown = {name: widget.settings[name] for name in PUBLIC}
    return {"name": widget.name, "language": language, "texts": texts, **shown}


def texts_for(settings: Mapping[str, Any], locale: str | None) -> tuple[str, dict[str, str]]:
    """The language that a visitor is spoken to in, and each text in the nearest language that has it.

    Nearest first: the locale itself, its language (``de`` for ``de-AT``), the widget's default language. Where
    nothing is written in it the language is the locale all the same: the browser has texts of its own in some.
    """
    written: Mapping[str, Mapping[str, str]] = settings["texts"]
    default = settings["default_language"]
    wanted = _readable(locale) or default
    nearest = [wanted, wanted.split("-")[0], default, default.split("-")[0]]
    texts: dict[str, str] = {}
    for language in reversed(nearest):
        texts |= written.get(language, {})
    return next((one for one in nearest[:2] if one in written), wanted), texts


def _readable(locale: str | None) -> str | None:
    try:
        return normalise_locale(locale) if locale else None
    except Invalid:
        return None
