"""Accounts through the graph: from registration to the last session."""

import re
from dataclasses import replace
from typing import Any

import pytest

from app.core.access import Scope
from app.core.credentials import Credential
from app.runtime import Runtime
from tests.graph.callers import Caller, Json, everything_stored

PASSWORD = "correct horse battery"
SIGNED_IN = "{ accessToken refreshToken expiresAt userId tenantId }"


@pytest.fixture
async def registered(owner: Caller) -> Json:
    """What somebody got who has just registered, and their address."""
    email = f"{owner.principal.label.partition('@')[2]}@new.example"
    given = {"email": email, "password": PASSWORD, "tenantName": "New", "name": "Nia"}
    text = f"mutation($input: RegisterInput!) {{ register(input: $input) {SIGNED_IN} }}"
    signed_in: Json = (await owner.nobody.data(text, input=given))["register"]
    return signed_in | {"email": email}


async def sign_in(house: Runtime, caller: Caller, access_token: str) -> Caller:
    """Whoever holds an access token."""
    credential = Credential.from_text(access_token)
    return replace(caller, principal=await house.authenticator.authenticate(credential, "graph"))


async def do(caller: Caller, text: str, **variables: Any) -> Any:
    """The payload of a mutation."""
    (payload,) = (await caller.data(text, **variables)).values()
    return payload


async def mailed(caller: Caller, recipient: str) -> str:
    """The token in the last mail to somebody."""
    found = await caller.data(
        "query($to: String) { outbox(recipient: $to, first: 1) { nodes { body } } }", to=recipient
    )
    match = re.search(r"token=(\S+)", found["outbox"]["nodes"][0]["body"])
    assert match is not None
    return match[1]


LOG_IN = f"mutation($input: LogInInput!) {{ logIn(input: $input) {SIGNED_IN} }}"
REFRESH = f"mutation($token: String!) {{ refreshSession(input: {{refreshToken: $token}}) {SIGNED_IN} }}"
VERIFY = "mutation($token: String!) { verifyEmail(input: {token: $token}) { done } }"


async def test_who_registers_owns_a_new_tenant(house: Runtime, owner: Caller, registered: Json) -> None:
    member = await sign_in(house, owner, registered["accessToken"])
    found = await member.data(
        "{ viewer { kind role label member { id name email role } apiKey { id } } tenant { id plan } }"
    )
    viewer = found["viewer"]
    assert (viewer["kind"], viewer["role"], viewer["label"]) == ("member", "OWNER", registered["email"])
    assert viewer["member"] == viewer["member"] | {"name": "Nia", "email": registered["email"], "role": "OWNER"}
    assert viewer["apiKey"] is None
    assert found["tenant"] == {"id": registered["tenantId"], "plan": "FREE"}


async def test_mailed_token_verifies_the_address_once(house: Runtime, owner: Caller, registered: Json) -> None:
    member = await sign_in(house, owner, registered["accessToken"])
    token = await mailed(member, registered["email"])
    assert await do(owner.nobody, VERIFY, token=token) == {"done": True}
    assert await owner.nobody.refusal(VERIFY, token=token) == {"code": "INVALID", "field": "input.token"}
    found = await member.data("{ viewer { member { emailVerifiedAt } } }")
    assert found["viewer"]["member"]["emailVerifiedAt"] is not None
    assert await member.refusal("mutation { resendVerification { done } }") == {"code": "CONFLICT"}


async def test_verification_is_mailed_again(house: Runtime, owner: Caller, registered: Json) -> None:
    member = await sign_in(house, owner, registered["accessToken"])
    first = await mailed(member, registered["email"])
    assert await do(member, "mutation { resendVerification { done } }") == {"done": True}
    assert await mailed(member, registered["email"]) != first
    assert await owner.nobody.refusal("mutation { resendVerification { done } }") == {"code": "UNAUTHENTICATED"}
    key = owner.key(*Scope)
    assert await key.refusal("mutation { resendVerification { done } }") == {"code": "FORBIDDEN"}


async def test_register_refuses_what_is_wrong_and_keeps_nothing(
    house: Runtime, owner: Caller, registered: Json
) -> None:
    text = "mutation($input: RegisterInput!) { register(input: $input) { userId } }"
    good = {"email": "x@new.example", "password": PASSWORD, "tenantName": "New"}
    before = await everything_stored(house)
    for wrong, code, at in (
        ({"email": "nonsense"}, "INVALID", "input.email"),
        ({"password": "short"}, "INVALID", "input.password"),
        ({"tenantName": " "}, "INVALID", "input.tenantName"),
        ({"email": registered["email"].upper()}, "CONFLICT", "input.email"),
    ):
        assert await owner.nobody.refusal(text, input=good | wrong) == {"code": code, "field": at}
    assert await everything_stored(house) == before


async def test_log_in_needs_the_right_password_and_ones_own_tenant(owner: Caller, registered: Json) -> None:
    who = {"email": registered["email"], "password": PASSWORD}
    signed_in = await do(owner.nobody, LOG_IN, input=who)
    assert signed_in["tenantId"] == registered["tenantId"]
    assert await owner.nobody.refusal(LOG_IN, input=who | {"password": "wrong"}) == {"code": "UNAUTHENTICATED"}
    unknown = {"email": "nobody@new.example", "password": PASSWORD}
    assert await owner.nobody.refusal(LOG_IN, input=unknown) == {"code": "UNAUTHENTICATED"}
    elsewhere = who | {"tenantId": f"tn_{owner.principal.tenant_id.hex}"}  # type: ignore[union-attr]
    assert await owner.nobody.refusal(LOG_IN, input=elsewhere) == {"code": "NOT_FOUND", "field": "input.tenantId"}
    assert await owner.nobody.refusal(LOG_IN, input=who | {"tenantId": "x"}) == {
        "code": "INVALID",
        "field": "input.tenantId",
    }


async def test_a_refresh_token_works_once_and_its_second_use_ends_the_session(owner: Caller, registered: Json) -> None:
    fresh = await do(owner.nobody, REFRESH, token=registered["refreshToken"])
    assert await owner.nobody.refusal(REFRESH, token=registered["refreshToken"]) == {"code": "UNAUTHENTICATED"}
    assert await owner.nobody.refusal(REFRESH, token=fresh["refreshToken"]) == {"code": "UNAUTHENTICATED"}
    assert await owner.nobody.refusal(REFRESH, token="nonsense") == {"code": "UNAUTHENTICATED"}


async def test_a_revoked_session_cannot_be_continued(owner: Caller, registered: Json) -> None:
    revoke = "mutation($token: String!) { revokeSession(input: {refreshToken: $token}) { done } }"
    assert await do(owner.nobody, revoke, token=registered["refreshToken"]) == {"done": True}
    assert await do(owner.nobody, revoke, token="unknown") == {"done": True}
    assert await owner.nobody.refusal(REFRESH, token=registered["refreshToken"]) == {"code": "UNAUTHENTICATED"}


async def test_a_forgotten_password_is_chosen_anew(house: Runtime, owner: Caller, registered: Json) -> None:
    forgot = "mutation($email: String!) { forgotPassword(input: {email: $email}) { done } }"
    reset = "mutation($input: ResetPasswordInput!) { resetPassword(input: $input) { done } }"
    assert await do(owner.nobody, forgot, email="nobody@new.example") == {"done": True}
    assert await owner.nobody.refusal(forgot, email="nonsense") == {"code": "INVALID", "field": "input.email"}
    assert await do(owner.nobody, forgot, email=registered["email"]) == {"done": True}
    member = await sign_in(house, owner, registered["accessToken"])
    token = await mailed(member, registered["email"])
    weak = {"token": token, "password": "short"}
    assert await owner.nobody.refusal(reset, input=weak) == {"code": "INVALID", "field": "input.password"}
    new = {"token": token, "password": "another long password"}
    assert await do(owner.nobody, reset, input=new) == {"done": True}
    assert await owner.nobody.refusal(reset, input=new) == {"code": "INVALID", "field": "input.token"}
    assert await owner.nobody.refusal(REFRESH, token=registered["refreshToken"]) == {"code": "UNAUTHENTICATED"}
    assert await do(owner.nobody, LOG_IN, input={"email": registered["email"], "password": new["password"]})


async def test_an_invitation_is_accepted_once(house: Runtime, owner: Caller) -> None:
    email = f"invited@{owner.principal.label.partition('@')[2]}"
    invited = {"email": email, "role": "MARKETER", "name": "Mia"}
    text = "mutation($input: AddMemberInput!) { addMember(input: $input) { member { id role invitedAt } } }"
    member = (await do(owner, text, input=invited))["member"]
    assert member["role"] == "MARKETER"
    assert member["invitedAt"] is not None
    accept = f"mutation($input: AcceptInvitationInput!) {{ acceptInvitation(input: $input) {SIGNED_IN} }}"
    token = await mailed(owner, email)
    weak = {"token": token, "password": "short"}
    assert await owner.nobody.refusal(accept, input=weak) == {"code": "INVALID", "field": "input.password"}
    signed_in = await do(owner.nobody, accept, input={"token": token, "password": PASSWORD, "name": "Mia M."})
    again = await owner.nobody.refusal(accept, input={"token": token, "password": PASSWORD})
    assert again == {"code": "INVALID", "field": "input.token"}
    marketer = await sign_in(house, owner, signed_in["accessToken"])
    found = await marketer.data("{ viewer { role member { id name invitedAt } } tenant { id } }")
    assert found["viewer"] == {
        "role": "MARKETER",
        "member": {"id": member["id"], "name": "Mia M.", "invitedAt": None},
    }
    stronger = {"email": "boss@new.example", "role": "OWNER"}
    assert await marketer.refusal(text, input=stronger) == {"code": "FORBIDDEN", "scope": "members:write"}


async def test_the_last_owner_stays(owner: Caller) -> None:
    found = await owner.data("{ viewer { member { id } } }")
    key = found["viewer"]["member"]["id"]
    last = {"code": "CONFLICT", "field": "input.memberId"}
    remove = "mutation($id: ID!) { removeMember(input: {memberId: $id}) { done } }"
    change = "mutation($id: ID!) { changeMemberRole(input: {memberId: $id, role: VIEWER}) { member { id } } }"
    assert await owner.refusal(remove, id=key) == last
    assert await owner.refusal(change, id=key) == last


async def test_a_changed_password_is_the_one_that_counts(house: Runtime, owner: Caller, registered: Json) -> None:
    member = await sign_in(house, owner, registered["accessToken"])
    text = "mutation($input: ChangePasswordInput!) { changePassword(input: $input) { done } }"
    wrong = {"current": "wrong", "new": "a password that is new"}
    assert await member.refusal(text, input=wrong) == {"code": "INVALID", "field": "input.current"}
    assert await do(member, text, input=wrong | {"current": PASSWORD}) == {"done": True}
    who = {"email": registered["email"], "password": PASSWORD}
    assert await owner.nobody.refusal(LOG_IN, input=who) == {"code": "UNAUTHENTICATED"}
    assert await do(owner.nobody, LOG_IN, input=who | {"password": wrong["new"]})
    assert await owner.key(*Scope).refusal(text, input=wrong) == {"code": "FORBIDDEN"}


async def test_a_key_is_shown_once_and_works_until_revoked(house: Runtime, owner: Caller) -> None:
    text = """mutation($scopes: [String!]!) {
        createApiKey(input: {name: "robot", scopes: $scopes}) {
            key
            apiKey { id prefix last4 scopes createdBy { name } }
        }
    }"""
    made = await do(owner, text, scopes=["events:write", "customers:read"])
    assert made["apiKey"]["scopes"] == ["customers:read", "events:write"]
    assert made["key"].startswith(f"rpt_{made['apiKey']['prefix']}_")
    assert made["key"].endswith(made["apiKey"]["last4"])
    assert made["apiKey"]["createdBy"] is not None
    robot = await sign_in(house, owner, made["key"])
    found = await robot.data("{ viewer { kind role scopes member { id } } }")
    scopes = ["customers:read", "events:write"]
    assert found["viewer"] == {"kind": "api_key", "role": None, "scopes": scopes, "member": None}
    itself = await robot.refusal("{ viewer { apiKey { id } } }")
    assert itself == {"code": "FORBIDDEN", "scope": "api_keys:read"}
    reading = (Scope.API_KEYS_READ, Scope.MEMBERS_READ, Scope.EVENTS_READ)
    more = await owner.key(Scope.API_KEYS_WRITE, *reading).refusal(text, scopes=["events:write"])
    assert more == {"code": "FORBIDDEN", "scope": "events:write"}
    revoke = "mutation($id: ID!) { revokeApiKey(input: {apiKeyId: $id}) { apiKey { revokedAt } } }"
    first = await do(owner, revoke, id=made["apiKey"]["id"])
    assert first["apiKey"]["revokedAt"] is not None
    assert await do(owner, revoke, id=made["apiKey"]["id"]) == first
