"""What callers carry: signed access tokens, and random secrets of which only the SHA-256 is stored."""

import hashlib
import hmac
import re
import secrets
import string
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey
from joserfc.jwt import JWTClaimsRegistry

from app.core import clock
from app.core.access import Role
from app.core.errors import RapportError, Unauthenticated
from app.core.ids import new_secret, parse_id, public_id
from app.core.settings import Settings

ALGORITHMS = ["HS256"]
"""The only signatures made and accepted, whatever a token's header says."""
AUDIENCE = "rapport"
SHORTEST_SECRET = 32
CLOCK_SKEW_S = 5
API_KEY = "rpt_"
"""How every API key begins, so that secret scanners can find a leaked one."""
VISITOR_TOKEN = "vst_"  # noqa: S105
"""How every visitor's token begins; a JWT follows."""
VISITOR_AUDIENCE = f"{AUDIENCE}:visitor"
PREFIX_LETTERS = string.ascii_lowercase + string.digits
KEY_FORM = re.compile(rf"{API_KEY}([a-z0-9]{{10}})_[A-Za-z0-9_-]{{43}}")


def digest(secret: str) -> str:
    """The SHA-256 of a secret, in hex: all that is stored of it. For secrets of 256 random bits, not for passwords."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class AccessClaims:
    """What an access token says. The role is what it was when the token was made; rights are read from the database."""

    user_id: UUID
    tenant_id: UUID
    session_id: UUID
    role: Role
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class VisitorClaims:
    """What a visitor's token says: who they are, in which widget, on pages of which origin (None: no browser).

    ``version`` is the visitor's ``session_version`` when it was made; a token of another version is worth nothing.
    """

    visitor_id: UUID
    tenant_id: UUID
    widget_id: UUID
    origin: str | None
    version: int
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class ApiKeyText:
    """A key's text, ``rpt_<prefix>_<43 character secret>``, and the parts that are stored or shown."""

    text: str
    prefix: str

    @property
    def secret_hash(self) -> str:
        return digest(self.text)

    @property
    def last4(self) -> str:
        return self.text[-4:]

    @classmethod
    def new(cls) -> "ApiKeyText":
        """A fresh key with 256 random bits of secret."""
        prefix = "".join(secrets.choice(PREFIX_LETTERS) for _ in range(10))
        return cls(f"{API_KEY}{prefix}_{new_secret()}", prefix)

    @classmethod
    def parse(cls, text: str) -> "ApiKeyText | None":
        """The key in ``text``, or None when it is not written like one."""
        match = KEY_FORM.fullmatch(text)
        return cls(text, match[1]) if match else None

    def matches(self, secret_hash: str) -> bool:
        """Whether the stored hash is this key's, in constant time."""
        return hmac.compare_digest(self.secret_hash, secret_hash)


class Tokens:
    """Signs and reads tokens with keys derived from ``settings.signing_secret``, one key per purpose."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._keys: dict[str, OctKey] = {}

    def sign_access(self, claims: AccessClaims, now: datetime) -> str:
        """The access token (a JWT) that says ``claims``."""
        payload = {
            "sub": public_id("user", claims.user_id),
            "tenant": public_id("tenant", claims.tenant_id),
            "session": claims.session_id.hex,
            "role": claims.role.value,
        }
        return self._sign(AUDIENCE, payload, now, claims.expires_at)

    def read_access(self, token: str) -> AccessClaims:
        """What a valid, unexpired access token says. Raises :class:`Unauthenticated`."""
        claims = self._read(AUDIENCE, token)
        try:
            return AccessClaims(
                user_id=parse_id("user", claims["sub"]),
                tenant_id=parse_id("tenant", claims["tenant"]),
                session_id=UUID(claims["session"]),
                role=Role(claims["role"]),
                expires_at=datetime.fromtimestamp(claims["exp"], UTC),
            )
        except (KeyError, ValueError, TypeError, AttributeError, RapportError) as broken:
            raise Unauthenticated("The access token is not valid.") from broken

    def sign_visitor(self, claims: VisitorClaims, now: datetime) -> str:
        """The visitor's token (``vst_`` and a JWT) that says ``claims``."""
        payload = {
            "sub": public_id("visitor", claims.visitor_id),
            "tenant": public_id("tenant", claims.tenant_id),
            "widget": public_id("widget", claims.widget_id),
            "origin": claims.origin,
            "version": claims.version,
        }
        return VISITOR_TOKEN + self._sign(VISITOR_AUDIENCE, payload, now, claims.expires_at)

    def read_visitor(self, token: str) -> VisitorClaims:
        """What a valid, unexpired visitor's token says. Raises :class:`Unauthenticated`."""
        claims = self._read(VISITOR_AUDIENCE, token.removeprefix(VISITOR_TOKEN))
        try:
            return VisitorClaims(
                visitor_id=parse_id("visitor", claims["sub"]),
                tenant_id=parse_id("tenant", claims["tenant"]),
                widget_id=parse_id("widget", claims["widget"]),
                origin=claims["origin"],
                version=int(claims["version"]),
                expires_at=datetime.fromtimestamp(claims["exp"], UTC),
            )
        except (KeyError, ValueError, TypeError, AttributeError, RapportError) as broken:
            raise Unauthenticated("The visitor's token is not valid.") from broken

    def identity_secret(self, tenant_id: UUID, version: int) -> str:
        """The secret (64 hex digits) with which a tenant's server vouches for its visitors; another per version."""
        return hmac.digest(self._secret(), f"identity:{tenant_id.hex}:{version}".encode(), "sha256").hex()

    def seal(self, purpose: str, document: Mapping[str, Any], life: timedelta) -> str:
        """A signed, readable token that carries a JSON document through a browser and back, for one purpose only."""
        now = clock.now()
        return self._sign(f"{AUDIENCE}:{purpose}", {"document": dict(document)}, now, now + life)

    def unseal(self, purpose: str, token: str) -> dict[str, Any]:
        """The document sealed for ``purpose``. Raises :class:`Unauthenticated` when it expired or is not ours."""
        return dict(self._read(f"{AUDIENCE}:{purpose}", token)["document"])

    def _sign(self, audience: str, payload: Mapping[str, Any], now: datetime, expires_at: datetime) -> str:
        claims = {
            "iss": self._settings.base_url,
            "aud": audience,
            "iat": int(now.timestamp()),
            "exp": int(expires_at.timestamp()),
            **payload,
        }
        return jwt.encode({"alg": ALGORITHMS[0]}, claims, self._key(audience), algorithms=ALGORITHMS)

    def _read(self, audience: str, token: str) -> dict[str, Any]:
        expected = JWTClaimsRegistry(
            now=lambda: int(clock.now().timestamp()),
            leeway=0,
            iss={"essential": True, "value": self._settings.base_url},
            aud={"essential": True, "value": audience},
            exp={"essential": True},
        )
        try:
            claims = jwt.decode(token, self._key(audience), algorithms=ALGORITHMS).claims
            # Another process of ours may be a moment ahead, which must not make its fresh tokens useless here.
            if claims.get("iat", 0) - clock.now().timestamp() > CLOCK_SKEW_S:
                raise Unauthenticated("The token is not valid yet.")
            claims.pop("iat", None)
            expected.validate(claims)
        except (JoseError, ValueError, TypeError) as refused:
            raise Unauthenticated("The token is not valid or has expired.") from refused
        return claims

    def _key(self, audience: str) -> OctKey:
        if audience not in self._keys:
            self._keys[audience] = OctKey.import_key(hmac.digest(self._secret(), audience.encode(), "sha256"))
        return self._keys[audience]

    def _secret(self) -> bytes:
        secret = self._settings.signing_secret.encode()
        if len(secret) < SHORTEST_SECRET:
            raise ValueError(f"RAPPORT_SECRET must have at least {SHORTEST_SECRET} characters")
        return secret
