"""Sign-in with OpenID Connect, against a real provider that listens on 127.0.0.1."""

from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from joserfc.jwk import RSAKey

from app.actions.accounts import log_in_with_oidc, verify_email
from app.core import clock
from app.core.access import PUBLIC
from app.core.errors import Unauthenticated
from app.core.oidc import IdentityProvider, VerifiedEmail
from app.core.settings import Settings
from app.core.tokens import Tokens
from app.core.tx import UnitsOfWork
from tests.actions.accounts import ada, do, mailed_tokens
from tests.oidc_provider import CLIENT, CLIENT_SECRET, Provider, sent_back, served, signed_by_hand, signed_with

REDIRECT = "http://127.0.0.1:8000/console/oidc"


@pytest.fixture(scope="module")
def signing_key() -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": "1", "use": "sig"})


@pytest.fixture
async def provider(signing_key: RSAKey) -> AsyncIterator[Provider]:
    async with served(Provider(key=signing_key)) as provider:
        yield provider


@pytest.fixture
def ours(provider: Provider) -> IdentityProvider:
    settings = Settings(
        secret="o" * 32,
        oidc_issuer=provider.issuer,
        oidc_client_id=CLIENT,
        oidc_client_secret=CLIENT_SECRET,
    )
    return IdentityProvider(settings, Tokens(settings))


async def come_back(url: str) -> dict[str, str]:
    """What the browser brings back from the provider."""
    location = urlsplit(await sent_back(url))
    assert location._replace(query="").geturl() == REDIRECT
    return {name: values[0] for name, values in parse_qs(location.query).items()}


async def signed_in(ours: IdentityProvider) -> VerifiedEmail:
    url, sealed = await ours.authorization_request(REDIRECT)
    return await ours.complete(sealed, **await come_back(url))


async def test_a_person_known_to_the_provider_is_verified(provider: Provider, ours: IdentityProvider) -> None:
    assert await signed_in(ours) == VerifiedEmail("ada@lovelace.example", "Ada King")
    assert await signed_in(ours) == VerifiedEmail("ada@lovelace.example", "Ada King")
    assert provider.requests == ["discovery", "jwks"]


async def test_the_secret_can_be_shown_in_the_body(provider: Provider, ours: IdentityProvider) -> None:
    provider.metadata = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    assert (await signed_in(ours)).email == "ada@lovelace.example"


async def test_two_requests_share_no_secret(ours: IdentityProvider) -> None:
    (first, first_sealed), (second, second_sealed) = [await ours.authorization_request(REDIRECT) for _ in range(2)]
    asked = [parse_qs(urlsplit(url).query) for url in (first, second)]
    for name in ("state", "nonce", "code_challenge"):
        assert asked[0][name] != asked[1][name]
    assert first_sealed != second_sealed


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"aud": "another"},
        {"aud": None},
        {"aud": [CLIENT, "another"]},
        {"azp": "another"},
        {"iss": "https://elsewhere.example"},
        {"iss": None},
        {"exp": 1},
        {"exp": None},
        {"iat": 99_999_999_999},
        {"sub": None},
        {"email": None},
        {"email": ["ada@lovelace.example"]},
        {"email_verified": False},
        {"email_verified": "true"},
        {"email_verified": None},
    ],
)
async def test_an_id_token_with_wrong_claims_is_refused(
    provider: Provider, ours: IdentityProvider, claims: dict[str, Any]
) -> None:
    provider.claims = claims
    with pytest.raises(Unauthenticated) as refusal:
        await signed_in(ours)
    reason = "e-mail" if any(name.startswith("email") for name in claims) else "ID token"
    assert reason in refusal.value.message


async def test_an_audience_of_several_names_its_party(provider: Provider, ours: IdentityProvider) -> None:
    provider.claims = {"aud": [CLIENT, "another"], "azp": CLIENT, "name": 7}
    assert await signed_in(ours) == VerifiedEmail("ada@lovelace.example", "")


async def test_a_token_signed_by_another_key_is_refused(provider: Provider, ours: IdentityProvider) -> None:
    provider.sign = partial(signed_with, RSAKey.generate_key(2048, {"kid": "1"}))
    with pytest.raises(Unauthenticated, match="ID token"):
        await signed_in(ours)


async def test_a_public_key_is_no_shared_secret(provider: Provider, ours: IdentityProvider) -> None:
    for secret in (provider.key.as_pem(private=False), CLIENT_SECRET.encode() * 4):
        provider.sign = partial(signed_by_hand, secret)
        with pytest.raises(Unauthenticated, match="ID token"):
            await signed_in(ours)


async def test_a_new_key_of_the_provider_is_fetched(provider: Provider, ours: IdentityProvider) -> None:
    await signed_in(ours)
    provider.key = RSAKey.generate_key(2048, {"kid": "1", "use": "sig"})
    assert (await signed_in(ours)).email == "ada@lovelace.example"
    assert provider.requests == ["discovery", "jwks"] * 2


async def test_what_the_browser_brings_back_must_belong_together(provider: Provider, ours: IdentityProvider) -> None:
    url, sealed = await ours.authorization_request(REDIRECT)
    other_url, other_sealed = await ours.authorization_request(REDIRECT)
    brought, other = await come_back(url), await come_back(other_url)
    for seal, code, state in (
        (other_sealed, brought["code"], brought["state"]),
        (sealed, brought["code"], other["state"]),
        (sealed, brought["code"], "\ud800"),
        ("made up", brought["code"], brought["state"]),
        (sealed, "made up", brought["state"]),
        (sealed, other["code"], brought["state"]),
    ):
        with pytest.raises(Unauthenticated):
            await ours.complete(seal, code=code, state=state)
    assert (await ours.complete(sealed, **brought)).email == "ada@lovelace.example"
    with pytest.raises(Unauthenticated):
        await ours.complete(sealed, **brought)


async def test_a_sign_in_takes_ten_minutes_at_most(ours: IdentityProvider) -> None:
    url, sealed = await ours.authorization_request(REDIRECT)
    brought = await come_back(url)
    with time_machine.travel(clock.now() + timedelta(minutes=11)), pytest.raises(Unauthenticated):
        await ours.complete(sealed, **brought)


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": "https://elsewhere.example"},
        {"token_endpoint": "http://elsewhere.example/token"},
        {"authorization_endpoint": None},
        {"jwks_uri": "http://127.0.0.1:9/jwks"},
    ],
)
async def test_a_provider_that_misdescribes_itself_is_not_asked(
    provider: Provider, ours: IdentityProvider, metadata: dict[str, Any]
) -> None:
    provider.metadata = metadata
    with pytest.raises(Unauthenticated):
        await ours.authorization_request(REDIRECT)


def test_the_issuer_is_reached_over_tls() -> None:
    for issuer in ("", "http://login.example"):
        settings = Settings(secret="o" * 32, oidc_issuer=issuer)
        with pytest.raises(ValueError, match=r"https|not set"):
            IdentityProvider(settings, Tokens(settings))


async def test_a_verified_person_signs_in_as_the_member_they_are(
    units: UnitsOfWork, provider: Provider, ours: IdentityProvider
) -> None:
    registered = await ada(units)
    person = await signed_in(ours)
    with pytest.raises(Unauthenticated):
        await do(units, PUBLIC, log_in_with_oidc, email=person.email, name=person.name)
    await do(units, PUBLIC, verify_email, token=(await mailed_tokens(units, person.email, "verify"))[0])
    session = await do(units, PUBLIC, log_in_with_oidc, email=person.email, name=person.name)
    assert (session.user_id, session.tenant_id) == (registered.user_id, registered.tenant_id)
