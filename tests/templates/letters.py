"""Contents and people for tests of templates."""

from typing import Any
from uuid import UUID

from app.core.message import Message
from app.templates import Person, Source, Template, Tracking, compile_content, context_of

ADA = Person(
    UUID(int=1),
    {"first_name": "Ada & <b>co</b>", "plan": "pro", "points": 3, "pets": ["Rex", "Tom"]},
    external_id="a-1",
    email="ada@example.com",
    locale="de-CH",
)
FOLLOWED = Tracking(lambda number, url: f"https://t.example/{number}", "https://t.example/o.gif")


def compiled(
    body: str, *, channel: str = "email", snippets: Any = None, layout: str | None = None, **parts: Any
) -> Template:
    """A content of ``body``, ready."""
    return compile_content(Source(channel, body, **parts), snippets=snippets or {}, layout=layout)


def rendered(body: str, tracking: Tracking | None = None, **parts: Any) -> Message:
    """A content of ``body`` for Ada."""
    context = context_of(
        ADA,
        trigger={"order": 7},
        event={"name": "bought"},
        delivery_id=UUID(int=2),
        unsubscribe_url="https://t.example/u?a=1&b=2",
        preferences_url="https://t.example/p",
    )
    return compiled(body, **parts).render(context, tracking)


def said(body: str, **parts: Any) -> str:
    """What a text message of ``body`` says to Ada."""
    return rendered(body, channel="sms", **parts).body
