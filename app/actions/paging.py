"""Pages of a list addressed by offset."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from app.core.errors import Invalid

Item = TypeVar("Item")
MAX_LIMIT = 1000
MAX_OFFSET = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Some items of a list in its order, and how many the whole list has."""

    items: Sequence[Item]
    total: int


def check_window(offset: int, limit: int) -> None:
    """Raises :class:`Invalid` unless ``offset`` is not negative and ``limit`` is 1 to 1,000."""
    if not 0 <= offset <= MAX_OFFSET:
        raise Invalid.at("offset", "must not be negative")
    if not 1 <= limit <= MAX_LIMIT:
        raise Invalid.at("limit", f"must be 1 to {MAX_LIMIT}")
