"""Sign-in with OpenID Connect: the authorization code flow with PKCE against the one issuer in the settings.

Provider metadata and keys are fetched when first needed and kept for an hour; an unknown signing key fetches them anew.
"""

import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx2
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jwt import JWTClaimsRegistry
from pydantic import BaseModel, ValidationError

from app.core import clock
from app.core.errors import Unauthenticated
from app.core.ids import new_secret
from app.core.settings import Settings
from app.core.tokens import Tokens

SCOPE = "openid email profile"
ALGORITHMS = ["RS256", "PS256", "ES256", "RS384", "PS384", "ES384", "RS512", "PS512", "ES512", "Ed25519", "EdDSA"]
"""Asymmetric signatures only, so that no public key can be passed off as a shared secret."""
PURPOSE = "oidc"
TIME_TO_SIGN_IN = timedelta(minutes=10)
METADATA_LIFE = timedelta(hours=1)
CLOCK_SKEW_S = 60
TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class VerifiedEmail:
    """What the provider vouches for: this person owns this address. ``name`` may be empty."""

    email: str
    name: str


class ProviderMetadata(BaseModel):
    """What we need of ``/.well-known/openid-configuration`` (OpenID Connect Discovery 1.0, section 3)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    token_endpoint_auth_methods_supported: list[str] = ["client_secret_basic"]

    @property
    def client_authentication(self) -> str:
        """How to show our secret at the token endpoint."""
        basic = "client_secret_basic"
        return basic if basic in self.token_endpoint_auth_methods_supported else "client_secret_post"


@dataclass
class _Known:
    metadata: ProviderMetadata
    keys: KeySet
    fetched_at: datetime = field(default_factory=clock.now)

    @property
    def fresh(self) -> bool:
        return clock.now() - self.fetched_at < METADATA_LIFE


class IdentityProvider:
    """The issuer in the settings. Every failure of a sign-in is :class:`Unauthenticated`."""

    def __init__(self, settings: Settings, tokens: Tokens) -> None:
        if not settings.oidc_issuer:
            raise ValueError("RAPPORT_OIDC_ISSUER is not set")
        _require_safe(settings.oidc_issuer)
        self._settings = settings
        self._tokens = tokens
        self._known: _Known | None = None

    async def authorization_request(self, redirect_uri: str) -> tuple[str, str]:
        """Where to send the browser, and a sealed text that must come back with it (in an HttpOnly cookie).

        The text holds the state, the nonce and the PKCE verifier, and is good for ten minutes.
        """
        nonce, verifier, state = new_secret(), secrets.token_urlsafe(48), new_secret()
        metadata = (await self._provider()).metadata
        async with self._client(redirect_uri) as client:
            url, _ = client.create_authorization_url(
                metadata.authorization_endpoint, state=state, code_verifier=verifier, nonce=nonce
            )
        bundle = {"state": state, "nonce": nonce, "verifier": verifier, "redirect_uri": redirect_uri}
        return url, self._tokens.seal(PURPOSE, bundle, TIME_TO_SIGN_IN)

    async def complete(self, sealed: str, *, code: str, state: str) -> VerifiedEmail:
        """Exchanges the ``code`` with which the browser came back, and verifies who it is.

        Raises :class:`Unauthenticated` when the state or the nonce is another's, when the code or the ID token is
        refused, and when the provider has not verified the address.
        """
        bundle = self._tokens.unseal(PURPOSE, sealed)
        if not secrets.compare_digest(bundle["state"].encode(), state.encode("utf-8", "surrogatepass")):
            raise Unauthenticated("This sign-in was begun in another browser.")
        claims = await self._verified_claims(await self._exchange(bundle, code), bundle["nonce"])
        email = claims.get("email")
        if not isinstance(email, str) or not email or claims.get("email_verified") is not True:
            raise Unauthenticated("The identity provider has not verified your e-mail address.")
        name = claims.get("name")
        return VerifiedEmail(email, name if isinstance(name, str) else "")

    async def _exchange(self, bundle: Mapping[str, str], code: str) -> str:
        metadata = (await self._provider()).metadata
        async with self._client(bundle["redirect_uri"], metadata.client_authentication) as client:
            token = await client.fetch_token(
                metadata.token_endpoint,
                grant_type="authorization_code",
                code=code,
                code_verifier=bundle["verifier"],
            )
        if not isinstance(token.get("id_token"), str):
            raise Unauthenticated("The identity provider gave no ID token.")
        return str(token["id_token"])

    async def _verified_claims(self, id_token: str, nonce: str) -> dict[str, Any]:
        """The claims, checked as OpenID Connect Core 1.0 section 3.1.3.7 says."""
        client_id = self._settings.oidc_client_id
        expected = JWTClaimsRegistry(
            now=lambda: int(clock.now().timestamp()),
            leeway=CLOCK_SKEW_S,
            iss={"essential": True, "value": self._settings.oidc_issuer},
            aud={"essential": True, "value": client_id},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
            nonce={"essential": True, "value": nonce},
        )
        try:
            claims = await self._decode(id_token)
            expected.validate(claims)
        except (JoseError, ValueError, TypeError) as refused:
            raise Unauthenticated("The ID token of the identity provider is not valid.") from refused
        several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if claims.get("azp", None if several else client_id) != client_id:
            raise Unauthenticated("The ID token of the identity provider is meant for somebody else.")
        return claims

    async def _decode(self, id_token: str) -> dict[str, Any]:
        known = await self._provider()
        try:
            return jwt.decode(id_token, known.keys, algorithms=ALGORITHMS).claims
        except (JoseError, ValueError):
            # The provider may have changed its keys since they were fetched.
            renewed = await self._provider(renew=True)
            return jwt.decode(id_token, renewed.keys, algorithms=ALGORITHMS).claims

    async def _provider(self, *, renew: bool = False) -> _Known:
        if self._known is None or renew or not self._known.fresh:
            self._known = await self._discover()
        return self._known

    async def _discover(self) -> _Known:
        issuer = self._settings.oidc_issuer
        async with self._client() as client:
            document = await _get_json(client, f"{issuer.rstrip('/')}/.well-known/openid-configuration")
            metadata = ProviderMetadata.model_validate(document)
            if metadata.issuer != issuer:
                raise Unauthenticated("The identity provider calls itself by another name.")
            for url in (metadata.authorization_endpoint, metadata.token_endpoint, metadata.jwks_uri):
                _require_safe(url)
            keys = KeySet.import_key_set(await _get_json(client, metadata.jwks_uri))
        return _Known(metadata, keys)

    @asynccontextmanager
    async def _client(
        self, redirect_uri: str | None = None, authentication: str | None = None
    ) -> AsyncIterator[AsyncOAuth2Client]:
        client = AsyncOAuth2Client(
            client_id=self._settings.oidc_client_id,
            client_secret=self._settings.oidc_client_secret,
            token_endpoint_auth_method=authentication,
            scope=SCOPE,
            redirect_uri=redirect_uri,
            code_challenge_method="S256",
            timeout=TIMEOUT_S,
            trust_env=False,
        )
        async with client:
            try:
                yield client
            except (httpx2.HTTPError, AuthlibBaseError, JoseError, ValidationError, ValueError) as failed:
                raise Unauthenticated("The identity provider refused or did not answer.") from failed


async def _get_json(client: AsyncOAuth2Client, url: str) -> Any:
    answer = await client.request("GET", url, withhold_token=True)
    answer.raise_for_status()
    return answer.json()


def _require_safe(url: str) -> None:
    """Secrets go over TLS, or stay on this machine. Raises ValueError."""
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in {"127.0.0.1", "localhost", "::1"}):
        raise ValueError(f"not an https address: {url}")
