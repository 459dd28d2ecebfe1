"""Where a dialect's own rule said what our rule says: refusals of our rule are told in the dialect's words."""

from collections.abc import Iterator
from contextlib import contextmanager

from app.core.errors import Conflict, Invalid, Issue, NotFound


class Places:
    """By path in our rule the path in the dialect's."""

    def __init__(self) -> None:
        self._said: dict[str, tuple[str, bool]] = {}

    def note(self, path: str, said: str, *, deeper: bool = False) -> None:
        """Remembers that what stands at ``path`` in our rule was said at ``said``. ``deeper``: in the same words, so
        that the names below are the same too."""
        self._said[path] = (said, deeper)

    def note_all(self, other: "Places") -> None:
        """Remembers what another one does too."""
        self._said |= other._said

    def said(self, path: str) -> str:
        """Where the part of our rule at ``path``, or else the nearest one around it, was said."""
        known = path
        while known and known not in self._said:
            known = known.rpartition(".")[0]
        if not known:
            return path
        said, deeper = self._said[known]
        return said + (path[len(known) :] if deeper else "")

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Issues of an :class:`Invalid`, :class:`Conflict` or :class:`NotFound` raised inside name the dialect's
        places; of several at one place the first."""
        try:
            yield
        except Invalid as invalid:
            issues: dict[str, Issue] = {}
            for issue in invalid.issues:
                path = self.said(issue.path)
                issues.setdefault(path, Issue(path, issue.message))
            raise Invalid(*issues.values()) from None
        except NotFound as missing:
            raise NotFound(missing.noun, missing.field and self.said(missing.field)) from None
        except Conflict as conflict:
            raise Conflict(conflict.message, conflict.field and self.said(conflict.field)) from None
