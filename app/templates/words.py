"""What goes into a template and what may come of it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from app.core.errors import Invalid, Issue

LONGEST_BODY = 500_000
"""Characters of a body with its layout and snippets in it."""
LONGEST_OUTPUT = 1_000_000
"""Characters that one part of a message may have once it is rendered."""
SHORTEST_NAME, LONGEST_NAME = 3, 100
LIKE_ENOUGH = 0.7
"""How like a word must be to another (0 to 1) for one to be the other with a slip of the pen."""


@dataclass(frozen=True, slots=True)
class Source:
    """The Liquid of one content, as its row has it (see :class:`models.Content`). Can be pickled."""

    channel: str
    body: str
    subject: str = ""
    preheader: str = ""
    plain: str | None = None
    from_address: str = ""
    reply_to: str = ""
    headers: Sequence[tuple[str, str]] = ()
    fields: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, row: Any) -> "Source":
        """That of a row of ``contents``."""
        return cls(
            channel=row.channel,
            body=row.body,
            subject=row.subject,
            preheader=row.preheader,
            plain=row.plain,
            from_address=row.from_address,
            reply_to=row.reply_to,
            headers=tuple((one["name"], one["value"]) for one in row.headers),
            fields=dict(row.fields),
        )


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a template is compiled from: a content with its layout and its snippets. Can be pickled."""

    source: Source
    snippets: Mapping[str, str] = field(default_factory=dict)
    layout: str | None = None
    inlines_css: bool = True


@dataclass(frozen=True, slots=True)
class Tracking:
    """How a message tells what becomes of it.

    ``click`` makes the address that stands for a link: of its place in :attr:`Template.links` and where it leads to.
    ``pixel`` is the address of the picture that tells of openings. Either may be None: not followed.
    """

    click: Callable[[int, str], str] | None = None
    pixel: str | None = None


class TemplateFailed(Invalid):
    """A template could not be rendered for one person. ``line`` counts from 1; 0 where nobody knows."""

    def __init__(self, part: str, line: int, message: str) -> None:
        super().__init__(Issue(part, at_line(line, message)))
        self.part = part
        self.line = line

    def __reduce__(self) -> tuple[Any, ...]:
        return _failed_again, (self.part, self.line, self.issues[0].message)


def _failed_again(part: str, line: int, message: str) -> TemplateFailed:
    """What came out of another process."""
    failed = TemplateFailed(part, 0, message)
    failed.line = line
    return failed


def at_line(line: int, message: str) -> str:
    """The message with its place before it."""
    return f"line {line}: {message}" if line else message


def suggested(name: str, known: Iterable[str]) -> str:
    """What was most likely meant by ``name``, as the end of a sentence; nothing where nobody can tell."""
    near = get_close_matches(name[:LONGEST_NAME], known, 1, LIKE_ENOUGH) if len(name) > SHORTEST_NAME else []
    return f"; did you mean {near[0]!r}?" if near else ""


def names(text: str) -> frozenset[str]:
    """The names that ``text`` has, between spaces."""
    return frozenset(text.split())
