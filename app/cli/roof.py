"""The way to what is above this floor.

The command line stands in the app, which may not import the graph or the workers. What it needs of them it asks of the
roof, the module ``asgi``, by name: as a web server is told ``asgi:create_app``.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any

ROOF = "asgi"


def from_roof(name: str) -> Callable[..., Any]:
    """What the roof calls ``name``: ``create_app``, ``create_runtime`` or ``schema_text``."""
    found: Callable[..., Any] = getattr(import_module(ROOF), name)
    return found
