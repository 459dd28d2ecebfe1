"""A real OpenID Connect provider for the tests, which listens on 127.0.0.1."""

import asyncio
import hmac
import json
from base64 import b64decode, urlsafe_b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, unquote

import httpx2
import uvicorn
from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from app.core import clock
from app.core.ids import new_secret

CLIENT, CLIENT_SECRET = "rapport", "s3cret +/:%"
CLAIMS = {"sub": "user-7", "email": "ada@lovelace.example", "email_verified": True, "name": "Ada King"}


def signed_with(key: RSAKey, claims: dict[str, Any]) -> str:
    return jwt.encode({"alg": "RS256", "kid": "1"}, claims, key, algorithms=["RS256"])


def signed_by_hand(secret: bytes, claims: dict[str, Any]) -> str:
    """With HS256, as somebody would who takes a public key for the secret; joserfc refuses to make such a key."""
    parts = [unpadded(json.dumps(part).encode()) for part in ({"alg": "HS256", "kid": "1"}, claims)]
    return ".".join([*parts, unpadded(hmac.digest(secret, ".".join(parts).encode(), "sha256"))])


def unpadded(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")


@dataclass
class Provider:
    """A small OpenID Connect provider: discovery, keys, authorization and token endpoints, with PKCE enforced.

    ``claims`` changes what the ID token says (None removes a claim); ``metadata`` what discovery says.
    """

    issuer: str = ""
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "1", "use": "sig"}))
    sign: Callable[[dict[str, Any]], str] | None = None
    claims: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)

    async def discovery(self, request: Request) -> Response:
        self.requests.append("discovery")
        document = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
        }
        return JSONResponse(document | self.metadata)

    async def jwks(self, request: Request) -> Response:
        self.requests.append("jwks")
        return JSONResponse({"keys": [self.key.as_dict(private=False)]})

    async def authorize(self, request: Request) -> Response:
        asked = dict(request.query_params)
        assert asked["response_type"] == "code"
        assert asked["scope"] == "openid email profile"
        assert asked["client_id"] == CLIENT
        assert asked["code_challenge_method"] == "S256"
        code = new_secret()
        self.codes[code] = asked
        return RedirectResponse(f"{asked['redirect_uri']}?code={code}&state={asked['state']}")

    async def token(self, request: Request) -> Response:
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        asked = self.codes.pop(str(form.get("code")), None)
        challenge = unpadded(sha256(str(form.get("code_verifier")).encode()).digest())
        if not self._authenticated(request, form):
            return JSONResponse({"error": "invalid_client"}, 401)
        if asked is None or asked["code_challenge"] != challenge or asked["redirect_uri"] != form["redirect_uri"]:
            return JSONResponse({"error": "invalid_grant"}, 400)
        now = int(clock.now().timestamp())
        said = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": asked["nonce"], **CLAIMS}
        said = {name: value for name, value in (said | self.claims).items() if value is not None}
        id_token = self.sign(said) if self.sign else signed_with(self.key, said)
        return JSONResponse({"access_token": "opaque", "token_type": "Bearer", "id_token": id_token})

    def _authenticated(self, request: Request, form: dict[str, Any]) -> bool:
        if "client_secret_basic" in self.metadata.get("token_endpoint_auth_methods_supported", ["client_secret_basic"]):
            name, _, secret = b64decode(request.headers["authorization"].split()[1]).decode().partition(":")
            return (unquote(name), secret) == (CLIENT, CLIENT_SECRET)
        return (form.get("client_id"), form.get("client_secret")) == (CLIENT, CLIENT_SECRET)

    @property
    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self.discovery),
                Route("/jwks", self.jwks),
                Route("/authorize", self.authorize),
                Route("/token", self.token, methods=["POST"]),
            ]
        )


@asynccontextmanager
async def served(provider: Provider) -> AsyncIterator[Provider]:
    """The provider, listening on a free port of 127.0.0.1."""
    server = uvicorn.Server(uvicorn.Config(provider.app, host="127.0.0.1", port=0, log_level="error"))
    running = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    provider.issuer = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    yield provider
    server.should_exit = True
    await running


async def sent_back(url: str) -> str:
    """Where the provider sends a browser that comes with an authorization request."""
    async with httpx2.AsyncClient(trust_env=False) as browser:
        answer = await browser.get(url)
    return answer.headers["location"]
