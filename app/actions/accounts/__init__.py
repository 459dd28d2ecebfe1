"""Accounts: tenants, the people in them, how they sign in, and API keys.

Verbs in :data:`PUBLIC_ACTIONS` ask no leave: they run in units of work of :data:`app.core.access.PUBLIC`, which they
leave as the member they have recognised. Those about the caller's own account ask for a signed-in member, the others
for a scope.
"""

from app.actions.accounts.api_keys import NewApiKey, create_api_key, revoke_api_key
from app.actions.accounts.members import (
    accept_invitation,
    add_member,
    change_member_role,
    get_member,
    list_members,
    member_who_is,
    remove_member,
)
from app.actions.accounts.passwords import change_password, forgot_password, reset_password
from app.actions.accounts.profile import Me, get_me, update_profile
from app.actions.accounts.registration import register, resend_verification, verify_email
from app.actions.accounts.sessions import SignedIn
from app.actions.accounts.signing_in import log_in, log_in_with_oidc, log_out, refresh, revoke
from app.actions.accounts.tenants import create_tenant, get_tenant, update_tenant

PUBLIC_ACTIONS = frozenset(
    {
        "accept_invitation",
        "forgot_password",
        "log_in",
        "log_in_with_oidc",
        "refresh",
        "register",
        "reset_password",
        "revoke",
        "verify_email",
    }
)
"""The names of the actions that anybody may call."""

__all__ = [
    "PUBLIC_ACTIONS",
    "Me",
    "NewApiKey",
    "SignedIn",
    "accept_invitation",
    "add_member",
    "change_member_role",
    "change_password",
    "create_api_key",
    "create_tenant",
    "forgot_password",
    "get_me",
    "get_member",
    "get_tenant",
    "list_members",
    "log_in",
    "log_in_with_oidc",
    "log_out",
    "member_who_is",
    "refresh",
    "register",
    "remove_member",
    "resend_verification",
    "reset_password",
    "revoke",
    "revoke_api_key",
    "update_profile",
    "update_tenant",
    "verify_email",
]
