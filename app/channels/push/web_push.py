"""Notifications in browsers: web push (RFC 8030), encrypted for the browser (RFC 8291), signed by us (VAPID, RFC 8292).

A device's token is its subscription's address, with ``keys`` (``p256dh`` and ``auth``) in its attributes; or the whole
subscription as JSON.
"""

import binascii
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import Any

import http_ece
import orjson
from cachetools import TTLCache
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, derive_private_key
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as new_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jwt
from joserfc.jwk import ECKey

from app.channels.calling import NOT_US, Api, refused_login, text_of
from app.channels.carrying import Outcome, Target
from app.channels.push.notice import Notice, origin_of
from app.core import clock
from app.core.fetching import Answer, Fetcher

TOKEN_S = 12 * 3600
"""How long a signature is good for (RFC 8292 allows a day); it is used for half of that."""
MAX_PAYLOAD = 3900
"""Bytes that every push service takes (RFC 8030, 7.2 asks for 4096 with what encryption adds)."""


class NoSubscription(Exception):
    """The device is not a browser's subscription."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """Where a browser's messages go, and the keys for which they are encrypted."""

    endpoint: str
    p256dh: bytes
    auth: bytes

    @classmethod
    def of(cls, target: Target) -> "Subscription":
        """Raises :class:`NoSubscription`."""
        said: dict[str, Any] = {"endpoint": target.token, **target.attributes}
        try:
            if target.token.startswith("{"):
                said = orjson.loads(target.token)
            keys = said.get("keys") or said
            found = cls(str(said["endpoint"]), decoded(keys["p256dh"]), decoded(keys["auth"]))
        except (KeyError, TypeError, AttributeError, ValueError, binascii.Error) as wrong:
            raise NoSubscription("the device has no web push subscription with keys p256dh and auth") from wrong
        if len(found.p256dh) != 65 or not found.endpoint.startswith(("https://", "http://")):
            raise NoSubscription("the subscription's address or key is not one")
        return found


class WebPush:
    """Sends to browsers. ``subject`` says who we are: ``mailto:…`` or ``https://…``."""

    def __init__(self, private_key: str, subject: str, fetcher: Fetcher) -> None:
        self._key = load_key(private_key)
        self._signs = ECKey.import_key(self._key)
        self._public = public_key_of(private_key)
        self._subject = subject
        self._api = Api(fetcher)
        self._signatures: TTLCache[str, str] = TTLCache(1000, TOKEN_S / 2)

    async def send_to(self, target: Target, notice: Notice) -> Outcome:
        """Hands a notification over for one browser."""
        payload = payload_of(notice)
        if len(payload) > MAX_PAYLOAD:
            return Outcome.rejected("message", f"the notification has more than {MAX_PAYLOAD} bytes")
        try:
            subscription = Subscription.of(target)
            content = encrypted(payload, subscription)
        except (NoSubscription, ValueError) as wrong:
            return Outcome.rejected("subscription", str(wrong), address_is_bad=True)
        headers = {
            "ttl": str(notice.ttl_s),
            "urgency": "normal",
            "content-encoding": "aes128gcm",
            "content-type": "application/octet-stream",
            "authorization": f"vapid t={self._signature(origin_of(subscription.endpoint))}, k={self._public}",
        }
        said = await self._api.post(subscription.endpoint, headers=headers, content=content)
        return said if isinstance(said, Outcome) else _outcome(said)

    def _signature(self, audience: str) -> str:
        if audience not in self._signatures:
            claims = {"aud": audience, "exp": int(clock.now().timestamp()) + TOKEN_S, "sub": self._subject}
            self._signatures[audience] = jwt.encode({"alg": "ES256", "typ": "JWT"}, claims, self._signs)
        return self._signatures[audience]


def payload_of(notice: Notice) -> bytes:
    """What a service worker gets: the arguments of ``showNotification``, with the link and our data beside."""
    said = {
        "title": notice.title,
        "body": notice.body,
        "image": notice.image_url,
        "tag": notice.key,
        "url": notice.link,
        "delivery_id": notice.key,
        "data": dict(notice.data),
    }
    return orjson.dumps({name: value for name, value in said.items() if value})


def encrypted(payload: bytes, subscription: Subscription) -> bytes:
    """The payload for that browser alone. Raises ValueError for keys that are none."""
    content: bytes = http_ece.encrypt(
        payload,
        salt=os.urandom(16),
        private_key=new_private_key(SECP256R1()),
        dh=subscription.p256dh,
        auth_secret=subscription.auth,
        version="aes128gcm",
    )
    return content


def new_key() -> str:
    """A new private key, as VAPID has it: 32 bytes in base64url."""
    number = new_private_key(SECP256R1()).private_numbers().private_value
    return encoded(number.to_bytes(32))


def load_key(private_key: str) -> EllipticCurvePrivateKey:
    """Raises ValueError when it is no key."""
    return derive_private_key(int.from_bytes(decoded(private_key)), SECP256R1())


def public_key_of(private_key: str) -> str:
    """What pages give to ``pushManager.subscribe`` as ``applicationServerKey``. Raises ValueError."""
    public = load_key(private_key).public_key()
    return encoded(public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))


def encoded(raw: bytes) -> str:
    """base64url without padding."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def decoded(text: str) -> bytes:
    """The bytes of base64url, padded or not. Raises ValueError."""
    return urlsafe_b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4))


def _outcome(answer: Answer) -> Outcome:
    if 200 <= answer.status < 300:
        return Outcome.accepted(answer.headers.get("location"), str(answer.status))
    if answer.status in NOT_US:
        return refused_login(answer)
    return Outcome.rejected(str(answer.status), text_of(answer), address_is_bad=answer.status in {404, 410})
