"""Text messages and WhatsApp over Twilio's Programmable Messaging API (2010-04-01).

The API has no idempotency key: a request that broke off leaves the message in doubt.
"""

import json
from base64 import b64encode
from dataclasses import dataclass, field
from typing import Any, ClassVar
from urllib.parse import quote, urlencode

from app.channels.calling import NOT_US, Api, json_of, refused_login, text_of
from app.channels.carrying import Outcome, Outgoing
from app.channels.sms.texts import Unsendable, pictures_of, sender_of, text_of_message
from app.core.fetching import Answer, Fetcher

API = "https://api.twilio.com"
BAD_ADDRESS = frozenset({21211, 21217, 21614, 63024})
"""Twilio's error codes: not a number, not a mobile number, not on WhatsApp. (21612 is no such one: it says that this
sender cannot reach the number.)"""


@dataclass(frozen=True, slots=True)
class TwilioAccount:
    """``sender`` is a number, a short code or an alphanumeric id, or a messaging service (``MG…``)."""

    account_sid: str
    auth_token: str = field(repr=False)
    sender: str
    callback_url: str = ""
    api_url: str = API


class TwilioProvider:
    """Sends text messages, or WhatsApp messages where the channel is that."""

    kind: ClassVar[str] = "twilio"
    is_idempotent: ClassVar[bool] = False

    def __init__(self, account: TwilioAccount, fetcher: Fetcher, concurrency: int = 16) -> None:
        self.concurrency = concurrency
        self._account = account
        self._api = Api(fetcher)
        login = b64encode(f"{account.account_sid}:{account.auth_token}".encode()).decode()
        self._headers = {"authorization": f"Basic {login}", "content-type": "application/x-www-form-urlencoded"}
        self._url = f"{account.api_url.rstrip('/')}/2010-04-01/Accounts/{quote(account.account_sid)}/Messages.json"

    async def send(self, outgoing: Outgoing) -> Outcome:
        """Hands one message over. Its ``message_id`` is Twilio's ``SM…``."""
        try:
            form = self._form(outgoing)
        except Unsendable as wrong:
            return Outcome.rejected("message", str(wrong))
        said = await self._api.post(self._url, headers=self._headers, content=urlencode(form).encode())
        return said if isinstance(said, Outcome) else _outcome(said)

    def _form(self, outgoing: Outgoing) -> list[tuple[str, str]]:
        prefix = "whatsapp:" if outgoing.channel == "whatsapp" else ""
        sender = sender_of(outgoing, self._account.sender)
        named = "MessagingServiceSid" if sender.startswith("MG") else "From"
        form = [("To", prefix + outgoing.recipient), (named, sender if named != "From" else prefix + sender)]
        template = outgoing.message.fields.get("template_id")
        if template:
            # What WhatsApp lets a company say first is a template that it has approved.
            variables = outgoing.message.fields.get("template_variables") or {}
            form += [("ContentSid", str(template)), ("ContentVariables", json.dumps(variables))]
        else:
            form.append(("Body", text_of_message(outgoing)))
        form += [("MediaUrl", url) for url in pictures_of(outgoing)]
        if self._account.callback_url:
            form.append(("StatusCallback", self._account.callback_url))
        return form

    async def close(self) -> None:
        """The HTTP client is the process's."""


def _outcome(answer: Answer) -> Outcome:
    said: Any = json_of(answer)
    said = said if isinstance(said, dict) else {}
    if 200 <= answer.status < 300:
        name = said.get("sid")
        return Outcome.accepted(str(name) if name else None, str(answer.status), str(said.get("status", "")))
    code, message = said.get("code"), str(said.get("message") or text_of(answer))
    if answer.status in NOT_US and code in {None, 20003, 20005, 20404}:
        return refused_login(answer)
    return Outcome.rejected(str(code or answer.status), message, address_is_bad=code in BAD_ADDRESS)
