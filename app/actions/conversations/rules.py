"""What may be said, how fast, and under which name."""

import re
from uuid import UUID

from app.core.access import Plan
from app.core.contact import check_text
from app.core.errors import Invalid, RateLimited
from app.core.limits import Limiter

MAX_TEXT = 10_000
MAX_CLIENT_ID = 64
MAX_SUBJECT = 300
MAX_TAG = 50
MAX_TAGS = 20
MAX_PAGE_URL = 2000
CLIENT_ID = re.compile(r"[\x21-\x7e]{1,64}\Z")
VISITOR_MESSAGES = Plan("visitor messages", per_minute=30, burst=10)
"""How fast one visitor may write, and change what they wrote."""


async def keep_pace(limiter: Limiter, tenant_id: UUID, visitor_id: UUID) -> None:
    """Counts something that a visitor writes. Raises :class:`RateLimited`."""
    allowance = await limiter.take(f"{tenant_id.hex}:{visitor_id.hex}", VISITOR_MESSAGES)
    if allowance.refused:
        raise RateLimited(allowance.retry_after)


def checked_message(text: str, *, with_files: bool) -> str:
    """What is said: 1 to 10,000 characters, or none where files say it. Raises :class:`Invalid` at ``text``."""
    return check_text(text, "text", longest=MAX_TEXT, shortest=0 if with_files and not text else 1)


def checked_client_id(client_id: str | None) -> str | None:
    """The sender's own name for a message: 1 to 64 visible ASCII characters."""
    if client_id is not None and (not isinstance(client_id, str) or CLIENT_ID.match(client_id) is None):
        raise Invalid.at("client_id", f"must be 1 to {MAX_CLIENT_ID} visible ASCII characters")
    return client_id


def checked_subject(subject: str) -> str:
    return " ".join(check_text(subject, "subject", longest=MAX_SUBJECT).split())


def checked_tags(tags: object, path: str) -> list[str]:
    """Tags without the space around them, each once. Raises :class:`Invalid` at ``path``."""
    if isinstance(tags, str) or not isinstance(tags, list | tuple | set | frozenset):
        raise Invalid.at(path, "must be a list of words")
    words = [check_text(tag, path, longest=MAX_TAG, shortest=1).strip() for tag in tags]
    if len(words) > MAX_TAGS:
        raise Invalid.at(path, f"must be at most {MAX_TAGS}")
    return sorted(set(words))


def checked_page(url: str | None) -> str | None:
    """Where something was said, cut to what is kept of an address."""
    return None if url is None else check_text(url[:MAX_PAGE_URL], "page_url", longest=MAX_PAGE_URL) or None
