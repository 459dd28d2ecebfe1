"""SiloCDP's ``rules`` of a segment: a list of rules that must all be true, each as ``docs/segments.md`` describes it.

Its segment-rule grammar is not public, so the rules are those of Rapport; one rule alone may stand without the list.
"""

from collections.abc import Mapping
from typing import Any

from app.core.errors import Invalid
from app.rest.door.places import Places

OurRule = dict[str, Any]


def read_rules(document: object, path: str = "rule") -> tuple[OurRule | None, Places]:
    """Our rule, None where there are no rules at all, and where each part of it was said. ``path`` is what the action
    calls it. Raises :class:`Invalid`."""
    places = Places()
    if isinstance(document, Mapping):
        places.note(path, "rules", deeper=True)
        return dict(document), places
    if not isinstance(document, list):
        raise Invalid.at("rules", "must be a list of rules")
    if not document:
        return None, places
    if len(document) > 1:
        places.note(path, "rules", deeper=True)
        places.note(f"{path}.and", "rules", deeper=True)
        return {"and": document}, places
    places.note(path, "rules.0", deeper=True)
    if not isinstance(document[0], Mapping):
        raise Invalid.at("rules.0", "must be an object")
    return dict(document[0]), places


def write_rules(rule: OurRule | None) -> list[OurRule]:
    """The list that :func:`read_rules` reads as ``rule``."""
    if rule is None:
        return []
    together = rule.get("and", [])
    return list(together) if len(together) > 1 else [rule]
