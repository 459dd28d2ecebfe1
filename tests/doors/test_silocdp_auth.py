"""SiloCDP ``/auth``: an account's life, and exact refusals."""

import re

import pytest
from sqlalchemy import select

from app.core.access import system
from app.runtime import Runtime
from models import OutboxMessage
from tests.doors.conftest import Send
from tests.tenants import TenantAccount

PASSWORD, NEW_PASSWORD = "correct horse battery staple", "another horse battery staple"
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z\Z")
ACCOUNT = {"email": "Ada@Example.com", "password": PASSWORD, "name": "Ada", "tenantName": "Engines"}


@pytest.fixture
async def ada(silocdp: Send) -> dict:
    """The answer to Ada's registration."""
    response = await silocdp("POST", "/auth/register", ACCOUNT, key=None)
    assert response.status_code == 200
    return response.json()["data"]


async def test_register_makes_a_tenant_and_signs_its_owner_in(ada: dict) -> None:
    user = ada["user"]
    assert {name: user[name] for name in ("email", "name", "emailVerified", "role", "tenantName", "plan")} == {
        "email": "ada@example.com",
        "name": "Ada",
        "emailVerified": False,
        "role": "owner",
        "tenantName": "Engines",
        "plan": "free",
    }
    assert re.fullmatch("usr_[0-9a-f]{32}", user["id"])
    assert re.fullmatch("tn_[0-9a-f]{32}", user["tenantId"])
    assert MOMENT.match(ada["expiresAt"]) and MOMENT.match(user["createdAt"])
    assert set(ada) == {"user", "token", "refreshToken", "expiresAt"}


async def test_a_tenant_without_a_name_is_called_after_its_owner(silocdp: Send) -> None:
    response = await silocdp("POST", "/auth/register", {"email": "bob@example.com", "password": PASSWORD}, key=None)
    assert response.json()["data"]["user"]["tenantName"] == "bob"


async def test_an_address_registers_once(silocdp: Send, ada: dict) -> None:
    again = await silocdp("POST", "/auth/register", ACCOUNT, key=None)
    assert again.status_code == 409
    assert again.json() == {
        "errors": ["email: This e-mail address has an account already."],
        "success": False,
    }


async def test_log_in_answers_with_a_token_that_works(silocdp: Send, ada: dict) -> None:
    response = await silocdp("POST", "/auth/login", {"email": "ada@example.com", "password": PASSWORD}, key=None)
    tokens = response.json()["data"]
    assert set(tokens) == {"token", "refreshToken", "expiresAt"}
    me = await silocdp("GET", "/auth/me", key=tokens["token"])
    assert me.json() == {"data": ada["user"], "success": True}


async def test_a_wrong_password_and_an_unknown_address_are_told_the_same(silocdp: Send, ada: dict) -> None:
    wrong = await silocdp("POST", "/auth/login", {"email": "ada@example.com", "password": "wrong"}, key=None)
    unknown = await silocdp("POST", "/auth/login", {"email": "eve@example.com", "password": "wrong"}, key=None)
    assert (wrong.status_code, wrong.json()["success"]) == (401, False)
    assert (unknown.status_code, unknown.json()) == (401, wrong.json())


async def test_refresh_tokens_rotate_and_can_be_revoked(silocdp: Send, ada: dict) -> None:
    first = await silocdp("POST", "/auth/refresh", {"refreshToken": ada["refreshToken"]}, key=None)
    tokens = first.json()["data"]
    assert first.status_code == 200 and tokens["refreshToken"] != ada["refreshToken"]
    revoked = await silocdp("POST", "/auth/revoke", {"refreshToken": tokens["refreshToken"]}, key=tokens["token"])
    assert revoked.json() == {"data": None, "success": True}
    again = await silocdp("POST", "/auth/refresh", {"refreshToken": tokens["refreshToken"]}, key=None)
    assert again.status_code == 401
    assert (await silocdp("GET", "/auth/me", key=tokens["token"])).status_code == 401


async def test_the_profile_can_be_changed(silocdp: Send, ada: dict) -> None:
    response = await silocdp("PUT", "/auth/profile", {"name": "Ada King"}, key=ada["token"])
    assert response.json() == {"data": {**ada["user"], "name": "Ada King"}, "success": True}


async def test_the_password_can_be_changed_by_who_knows_it(silocdp: Send, ada: dict) -> None:
    body = {"currentPassword": "wrong", "newPassword": NEW_PASSWORD}
    wrong = await silocdp("PUT", "/auth/change-password", body, key=ada["token"])
    assert (wrong.status_code, wrong.json()) == (
        400,
        {"errors": ["currentPassword: is not your password"], "success": False},
    )
    body = {"currentPassword": PASSWORD, "newPassword": "short"}
    short = await silocdp("PUT", "/auth/change-password", body, key=ada["token"])
    assert short.status_code == 400 and short.json()["errors"][0].startswith("newPassword: ")
    body = {"currentPassword": PASSWORD, "newPassword": NEW_PASSWORD}
    changed = await silocdp("PUT", "/auth/change-password", body, key=ada["token"])
    assert changed.json() == {"data": None, "success": True}
    login = await silocdp("POST", "/auth/login", {"email": "ada@example.com", "password": NEW_PASSWORD}, key=None)
    assert login.status_code == 200


async def test_a_forgotten_password_is_reset_with_the_mailed_token(silocdp: Send, ada: dict, runtime: Runtime) -> None:
    known = await silocdp("POST", "/auth/forgot-password", {"email": "ada@example.com"}, key=None)
    unknown = await silocdp("POST", "/auth/forgot-password", {"email": "eve@example.com"}, key=None)
    assert known.json() == unknown.json() == {"data": None, "success": True}
    token = await mailed_token(runtime)
    bad = await silocdp("POST", "/auth/reset-password", {"token": token, "newPassword": "short"}, key=None)
    assert bad.status_code == 400 and bad.json()["errors"][0].startswith("newPassword: ")
    done = await silocdp("POST", "/auth/reset-password", {"token": token, "newPassword": NEW_PASSWORD}, key=None)
    assert done.json() == {"data": None, "success": True}
    again = await silocdp("POST", "/auth/reset-password", {"token": token, "newPassword": NEW_PASSWORD}, key=None)
    assert (again.status_code, again.json()) == (400, {"errors": ["token: is not valid any more"], "success": False})
    login = await silocdp("POST", "/auth/login", {"email": "ada@example.com", "password": NEW_PASSWORD}, key=None)
    assert login.status_code == 200


async def mailed_token(runtime: Runtime) -> str:
    """The token in the one mail about a reset."""
    async with runtime.read(system()) as reading:
        mails = (await reading.session.execute(select(OutboxMessage))).scalars().all()
    (reset,) = [mail for mail in mails if "reset" in repr(mail).lower()]
    found = re.search(r"token=([\w.~-]+)", repr(reset))
    assert found is not None
    return found[1]


BAD = [
    ("/auth/register", {}, ["email: is required", "password: is required"]),
    ("/auth/register", {"email": "x", "password": PASSWORD}, ["email: is not an e-mail address"]),
    ("/auth/register", {"email": 5, "password": ""}, ["email: must be text", "password: must not be empty"]),
    ("/auth/login", {"email": "a@b.co"}, ["password: is required"]),
    (
        "/auth/login",
        {"email": "a@b.co", "password": "x", "tenantId": "cust_1"},
        ["tenantId: is not the id of a tenant (tn_…)"],
    ),
    ("/auth/refresh", {}, ["refreshToken: is required"]),
    ("/auth/forgot-password", {}, ["email: is required"]),
    ("/auth/reset-password", {}, ["token: is required", "newPassword: is required"]),
]


async def test_bad_input_is_told_by_field(silocdp: Send) -> None:
    for path, body, errors in BAD:
        response = await silocdp("POST", path, body, key=None)
        assert (response.status_code, response.json()) == (400, {"errors": errors, "success": False}), path


async def test_accounts_are_for_people_not_for_keys(silocdp: Send, tenant: TenantAccount) -> None:
    change = {"currentPassword": PASSWORD, "newPassword": NEW_PASSWORD}
    for method, path, body in (
        ("GET", "/auth/me", None),
        ("PUT", "/auth/profile", {"name": "X"}),
        ("PUT", "/auth/change-password", change),
    ):
        response = await silocdp(method, path, body)
        assert response.status_code == 403
        assert response.json() == {"errors": ["Only a signed-in member can do this."], "success": False}
