"""Text messages over Telnyx's messaging API (version 2)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import orjson

from app.channels.calling import NOT_US, Api, json_of, refused_login, text_of
from app.channels.carrying import Outcome, Outgoing
from app.channels.sms.texts import Unsendable, pictures_of, sender_of, text_of_message
from app.core.fetching import Answer, Fetcher

API = "https://api.telnyx.com"
BAD_ADDRESS = frozenset({"40001", "40012", "40310"})
"""Telnyx's error codes: not routable (a landline), not a number (to the carrier, to Telnyx)."""


@dataclass(frozen=True, slots=True)
class TelnyxAccount:
    """``sender`` is a number, a short code or an alphanumeric id, which needs a ``profile_id``."""

    api_key: str = field(repr=False)
    sender: str
    profile_id: str = ""
    callback_url: str = ""
    api_url: str = API


class TelnyxProvider:
    """Sends text messages."""

    kind: ClassVar[str] = "telnyx"
    is_idempotent: ClassVar[bool] = False

    def __init__(self, account: TelnyxAccount, fetcher: Fetcher, concurrency: int = 16) -> None:
        self.concurrency = concurrency
        self._account = account
        self._api = Api(fetcher)
        self._headers = {"authorization": f"Bearer {account.api_key}", "content-type": "application/json"}
        self._url = f"{account.api_url.rstrip('/')}/v2/messages"

    async def send(self, outgoing: Outgoing) -> Outcome:
        """Hands one message over. Its ``message_id`` is Telnyx's."""
        try:
            document = self._document(outgoing)
        except Unsendable as wrong:
            return Outcome.rejected("message", str(wrong))
        said = await self._api.post(self._url, headers=self._headers, content=orjson.dumps(document))
        return said if isinstance(said, Outcome) else _outcome(said)

    def _document(self, outgoing: Outgoing) -> Mapping[str, Any]:
        pictures = list(pictures_of(outgoing))
        said = {
            "from": sender_of(outgoing, self._account.sender),
            "to": outgoing.recipient,
            "text": text_of_message(outgoing),
            "messaging_profile_id": self._account.profile_id,
            "media_urls": pictures,
            "webhook_url": self._account.callback_url,
        }
        return {name: value for name, value in said.items() if value}

    async def close(self) -> None:
        """The HTTP client is the process's."""


def _outcome(answer: Answer) -> Outcome:
    said: Any = json_of(answer)
    said = said if isinstance(said, dict) else {}
    if 200 <= answer.status < 300:
        data = said.get("data")
        name = data.get("id") if isinstance(data, dict) else None
        return Outcome.accepted(str(name) if name else None, str(answer.status))
    errors = said.get("errors")
    first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}
    code = str(first.get("code") or answer.status)
    if answer.status in NOT_US and code not in BAD_ADDRESS and not code.startswith("403"):
        return refused_login(answer)
    detail = str(first.get("detail") or first.get("title") or text_of(answer))
    return Outcome.rejected(code, detail, address_is_bad=code in BAD_ADDRESS)
