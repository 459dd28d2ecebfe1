"""Notifications on Apple's devices (APNs over HTTP/2), signed in with a token (ES256)."""

from dataclasses import dataclass, field
from typing import Any

import orjson
from joserfc import jwt
from joserfc.jwk import ECKey

from app.channels.calling import NOT_NOW, Api, json_of, refused_login, text_of
from app.channels.carrying import Outcome, Target
from app.channels.push.notice import Notice
from app.core import clock
from app.core.fetching import Answer, Fetcher

API = "https://api.push.apple.com"
SANDBOX = "https://api.sandbox.push.apple.com"
TOKEN_S = 2700
"""Apple wants a new token at least every hour and at most every twenty minutes."""
MAX_PAYLOAD = 4096
GONE = frozenset({"Unregistered", "ExpiredToken"})
"""What Apple says of a device that has the app no more. ``BadDeviceToken`` and ``DeviceTokenNotForTopic`` are not among
them: a wrong ``api_url`` or ``topic`` gets them for every device, and would have all of them forgotten."""
NOT_OURS = frozenset({"InvalidProviderToken", "MissingProviderToken", "TopicDisallowed", "BadCertificate"})
"""Beside everything that is answered with 403."""


@dataclass(frozen=True, slots=True)
class ApnsApp:
    """An app: its ``topic`` (bundle id), and the key with which its team signs in (``private_key`` in PEM)."""

    team_id: str
    key_id: str
    private_key: str = field(repr=False)
    topic: str
    api_url: str = API


class Apns:
    """Sends to Apple's devices. ``fetcher`` must speak HTTP/2. Raises ValueError for a key that is none."""

    def __init__(self, app: ApnsApp, fetcher: Fetcher) -> None:
        self._app = app
        self._key = ECKey.import_key(app.private_key)
        self._api = Api(fetcher)
        self._token = ""
        self._made_at = 0.0

    async def send_to(self, target: Target, notice: Notice) -> Outcome:
        """Hands a notification over for one device."""
        payload = payload_of(notice)
        if len(payload) > MAX_PAYLOAD:
            return Outcome.rejected("message", f"the notification has more than {MAX_PAYLOAD} bytes")
        if not target.token.isalnum():
            return Outcome.rejected("BadDeviceToken", "the token is not one of Apple's", address_is_bad=True)
        token = self._provider_token()
        headers = {
            "authorization": f"bearer {token}",
            "apns-topic": self._app.topic,
            "apns-push-type": "alert",
            "apns-priority": "10",
            "apns-expiration": str(int(clock.now().timestamp()) + notice.ttl_s),
            "apns-collapse-id": notice.key,
        }
        url = f"{self._app.api_url.rstrip('/')}/3/device/{target.token}"
        said = await self._api.post(url, headers=headers, content=payload)
        return said if isinstance(said, Outcome) else self._outcome(said, token)

    def _provider_token(self) -> str:
        now = clock.now().timestamp()
        if now - self._made_at >= TOKEN_S:
            header = {"alg": "ES256", "kid": self._app.key_id}
            self._token = jwt.encode(header, {"iss": self._app.team_id, "iat": int(now)}, self._key)
            self._made_at = now
        return self._token

    def _outcome(self, answer: Answer, token: str) -> Outcome:
        if answer.status == 200:
            return Outcome.accepted(answer.headers.get("apns-id"), "200")
        said: Any = json_of(answer)
        reason = str(said.get("reason") or "") if isinstance(said, dict) else ""
        if reason == "ExpiredProviderToken":
            if token == self._token:  # else another answer has said so before
                self._made_at = 0.0
            return Outcome.deferred(reason, "our token had run out")
        if answer.status == 403 or reason in NOT_OURS:
            return refused_login(answer)
        if answer.status in NOT_NOW:
            return Outcome.deferred(reason or str(answer.status), reason)
        is_gone = reason in GONE or answer.status == 410
        return Outcome.rejected(reason or str(answer.status), reason or text_of(answer), address_is_bad=is_gone)


def payload_of(notice: Notice) -> bytes:
    """The notification as Apple's devices have it, with our data beside ``aps``."""
    alert = {name: value for name, value in [("title", notice.title), ("body", notice.body)] if value}
    aps: dict[str, Any] = {"alert": alert}
    if notice.sound:
        aps["sound"] = notice.sound
    if notice.badge is not None:
        aps["badge"] = notice.badge
    if notice.image_url:
        aps["mutable-content"] = 1
    beside = {"link": notice.link, "image_url": notice.image_url, "delivery_id": notice.key}
    own = {name: value for name, value in notice.data.items() if name != "aps"}
    return orjson.dumps({**own, **{name: value for name, value in beside.items() if value}, "aps": aps})
