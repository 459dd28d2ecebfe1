"""Credentials and the principals behind them."""

import asyncio
from base64 import b64encode
from datetime import timedelta
from uuid import UUID

import pytest
import time_machine
from joserfc import jwt
from joserfc.jwk import OctKey
from sqlalchemy import event, select, update
from sqlmodel import col

from app.actions.accounts import NewApiKey, create_api_key, revoke_api_key, update_tenant
from app.actions.authentication import Authenticator
from app.core import clock
from app.core.access import ALL_SCOPES, Principal, Role, Scope, system
from app.core.credentials import UNREADABLE, Credential, Recognised, credential_from_headers
from app.core.database import Database
from app.core.errors import Unauthenticated
from app.core.ids import new_id, public_id
from app.core.settings import Settings
from app.core.tokens import AccessClaims, ApiKeyText, Tokens
from app.core.tx import UnitsOfWork
from models import ApiKey, Session
from tests.actions.accounts import ada, caller, do
from tests.tenants import TenantAccount

SCOPES = ["events:write", "customers:read"]
KEY = f"rpt_0123456789_{'s' * 43}"


@pytest.fixture
def authenticator(units: UnitsOfWork) -> Authenticator:
    return Authenticator(units, units.services)


@pytest.fixture
def statements(database: Database) -> list[str]:
    """Every statement that a unit of work runs from now on."""
    seen: list[str] = []
    for engine in {database.writer.sync_engine, database.reader.sync_engine}:
        event.listen(engine, "before_cursor_execute", lambda *call: seen.append(call[2]))
    return seen


async def key_of(units: UnitsOfWork, tenant: TenantAccount, **values: object) -> NewApiKey:
    return await do(units, tenant.principal, create_api_key, **({"name": "Site", "scopes": SCOPES} | values))


async def last_use(units: UnitsOfWork, key_id: UUID) -> object:
    async with units.read(system()) as reading:
        found = select(col(ApiKey.last_used_at)).where(col(ApiKey.id) == key_id)
        return (await reading.session.execute(found)).scalar_one()


def basic(text: str) -> str:
    return f"Basic {b64encode(text.encode()).decode()}"


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"x-api-key": f" {KEY} "}, Credential("api_key", KEY)),
        ({"authorization": f"Bearer {KEY}"}, Credential("api_key", KEY)),
        ({"authorization": f"bearer  {KEY}"}, Credential("api_key", KEY)),
        ({"authorization": "Bearer a.b.c"}, Credential("access_token", "a.b.c")),
        ({"authorization": basic(f"site-id:{KEY}")}, Credential("api_key", KEY)),
        ({"authorization": basic(f":{KEY}")}, Credential("api_key", KEY)),
        ({"authorization": "Bearer a.b.c", "x-api-key": KEY}, Credential("api_key", KEY)),
        ({"authorization": basic("no colon")}, UNREADABLE),
        ({"authorization": "Basic ###"}, UNREADABLE),
        ({"authorization": "Basic /w=="}, UNREADABLE),
        ({"authorization": "Basic \udcff"}, UNREADABLE),
        ({"authorization": "Digest username=x"}, UNREADABLE),
        ({"authorization": ""}, UNREADABLE),
        ({"x-api-key": ""}, Credential("api_key", "")),
    ],
)
def test_a_credential_is_read_from_headers(headers: dict[str, str], expected: Credential | None) -> None:
    assert credential_from_headers(headers) == expected


def test_a_credential_does_not_show_itself() -> None:
    assert KEY not in repr(Credential("api_key", KEY))


async def test_a_key_is_recognised_with_its_scopes(
    units: UnitsOfWork, tenant: TenantAccount, authenticator: Authenticator
) -> None:
    expires_at = clock.now() + timedelta(days=1)
    made = await key_of(units, tenant, expires_at=expires_at)
    prefix = made.key_text.split("_")[1]
    for headers in (
        {"x-api-key": made.key_text},
        {"authorization": f"Bearer {made.key_text}"},
        {"authorization": basic(f"anybody:{made.key_text}")},
    ):
        credential = credential_from_headers(headers)
        assert credential is not None
        principal = await authenticator.authenticate(credential, "silocdp", "request-1")
        assert principal == Principal(
            "api_key",
            tenant.id,
            made.id,
            label=f"Site ({prefix})",
            scopes=frozenset({Scope.EVENTS_WRITE, Scope.CUSTOMERS_READ}),
            plan="enterprise",
            source="silocdp",
            expires_at=expires_at,
        )
        assert principal.request_id == "request-1"
    await authenticator.close()


@pytest.mark.parametrize(
    "text", ["", "rpt_", "rpt__", "rpt_a_b", "rpt_0123456789", KEY, "\ud800", "rpt_\ud800_\ud800", "r" * 100_000]
)
@pytest.mark.parametrize("kind", ["api_key", "access_token", "unreadable"])
async def test_made_up_credentials_are_refused(
    units: UnitsOfWork, authenticator: Authenticator, kind: str, text: str
) -> None:
    with pytest.raises(Unauthenticated):
        await authenticator.authenticate(Credential(kind, text), "graph")


async def test_the_right_prefix_with_a_wrong_secret_is_refused(
    units: UnitsOfWork, tenant: TenantAccount, authenticator: Authenticator
) -> None:
    made = await key_of(units, tenant)
    wrong = made.key_text[:-1] + ("a" if made.key_text[-1] != "a" else "b")
    with pytest.raises(Unauthenticated):
        await authenticator.authenticate(Credential.from_text(wrong), "graph")
    await asyncio.sleep(0.05)
    assert await last_use(units, made.id) is None


async def test_an_expired_key_is_refused_even_when_just_recognised(
    units: UnitsOfWork, tenant: TenantAccount, authenticator: Authenticator
) -> None:
    made = await key_of(units, tenant, expires_at=clock.now() + timedelta(seconds=30))
    credential = Credential.from_text(made.key_text)
    await authenticator.authenticate(credential, "graph")
    with time_machine.travel(clock.now() + timedelta(seconds=30)), pytest.raises(Unauthenticated):
        await authenticator.authenticate(credential, "graph")
    await authenticator.authenticate(credential, "graph")
    await authenticator.close()


async def test_a_revoked_key_is_refused_at_once(
    units: UnitsOfWork, tenant: TenantAccount, authenticator: Authenticator
) -> None:
    made, other = await key_of(units, tenant), await key_of(units, tenant)
    credential = Credential.from_text(made.key_text)
    await authenticator.authenticate(credential, "graph")
    await do(units, tenant.principal, revoke_api_key, api_key_id=made.id)
    with pytest.raises(Unauthenticated):
        await authenticator.authenticate(credential, "graph")
    await authenticator.authenticate(Credential.from_text(other.key_text), "graph")
    await authenticator.close()


async def test_what_another_process_revoked_is_refused_within_five_seconds(
    units: UnitsOfWork, tenant: TenantAccount
) -> None:
    assert Recognised()._principals.ttl == 5.0
    object.__setattr__(units.services, "recognised", Recognised(seconds=0.2))
    authenticator = Authenticator(units, units.services)
    made = await key_of(units, tenant)
    credential = Credential.from_text(made.key_text)
    await authenticator.authenticate(credential, "graph")
    await authenticator.close()
    async with units.write(system()) as tx:
        await tx.session.execute(update(ApiKey).values(revoked_at=clock.now()))
    await authenticator.authenticate(credential, "graph")
    await asyncio.sleep(0.25)
    with pytest.raises(Unauthenticated):
        await authenticator.authenticate(credential, "graph")


async def test_a_hot_key_costs_no_query(
    units: UnitsOfWork, tenant: TenantAccount, authenticator: Authenticator, statements: list[str]
) -> None:
    credential = Credential.from_text((await key_of(units, tenant)).key_text)
    await authenticator.authenticate(credential, "graph")
    await authenticator.close()
    statements.clear()
    for _ in range(100):
        await authenticator.authenticate(credential, "graph")
    assert statements == []


async def test_a_plan_counts_at_once_for_keys_and_members(units: UnitsOfWork, authenticator: Authenticator) -> None:
    signed_in = await ada(units)
    owner = await caller(units, signed_in)
    made = await do(units, owner, create_api_key, name="Site", scopes=SCOPES)
    credentials = [Credential.from_text(made.key_text), Credential.from_text(signed_in.access_token)]
    assert [(await authenticator.authenticate(each, "graph")).plan for each in credentials] == ["free", "free"]
    await do(units, owner, update_tenant, plan="starter")
    assert [(await authenticator.authenticate(each, "graph")).plan for each in credentials] == ["starter", "starter"]
    await authenticator.close()


async def test_what_was_forgotten_meanwhile_is_not_remembered() -> None:
    recognised, credential = Recognised(), Credential.from_text(KEY)
    principal = Principal("api_key", new_id(), new_id())
    moment = recognised.moment
    recognised.forget([new_id()])
    recognised.remember(credential, principal, moment)
    assert recognised.find(credential) is None
    recognised.remember(credential, principal, recognised.moment)
    assert recognised.find(credential) is principal
    for ids in ([principal.id], [principal.tenant_id]):
        recognised.remember(credential, principal, recognised.moment)
        recognised.forget(ids)  # type: ignore[arg-type]
        assert recognised.find(credential) is None


async def test_the_last_use_of_a_key_is_noted_once_a_minute(
    units: UnitsOfWork, tenant: TenantAccount, authenticator: Authenticator, statements: list[str]
) -> None:
    made, idle = await key_of(units, tenant), await key_of(units, tenant)
    credential = Credential.from_text(made.key_text)
    start = clock.now()

    async def use_at(seconds: int) -> object:
        with time_machine.travel(start + timedelta(seconds=seconds), tick=False):
            await authenticator.authenticate(credential, "graph")
            await authenticator.close()
        return await last_use(units, made.id)

    assert await use_at(10) == start + timedelta(seconds=10)
    statements.clear()
    assert await use_at(69) == start + timedelta(seconds=10)
    assert [text for text in statements if text.startswith("UPDATE")] == []
    assert await use_at(70) == start + timedelta(seconds=70)
    assert await last_use(units, idle.id) is None


async def test_an_access_token_is_a_member_with_rights_from_the_database(
    units: UnitsOfWork, authenticator: Authenticator
) -> None:
    signed_in = await ada(units)
    principal = await authenticator.authenticate(Credential.from_text(signed_in.access_token), "console", "r")
    async with units.read(system()) as reading:
        session_id = (await reading.session.execute(select(col(Session.id)))).scalar_one()
    assert principal == Principal(
        "member",
        signed_in.tenant_id,
        signed_in.user_id,
        label="ada@lovelace.example",
        scopes=ALL_SCOPES,
        role=Role.OWNER,
        plan="free",
        source="console",
        session_id=session_id,
        expires_at=signed_in.expires_at,
    )


async def test_an_access_token_expires_after_fifteen_minutes(units: UnitsOfWork, authenticator: Authenticator) -> None:
    credential = Credential.from_text((await ada(units)).access_token)
    with time_machine.travel(clock.now() + timedelta(minutes=14, seconds=50)):
        await authenticator.authenticate(credential, "graph")
    with time_machine.travel(clock.now() + timedelta(minutes=15, seconds=1)), pytest.raises(Unauthenticated):
        await authenticator.authenticate(credential, "graph")


async def test_an_access_token_says_what_it_should(units: UnitsOfWork) -> None:
    signed_in = await ada(units)
    key = units.services.tokens._key("rapport")
    token = jwt.decode(signed_in.access_token, key, algorithms=["HS256"])
    assert token.header == {"typ": "JWT", "alg": "HS256"}
    claims = token.claims
    assert (claims.pop("exp"), claims.pop("iat") > 0) == (int(signed_in.expires_at.timestamp()), True)
    assert len(claims.pop("session")) == 32
    assert claims == {
        "iss": "http://127.0.0.1:8000",
        "aud": "rapport",
        "sub": public_id("user", signed_in.user_id),
        "tenant": public_id("tenant", signed_in.tenant_id),
        "role": "owner",
    }


class TestForgedTokens:
    """Tokens that somebody else made, or that were made for something else."""

    @pytest.fixture
    def tokens(self, tmp_path: object) -> Tokens:
        return Tokens(Settings(secret="a" * 32))

    @pytest.fixture
    def claims(self) -> dict[str, object]:
        now = int(clock.now().timestamp())
        return {
            "iss": "http://127.0.0.1:8000",
            "aud": "rapport",
            "iat": now,
            "exp": now + 60,
            "sub": public_id("user", new_id()),
            "tenant": public_id("tenant", new_id()),
            "session": new_id().hex,
            "role": "owner",
        }

    def sign(self, tokens: Tokens, claims: dict[str, object], algorithm: str = "HS256") -> str:
        return jwt.encode({"alg": algorithm}, claims, tokens._key("rapport"), algorithms=[algorithm])

    def test_ours_is_read(self, tokens: Tokens, claims: dict[str, object]) -> None:
        read = tokens.read_access(self.sign(tokens, claims))
        assert isinstance(read, AccessClaims)
        assert public_id("user", read.user_id) == claims["sub"]
        assert read.role is Role.OWNER

    @pytest.mark.parametrize(
        "change",
        [
            {"iss": "https://elsewhere.example"},
            {"aud": "rapport:oidc"},
            {"aud": None},
            {"exp": 1},
            {"exp": "soon"},
            {"exp": None},
            {"iat": 99_999_999_999},
            {"iat": "then"},
            {"sub": "cust_00000000000000000000000000000000"},
            {"sub": 7},
            {"tenant": None},
            {"session": "x"},
            {"session": 7},
            {"role": "king"},
        ],
    )
    def test_wrong_claims_are_refused(
        self, tokens: Tokens, claims: dict[str, object], change: dict[str, object]
    ) -> None:
        with pytest.raises(Unauthenticated):
            tokens.read_access(self.sign(tokens, claims | change))

    @pytest.mark.parametrize("claim", ["iss", "aud", "exp", "sub", "tenant", "session", "role"])
    def test_missing_claims_are_refused(self, tokens: Tokens, claims: dict[str, object], claim: str) -> None:
        del claims[claim]
        with pytest.raises(Unauthenticated):
            tokens.read_access(self.sign(tokens, claims))

    def test_other_algorithms_are_refused(self, tokens: Tokens, claims: dict[str, object]) -> None:
        parts = self.sign(tokens, claims).split(".")
        unsigned = b64encode(b'{"alg":"none","typ":"JWT"}').decode().rstrip("=")
        for forged in (
            self.sign(tokens, claims, "HS512"),
            f"{unsigned}.{parts[1]}.",
            f"{unsigned}.{parts[1]}.{parts[2]}",
            f"{parts[0]}.{parts[1]}.",
        ):
            with pytest.raises(Unauthenticated):
                tokens.read_access(forged)

    def test_another_secret_is_refused(self, tokens: Tokens, claims: dict[str, object]) -> None:
        for secret in (b"b" * 32, b"a" * 32):
            token = jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(secret), algorithms=["HS256"])
            with pytest.raises(Unauthenticated):
                tokens.read_access(token)

    def test_a_sealed_document_opens_for_its_purpose_only(self, tokens: Tokens) -> None:
        sealed = tokens.seal("oidc", {"state": "s"}, timedelta(minutes=10))
        assert tokens.unseal("oidc", sealed) == {"state": "s"}
        for refused in (lambda: tokens.unseal("other", sealed), lambda: tokens.read_access(sealed)):
            with pytest.raises(Unauthenticated):
                refused()
        with time_machine.travel(clock.now() + timedelta(minutes=11)), pytest.raises(Unauthenticated):
            tokens.unseal("oidc", sealed)

    def test_a_short_secret_signs_nothing(self) -> None:
        with pytest.raises(ValueError, match="at least 32 characters"):
            Tokens(Settings(secret="short")).seal("oidc", {}, timedelta(minutes=1))

    def test_keys_have_256_random_bits(self) -> None:
        made = {ApiKeyText.new().text for _ in range(100)}
        assert len(made) == 100
        assert {len(text) for text in made} == {4 + 10 + 1 + 43}
