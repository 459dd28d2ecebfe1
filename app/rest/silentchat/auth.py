"""SilentChat ``/auth``: accounts of people."""

from app.actions import accounts
from app.core.errors import Unauthenticated
from app.core.ids import public_id
from app.rest.door import Call, Endpoint
from app.rest.silentchat.wire import EmailNotVerified, Required, Wire, WrongCredentials, accounts_plan
from models import User as UserRow

TAG = "Authentication"
TENANT_NAME = 200
EXPIRES_IN = 60
"""Seconds in a minute: SilentChat says how long a token lives, our settings in minutes."""


class Registration(Wire):
    email: Required
    password: Required
    name: str = ""


class LogIn(Wire):
    email: Required
    password: Required


class RefreshToken(Wire):
    refresh_token: Required


class LogOut(Wire):
    refresh_token: str | None = None


class Token(Wire):
    token: Required


class ForgottenPassword(Wire):
    email: Required


class PasswordReset(Wire):
    token: Required
    password: Required


class User(Wire):
    id: str
    email: str
    name: str
    email_verified: bool


class Registered(Wire):
    user: User


class Tokens(Wire):
    access_token: str
    refresh_token: str
    token_type: str = "Bearer"  # noqa: S105
    expires_in: int


async def register(call: Call[Registration, None]) -> Registered:
    """The account comes with a tenant of its own; the address must be verified before the first log-in."""
    body = call.body
    tenant_name = (body.name.strip() or body.email.split("@", 1)[0])[:TENANT_NAME]
    async with call.write() as tx:
        await accounts.register(tx, email=body.email, password=body.password, name=body.name, tenant_name=tenant_name)
        made = (await accounts.get_me(tx)).user
    return Registered(user=_user(made))


async def log_in(call: Call[LogIn, None]) -> Tokens:
    async with call.write() as tx:
        try:
            signed_in = await accounts.log_in(tx, email=call.body.email, password=call.body.password)
        except Unauthenticated as wrong:
            raise WrongCredentials("The e-mail address or the password is wrong.") from wrong
        if (await accounts.get_me(tx)).user.email_verified_at is None:
            raise EmailNotVerified
    return _tokens(call, signed_in)


async def refresh(call: Call[RefreshToken, None]) -> Tokens:
    async with call.write() as tx:
        return _tokens(call, await accounts.refresh(tx, refresh_token=call.body.refresh_token))


async def log_out(call: Call[LogOut, None]) -> None:
    async with call.write() as tx:
        if call.body.refresh_token:
            await accounts.revoke(tx, refresh_token=call.body.refresh_token)
        else:
            await accounts.log_out(tx)


async def verify_email(call: Call[Token, None]) -> None:
    async with call.write() as tx:
        await accounts.verify_email(tx, token=call.body.token)


async def forgot_password(call: Call[ForgottenPassword, None]) -> None:
    async with call.write() as tx:
        await accounts.forgot_password(tx, email=call.body.email)


async def reset_password(call: Call[PasswordReset, None]) -> None:
    async with call.write() as tx:
        await accounts.reset_password(tx, token=call.body.token, password=call.body.password)


def _tokens(call: Call[LogIn, None] | Call[RefreshToken, None], signed_in: accounts.SignedIn) -> Tokens:
    return Tokens(
        access_token=signed_in.access_token,
        refresh_token=signed_in.refresh_token,
        expires_in=call.runtime.settings.access_token_minutes * EXPIRES_IN,
    )


def _user(row: UserRow) -> User:
    return User(
        id=public_id("user", row.id), email=row.email, name=row.name, email_verified=row.email_verified_at is not None
    )


ENDPOINTS = (
    Endpoint(
        method="POST",
        path="/v1/auth/register",
        handler=register,
        tag=TAG,
        summary="Register a new user account",
        public=True,
        plan=accounts_plan,
        body=Registration,
        response=Registered,
        status=201,
    ),
    Endpoint(
        method="POST",
        path="/v1/auth/login",
        handler=log_in,
        tag=TAG,
        summary="Log in",
        public=True,
        plan=accounts_plan,
        body=LogIn,
        response=Tokens,
    ),
    Endpoint(
        method="POST",
        path="/v1/auth/refresh",
        handler=refresh,
        tag=TAG,
        summary="Exchange a refresh token, which works once, for new tokens",
        public=True,
        plan=accounts_plan,
        body=RefreshToken,
        response=Tokens,
    ),
    Endpoint(
        method="POST",
        path="/v1/auth/logout",
        handler=log_out,
        tag=TAG,
        summary="Revoke the given refresh token, or end the session of the access token",
        plan=accounts_plan,
        body=LogOut,
        status=204,
    ),
    Endpoint(
        method="POST",
        path="/v1/auth/verify-email",
        handler=verify_email,
        tag=TAG,
        summary="Verify an e-mail address with the token that was mailed to it",
        public=True,
        plan=accounts_plan,
        body=Token,
    ),
    Endpoint(
        method="POST",
        path="/v1/auth/forgot-password",
        handler=forgot_password,
        tag=TAG,
        summary="Request a password reset e-mail",
        public=True,
        plan=accounts_plan,
        body=ForgottenPassword,
    ),
    Endpoint(
        method="POST",
        path="/v1/auth/reset-password",
        handler=reset_password,
        tag=TAG,
        summary="Reset the password with a token",
        public=True,
        plan=accounts_plan,
        body=PasswordReset,
    ),
)
