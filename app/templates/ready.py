"""Everything of which one content is made, and the templates that are ready in this process."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock

import orjson
from cachetools import LRUCache

from app.templates.compiling import Template, compile_content
from app.templates.words import Source

MOST_READY = 200
_ready: LRUCache[str, Template] = LRUCache(MOST_READY)
_lock = Lock()


@dataclass(frozen=True, slots=True)
class Recipe:
    """One content with its layout and its snippets. Can be pickled; equal ones have one ``key``."""

    source: Source
    snippets: Mapping[str, str] = field(default_factory=dict)
    layout: str | None = None
    inlines_css: bool = True
    key: str = field(init=False)

    def __post_init__(self) -> None:
        whole = [self.source, dict(self.snippets), self.layout, self.inlines_css]
        digest = hashlib.blake2b(orjson.dumps(whole, option=orjson.OPT_SORT_KEYS), digest_size=16).hexdigest()
        object.__setattr__(self, "key", digest)


def template_of(recipe: Recipe) -> Template:
    """The template that ``recipe`` makes: compiled once in this process, as long as it is used. Raises as
    :func:`compile_content` does."""
    with _lock:
        found = _ready.get(recipe.key)
    if found is None:
        found = compile_content(
            recipe.source, snippets=recipe.snippets, layout=recipe.layout, inlines_css=recipe.inlines_css
        )
        with _lock:
            _ready[recipe.key] = found
    return found
