"""The same capability word on every floor, so that one word finds everything about a capability."""

import ast
from pathlib import Path

from tests.architecture.source import ROOT, modules, tree
from workers import HANDLERS

UNSEEN = {"__init__", "authentication", "following", "maintenance", "paging", "resealing", "visibility"}
"""Modules of app/actions that are how rather than what: no capability of their own."""


def _words(folder: str) -> set[str]:
    """The capability words of a floor: its modules and packages."""
    return {path.stem for path in (ROOT / folder).iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}


def test_every_verb_has_its_noun() -> None:
    assert _words("app/actions") - UNSEEN - _words("models") == set()


def test_every_verb_has_its_resolver() -> None:
    assert _words("app/actions") - UNSEEN - _words("resolvers") == set()


def test_every_job_has_exactly_one_handler() -> None:
    """Kinds that somebody enqueues, or that recur by themselves, against those that a worker handles."""
    handled = [kind for path in modules("workers") for kind in _kinds(path, "handles")]
    enqueued = {kind for path in modules("app") for kind in _kinds(path, "enqueue")}
    recurring = {kind for kind, handler in HANDLERS.items() if handler.every is not None}
    assert sorted(handled) == sorted(HANDLERS)
    assert enqueued | recurring == set(HANDLERS)


def _kinds(path: Path, verb: str) -> list[str]:
    """The kinds of jobs that a module names literally in calls of ``verb``."""
    calls = [node for node in ast.walk(tree(path)) if isinstance(node, ast.Call) and _called(node) == verb]
    return [kind.value for call in calls if isinstance(kind := call.args[0], ast.Constant)]


def _called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
