"""The pages for recipients: plain HTML without scripts, readable by everybody and everything."""

import base64
import hashlib
from email.utils import getaddresses
from html import escape

from starlette.responses import HTMLResponse

from app.actions.consent import Recipient
from app.core.ids import public_id
from app.rest.tracking.words import Words, channel_name

STYLE = (
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:3rem auto;padding:0 1rem;color:#1c1c1c;"
    "background:#fff}h1{font-size:1.5rem}fieldset{border:0;padding:0;margin:0 0 1.5rem}label{display:block;"
    "padding:.4rem 0}small{display:block;color:#555;margin-left:1.7rem}button{font:inherit;padding:.6rem 1.2rem;"
    "border:0;border-radius:.4rem;background:#1d4ed8;color:#fff;cursor:pointer}button:focus-visible,a:focus-visible,"
    "input:focus-visible{outline:3px solid #f59e0b;outline-offset:2px}[role=status]{padding:.6rem 1rem;"
    "background:#e7f5ec;border-radius:.4rem}"
)
STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
HEADERS = {
    "content-security-policy": (
        f"default-src 'none'; style-src 'sha256-{STYLE_HASH}'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-robots-tag": "noindex",
}


def asking(words: Words, recipient: Recipient, preferences: str) -> HTMLResponse:
    """Asks whether to unsubscribe; only the button does it."""
    title = words.ask.format(what=_what(words, recipient))
    body = (
        f'<form method="post"><p><button type="submit" name="confirm" value="1">{escape(words.ask_button)}</button></p>'
        f"</form>{_link(words, preferences)}"
    )
    return _page(words, title, body)


def unsubscribed(words: Words, recipient: Recipient, preferences: str) -> HTMLResponse:
    """Says that it is done."""
    text = words.done_text.format(
        what=_what(words, recipient), company=recipient.company, address=masked(recipient.address)
    )
    return _page(words, words.done, f'<p role="status">{escape(text)}</p>{_link(words, preferences)}')


def choosing(words: Words, recipient: Recipient, *, saved: bool = False) -> HTMLResponse:
    """Every topic with a box, and one for the channel itself."""
    text = words.preferences_text.format(company=recipient.company, address=masked(recipient.address))
    status = f'<p role="status">{escape(words.saved)}</p>' if saved else ""
    boxes = "".join(
        f'<input type="hidden" name="shown" value="{key}"><label><input type="checkbox" name="topic" value="{key}"'
        f"{' checked' if one.is_subscribed else ''}> {escape(one.topic.name)}"
        f"{f'<small>{escape(one.topic.description)}</small>' if one.topic.description else ''}</label>"
        for one in recipient.topics
        for key in (public_id("subscription_topic", one.topic.id),)
    )
    channel = (
        f'<label><input type="checkbox" name="reachable" value="1"{" checked" if recipient.is_reachable else ""}> '
        f"{escape(words.reachable)} ({escape(channel_name(recipient.channel, words.language))})</label>"
    )
    body = (
        f'{status}<p>{escape(text)}</p><form method="post"><fieldset><legend hidden>{escape(words.preferences)}'
        f'</legend>{boxes}{channel}</fieldset><button type="submit">{escape(words.save)}</button></form>'
    )
    return _page(words, words.preferences, body)


def masked(recipient: str) -> str:
    """Addresses as far as their owners know them again: a message may have been passed on."""
    return ", ".join(_masked(address) for _, address in getaddresses([recipient]) if address) or "…"


def _masked(address: str) -> str:
    name, at, host = address.partition("@")
    return f"{name[:1]}…{at}{host}" if at else f"…{address[-3:]}"


def _what(words: Words, recipient: Recipient) -> str:
    return recipient.topic.topic.name if recipient.topic else channel_name(recipient.channel, words.language)


def _link(words: Words, preferences: str) -> str:
    return f'<p><a href="{escape(preferences)}">{escape(words.change)}</a></p>'


def _page(words: Words, title: str, body: str) -> HTMLResponse:
    text = (
        f'<!doctype html><html lang="{words.language}"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{STYLE}</style></head><body><main><h1>{escape(title)}</h1>{body}</main></body></html>"
    )
    return HTMLResponse(text, headers=HEADERS)
