"""SiloCDP ``/auth``: accounts of people."""

from pydantic import Field

from app.actions import accounts
from app.core.credentials import Credential
from app.core.ids import parse_id, public_id
from app.rest.door import Call, Endpoint
from app.rest.silocdp.wire import Required, Wire, moment

TAG = "Authentication"
TENANT_NAME = 200


class Registration(Wire):
    email: Required
    password: Required
    name: str = ""
    tenant_name: str | None = Field(None, description="Default: the part of the address before `@`.")


class LogIn(Wire):
    email: Required
    password: Required
    tenant_id: str | None = Field(None, description="Which tenant, for members of several. Default: the oldest.")


class RefreshToken(Wire):
    refresh_token: Required


class Profile(Wire):
    name: str | None = None


class PasswordChange(Wire):
    current_password: Required
    new_password: Required


class ForgottenPassword(Wire):
    email: Required


class PasswordReset(Wire):
    token: Required
    new_password: Required


class User(Wire):
    id: str
    email: str
    name: str
    email_verified: bool
    role: str
    tenant_id: str
    tenant_name: str
    plan: str
    created_at: str | None


class Tokens(Wire):
    token: str = Field(description="An access token (JWT) for `Authorization: Bearer`.")
    refresh_token: str = Field(description="Good for one `/auth/refresh`.")
    expires_at: str = Field(description="When the access token expires.")


class Registered(Tokens):
    user: User


async def register(call: Call[Registration, None]) -> Registered:
    body = call.body
    tenant_name = body.tenant_name or body.email.split("@", 1)[0][:TENANT_NAME]
    async with call.write() as tx:
        signed_in = await accounts.register(
            tx, email=body.email, password=body.password, name=body.name, tenant_name=tenant_name
        )
    credential = Credential.from_text(signed_in.access_token)
    principal = await call.runtime.authenticator.authenticate(credential, source=call.principal.source)
    async with call.runtime.read(principal) as reading:
        me = await accounts.get_me(reading)
    return Registered(user=_user(me), **_tokens(signed_in).model_dump())


async def log_in(call: Call[LogIn, None]) -> Tokens:
    body = call.body
    tenant_id = parse_id("tenant", body.tenant_id, "tenantId") if body.tenant_id else None
    async with call.write() as tx:
        signed_in = await accounts.log_in(tx, email=body.email, password=body.password, tenant_id=tenant_id)
    return _tokens(signed_in)


async def refresh(call: Call[RefreshToken, None]) -> Tokens:
    async with call.write() as tx:
        return _tokens(await accounts.refresh(tx, refresh_token=call.body.refresh_token))


async def revoke(call: Call[RefreshToken, None]) -> None:
    async with call.write() as tx:
        await accounts.revoke(tx, refresh_token=call.body.refresh_token)


async def me(call: Call[None, None]) -> User:
    async with call.read() as reading:
        return _user(await accounts.get_me(reading))


async def update_profile(call: Call[Profile, None]) -> User:
    async with call.write() as tx:
        await accounts.update_profile(tx, name=call.body.name)
    async with call.read() as reading:
        return _user(await accounts.get_me(reading))


async def change_password(call: Call[PasswordChange, None]) -> None:
    async with call.write() as tx:
        await accounts.change_password(tx, current=call.body.current_password, new=call.body.new_password)


async def forgot_password(call: Call[ForgottenPassword, None]) -> None:
    async with call.write() as tx:
        await accounts.forgot_password(tx, email=call.body.email)


async def reset_password(call: Call[PasswordReset, None]) -> None:
    async with call.write() as tx:
        await accounts.reset_password(tx, token=call.body.token, password=call.body.new_password)


def _tokens(signed_in: accounts.SignedIn) -> Tokens:
    return Tokens(
        token=signed_in.access_token,
        refresh_token=signed_in.refresh_token,
        expires_at=str(moment(signed_in.expires_at)),
    )


def _user(me: accounts.Me) -> User:
    return User(
        id=public_id("user", me.user.id),
        email=me.user.email,
        name=me.user.name,
        email_verified=me.user.email_verified_at is not None,
        role=me.member.role,
        tenant_id=public_id("tenant", me.tenant.id),
        tenant_name=me.tenant.name,
        plan=me.tenant.plan,
        created_at=moment(me.user.created_at),
    )


ENDPOINTS = (
    Endpoint(
        method="POST",
        path="/api/v1/auth/register",
        handler=register,
        tag=TAG,
        summary="Create a new account and tenant",
        public=True,
        body=Registration,
        response=Registered,
    ),
    Endpoint(
        method="POST",
        path="/api/v1/auth/login",
        handler=log_in,
        tag=TAG,
        summary="Authenticate and receive a JWT and a refresh token",
        public=True,
        body=LogIn,
        response=Tokens,
    ),
    Endpoint(
        method="POST",
        path="/api/v1/auth/refresh",
        handler=refresh,
        tag=TAG,
        summary="Exchange a refresh token for a new JWT",
        public=True,
        body=RefreshToken,
        response=Tokens,
    ),
    Endpoint(
        method="POST",
        path="/api/v1/auth/revoke",
        handler=revoke,
        tag=TAG,
        summary="Revoke a refresh token",
        body=RefreshToken,
    ),
    Endpoint(
        method="GET",
        path="/api/v1/auth/me",
        handler=me,
        tag=TAG,
        summary="Get the current authenticated user",
        response=User,
    ),
    Endpoint(
        method="PUT",
        path="/api/v1/auth/profile",
        handler=update_profile,
        tag=TAG,
        summary="Update the user's profile",
        body=Profile,
        response=User,
    ),
    Endpoint(
        method="PUT",
        path="/api/v1/auth/change-password",
        handler=change_password,
        tag=TAG,
        summary="Change the password",
        body=PasswordChange,
        fields={"current": "currentPassword", "new": "newPassword"},
    ),
    Endpoint(
        method="POST",
        path="/api/v1/auth/forgot-password",
        handler=forgot_password,
        tag=TAG,
        summary="Request a password reset e-mail",
        public=True,
        body=ForgottenPassword,
    ),
    Endpoint(
        method="POST",
        path="/api/v1/auth/reset-password",
        handler=reset_password,
        tag=TAG,
        summary="Reset the password with a token",
        public=True,
        body=PasswordReset,
        fields={"password": "newPassword"},
    ),
)
