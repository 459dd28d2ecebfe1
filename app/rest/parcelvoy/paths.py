"""The JSON paths of Parcelvoy's list rules: ``$.plan``, ``$.address.city``, ``$['two words']``."""

import re

from app.core.errors import Invalid

STEP = re.compile(r"\.(?P<name>[^\W\d]\w*)|\[(?:'(?P<single>(?:[^'\\]|\\.)*)'|\"(?P<double>(?:[^\"\\]|\\.)*)\")\]")
NAME = re.compile(r"[^\W\d]\w*\Z")
MAX_LENGTH = 2000


def read_path(text: object, said: str) -> tuple[str, ...]:
    """The names on the way. Raises :class:`Invalid` at ``said`` for what else JSONPath could say."""
    names: list[str] = []
    at = 1
    if not isinstance(text, str) or not text.startswith("$") or len(text) > MAX_LENGTH:
        raise Invalid.at(said, "must be a path such as $.plan")
    while at < len(text):
        step = STEP.match(text, at)
        if step is None:
            raise Invalid.at(said, "must be a path such as $.plan")
        quoted = step["single"] if step["single"] is not None else step["double"]
        names.append(step["name"] if quoted is None else re.sub(r"\\(.)", r"\1", quoted, flags=re.DOTALL))
        at = step.end()
    if not names:
        raise Invalid.at(said, "must be a path such as $.plan")
    return tuple(names)


def write_path(names: tuple[str, ...]) -> str | None:
    """The path that :func:`read_path` reads as ``names``; None where it would be too long."""
    text = "$" + "".join(f".{name}" if NAME.match(name) else f"['{_quoted(name)}']" for name in names)
    return text if len(text) <= MAX_LENGTH else None


def _quoted(name: str) -> str:
    return re.sub(r"(['\\])", r"\\\1", name)
