"""Notifications over Firebase Cloud Messaging (HTTP v1), signed in as a service account (OAuth 2, RFC 7523)."""

import asyncio
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

import orjson
from joserfc import jwt
from joserfc.jwk import RSAKey

from app.channels.calling import NOT_US, Api, json_of, refused_login, text_of
from app.channels.carrying import Outcome, Target
from app.channels.push.notice import Notice
from app.core import clock
from app.core.fetching import Answer, Fetcher

API = "https://fcm.googleapis.com"
SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ASSERTION_S = 3600
EARLY_S = 120
"""A token is replaced so long before it runs out."""


class FcmAccount:
    """A service account's key as Google gives it out, read. Raises ValueError when it is none."""

    def __init__(self, key: Mapping[str, Any]) -> None:
        try:
            self.project_id = str(key["project_id"])
            self.email = str(key["client_email"])
            self.token_url = str(key.get("token_uri") or "https://oauth2.googleapis.com/token")
            self.key = RSAKey.import_key(str(key["private_key"]))
        except KeyError as missing:
            raise ValueError(f"the service account's key has no {missing.args[0]}") from missing


class Fcm:
    """Sends to apps over Firebase."""

    def __init__(self, account: FcmAccount, fetcher: Fetcher, api_url: str = API) -> None:
        self._account = account
        self._api = Api(fetcher)
        self._sign_in_api = Api(fetcher, is_idempotent=True)
        self._url = f"{api_url.rstrip('/')}/v1/projects/{quote(account.project_id)}/messages:send"
        self._token = ""
        self._good_until = 0.0
        self._signing_in = asyncio.Lock()

    async def send_to(self, target: Target, notice: Notice) -> Outcome:
        """Hands a notification over for one app."""
        content = orjson.dumps(document_of(target, notice))
        said = await self._post(content)
        if isinstance(said, Answer) and said.status == 401:
            self._good_until = 0.0  # it was taken back before its time
            said = await self._post(content)
        return said if isinstance(said, Outcome) else _outcome(said)

    async def _post(self, content: bytes) -> Answer | Outcome:
        token = await self._access_token()
        if isinstance(token, Outcome):
            return token
        headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        return await self._api.post(self._url, headers=headers, content=content)

    async def _access_token(self) -> str | Outcome:
        async with self._signing_in:
            now = clock.now().timestamp()
            if now < self._good_until:
                return self._token
            claims = {
                "iss": self._account.email,
                "scope": SCOPE,
                "aud": self._account.token_url,
                "iat": int(now),
                "exp": int(now) + ASSERTION_S,
            }
            assertion = jwt.encode({"alg": "RS256", "typ": "JWT"}, claims, self._account.key)
            form = urlencode({"grant_type": GRANT, "assertion": assertion}).encode()
            headers = {"content-type": "application/x-www-form-urlencoded"}
            said = await self._sign_in_api.post(self._account.token_url, headers=headers, content=form)
            if isinstance(said, Outcome):
                return said
            answer: Any = json_of(said)
            if said.status != 200 or not isinstance(answer, dict) or not isinstance(answer.get("access_token"), str):
                return refused_login(said)
            self._token = answer["access_token"]
            life = answer.get("expires_in")
            self._good_until = now + (life if isinstance(life, int) else ASSERTION_S) - EARLY_S
            return self._token


def document_of(target: Target, notice: Notice) -> dict[str, Any]:
    """The request's body. Firebase's ``data`` is of texts alone, so what is none goes as JSON."""
    shown = {"title": notice.title, "body": notice.body, "image": notice.image_url}
    data = {
        name: value if isinstance(value, str) else orjson.dumps(value).decode() for name, value in notice.data.items()
    }
    data |= {name: value for name, value in [("link", notice.link), ("delivery_id", notice.key)] if value}
    badge = {} if notice.badge is None else {"badge": notice.badge}
    return {
        "message": {
            "token": target.token,
            "notification": {name: value for name, value in shown.items() if value},
            "data": data,
            "android": {
                "ttl": f"{notice.ttl_s}s",
                "notification": {"tag": notice.key} | ({"sound": notice.sound} if notice.sound else {}),
            },
            "apns": {
                "headers": {"apns-collapse-id": notice.key},
                "payload": {"aps": badge | ({"sound": notice.sound} if notice.sound else {})},
            },
        }
    }


def _outcome(answer: Answer) -> Outcome:
    said: Any = json_of(answer)
    said = said if isinstance(said, dict) else {}
    if 200 <= answer.status < 300:
        return Outcome.accepted(str(said.get("name") or "") or None, str(answer.status))
    error = said.get("error")
    error = error if isinstance(error, dict) else {}
    details = [detail for detail in error.get("details") or [] if isinstance(detail, dict)]
    code = next(
        (str(detail["errorCode"]) for detail in details if "errorCode" in detail), str(error.get("status") or "")
    )
    if code == "UNREGISTERED":
        return Outcome.rejected(code, str(error.get("message") or text_of(answer)), address_is_bad=True)
    if answer.status in NOT_US and code != "SENDER_ID_MISMATCH":
        return refused_login(answer)
    return Outcome.rejected(code or str(answer.status), str(error.get("message") or text_of(answer)))
