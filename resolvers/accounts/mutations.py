"""Signing in, and changing who works for the tenant and with which keys."""

import strawberry

from app.actions import accounts as actions
from app.actions.accounts import SignedIn
from app.core.access import Scope
from app.core.ids import parse_id, public_id
from resolvers.accounts.types import ApiKey, Member, Plan, Role, Tenant
from resolvers.context import Info
from resolvers.leave import mutation
from resolvers.planner.declare import Ref
from resolvers.scalars import DateTime


@strawberry.type(description="What a client keeps after signing in.")
class SignedInPayload:
    """Two tokens and who they are for."""

    access_token: str = strawberry.field(description="Send it as Authorization: Bearer.")
    refresh_token: str = strawberry.field(description="Works once, for the next pair of tokens.")
    expires_at: DateTime = strawberry.field(description="When the access token ends.")
    user_id: strawberry.ID = strawberry.field(description="Who signed in.")
    tenant_id: strawberry.ID = strawberry.field(description="Into which tenant.")

    @classmethod
    def of(cls, done: SignedIn) -> "SignedInPayload":
        """In the graph's words."""
        return cls(
            access_token=done.access_token,
            refresh_token=done.refresh_token,
            expires_at=DateTime(done.expires_at),
            user_id=strawberry.ID(public_id("user", done.user_id)),
            tenant_id=strawberry.ID(public_id("tenant", done.tenant_id)),
        )


@strawberry.type(description="It was done (or, where saying more would tell strangers something, accepted).")
class DonePayload:
    """Nothing more to say."""

    done: bool = strawberry.field(default=True, description="Always true; refusals are errors.")


@strawberry.input(description="A new tenant and its owner.")
class RegisterInput:
    """The owner's account and the tenant's name."""

    email: str = strawberry.field(description="The owner's e-mail address.")
    password: str = strawberry.field(description="10 to 200 characters.")
    tenant_name: str = strawberry.field(description="What the tenant is called.")
    name: str = strawberry.field(default="", description="What the owner is called.")


@strawberry.input(description="An account, to sign in with.")
class LogInInput:
    """An address and a password."""

    email: str = strawberry.field(description="The account's e-mail address.")
    password: str = strawberry.field(description="The account's password.")
    tenant_id: strawberry.ID | None = strawberry.field(
        default=None, description="Into which tenant; the first joined if left out."
    )


@strawberry.input(description="A refresh token.")
class RefreshTokenInput:
    """The token as it was given."""

    refresh_token: str = strawberry.field(description="The refresh token.")


@strawberry.input(description="A token from a mail.")
class EmailTokenInput:
    """The token as it was mailed."""

    token: str = strawberry.field(description="The token in the mailed link.")


@strawberry.input(description="An e-mail address.")
class EmailInput:
    """Somebody's address."""

    email: str = strawberry.field(description="The address.")


@strawberry.input(description="A new password for somebody who was mailed a token.")
class ResetPasswordInput:
    """The token and the password."""

    token: str = strawberry.field(description="The token in the mailed link.")
    password: str = strawberry.field(description="The new password, 10 to 200 characters.")


@strawberry.input(description="An invitation that is accepted.")
class AcceptInvitationInput:
    """The token and the account's password."""

    token: str = strawberry.field(description="The token in the mailed link.")
    password: str = strawberry.field(
        description="The account's password; a new account gets it, an old one must match."
    )
    name: str | None = strawberry.field(default=None, description="What the member is called.")


@strawberry.input(description="A change of one's own password.")
class ChangePasswordInput:
    """Both passwords."""

    current: str = strawberry.field(description="The password now.")
    new: str = strawberry.field(description="The new one, 10 to 200 characters.")


@strawberry.input(description="A change of one's own profile.")
class UpdateProfileInput:
    """What is left out stays."""

    name: str | None = strawberry.field(default=None, description="What one is called.")


@strawberry.input(description="A change of the tenant.")
class UpdateTenantInput:
    """What is left out stays."""

    name: str | None = strawberry.field(default=None, description="What it is called.")
    plan: Plan | None = strawberry.field(default=None, description="What it pays for.")


@strawberry.input(description="Somebody who is to work for the tenant.")
class AddMemberInput:
    """An address and a place."""

    email: str = strawberry.field(description="Their e-mail address; an invitation is mailed to it.")
    role: Role = strawberry.field(description="Their place; none stronger than one's own.")
    name: str = strawberry.field(default="", description="What they are called.")


@strawberry.input(description="A member's new place.")
class ChangeMemberRoleInput:
    """Who and what."""

    member_id: strawberry.ID = strawberry.field(description="The member.")
    role: Role = strawberry.field(description="Their new place.")


@strawberry.input(description="A member who is to go.")
class RemoveMemberInput:
    """Who."""

    member_id: strawberry.ID = strawberry.field(description="The member.")


@strawberry.input(description="A new key.")
class CreateApiKeyInput:
    """What it is for and what it may do."""

    name: str = strawberry.field(description="What it is for.")
    scopes: list[str] = strawberry.field(description="What it may do; nothing that its maker may not.")
    expires_at: DateTime | None = strawberry.field(
        default=None, description="When it stops working; never if left out."
    )


@strawberry.input(description="A key to revoke.")
class RevokeApiKeyInput:
    """Which."""

    api_key_id: strawberry.ID = strawberry.field(description="The key.")


@strawberry.type(description="The tenant after a change.")
class TenantPayload:
    """As it is now."""

    tenant: Tenant = strawberry.field(description="The tenant as it is now.")


@strawberry.type(description="A member after a change.")
class MemberPayload:
    """As they are now."""

    member: Member = strawberry.field(description="The member as they are now.")


@strawberry.type(description="A new key, and its secret for the only time.")
class CreateApiKeyPayload:
    """Keep the key: it is never shown again."""

    api_key: ApiKey = strawberry.field(description="The key's record.")
    key: str = strawberry.field(description="The key itself. It is never shown again.")


@strawberry.type(description="A key after a change.")
class ApiKeyPayload:
    """As it is now."""

    api_key: ApiKey = strawberry.field(description="The key as it is now.")


@strawberry.type
class SignInMutation:
    """What anybody may ask for."""

    @strawberry.mutation(description="Makes a tenant and its owner, and signs the owner in.")
    async def register(self, info: Info, input: RegisterInput) -> SignedInPayload:
        async with info.context.write_public() as tx:
            done = await actions.register(
                tx, email=input.email, password=input.password, tenant_name=input.tenant_name, name=input.name
            )
        return SignedInPayload.of(done)

    @strawberry.mutation(description="Shows that an address is one's own, by the token mailed to it.")
    async def verify_email(self, info: Info, input: EmailTokenInput) -> DonePayload:
        async with info.context.write_public() as tx:
            await actions.verify_email(tx, token=input.token)
        return DonePayload()

    @strawberry.mutation(description="Signs in.")
    async def log_in(self, info: Info, input: LogInInput) -> SignedInPayload:
        tenant = parse_id("tenant", input.tenant_id, "tenant_id") if input.tenant_id else None
        async with info.context.write_public() as tx:
            done = await actions.log_in(tx, email=input.email, password=input.password, tenant_id=tenant)
        return SignedInPayload.of(done)

    @strawberry.mutation(description="Gives the next pair of tokens. A token used twice ends its session.")
    async def refresh_session(self, info: Info, input: RefreshTokenInput) -> SignedInPayload:
        async with info.context.write_public() as tx:
            done = await actions.refresh(tx, refresh_token=input.refresh_token)
        return SignedInPayload.of(done)

    @strawberry.mutation(description="Ends the session of a refresh token.")
    async def revoke_session(self, info: Info, input: RefreshTokenInput) -> DonePayload:
        async with info.context.write_public() as tx:
            await actions.revoke(tx, refresh_token=input.refresh_token)
        return DonePayload()

    @strawberry.mutation(description="Mails a token for a new password, if there is such an account.")
    async def forgot_password(self, info: Info, input: EmailInput) -> DonePayload:
        async with info.context.write_public() as tx:
            await actions.forgot_password(tx, email=input.email)
        return DonePayload()

    @strawberry.mutation(description="Sets a new password by a mailed token; every session of the account ends.")
    async def reset_password(self, info: Info, input: ResetPasswordInput) -> DonePayload:
        async with info.context.write_public() as tx:
            await actions.reset_password(tx, token=input.token, password=input.password)
        return DonePayload()

    @strawberry.mutation(description="Joins a tenant by a mailed invitation, and signs in.")
    async def accept_invitation(self, info: Info, input: AcceptInvitationInput) -> SignedInPayload:
        async with info.context.write_public() as tx:
            done = await actions.accept_invitation(tx, token=input.token, password=input.password, name=input.name)
        return SignedInPayload.of(done)


@strawberry.type
class AccountMutation(SignInMutation):
    """Changes to the caller's account and tenant."""

    @strawberry.mutation(description="Mails the token of verifyEmail again.")
    async def resend_verification(self, info: Info) -> DonePayload:
        async with info.context.write() as tx:
            await actions.resend_verification(tx)
        return DonePayload()

    @strawberry.mutation(description="Changes one's own profile.")
    async def update_profile(self, info: Info, input: UpdateProfileInput) -> MemberPayload:
        async with info.context.write() as tx:
            await actions.update_profile(tx, name=input.name)
            me = await actions.get_me(tx)
        return MemberPayload(member=Ref(Member, me.member.id))  # type: ignore[arg-type]

    @strawberry.mutation(description="Changes one's own password; every other session ends.")
    async def change_password(self, info: Info, input: ChangePasswordInput) -> DonePayload:
        async with info.context.write() as tx:
            await actions.change_password(tx, current=input.current, new=input.new)
        return DonePayload()

    @mutation(Scope.TENANT_WRITE, "Changes the tenant.")
    async def update_tenant(self, info: Info, input: UpdateTenantInput) -> TenantPayload:
        async with info.context.write() as tx:
            await actions.update_tenant(tx, name=input.name, plan=input.plan.value if input.plan else None)
            return TenantPayload(tenant=Ref(Tenant, tx.tenant_id))  # type: ignore[arg-type]

    @mutation(Scope.MEMBERS_WRITE, "Invites somebody to work for the tenant.")
    async def add_member(self, info: Info, input: AddMemberInput) -> MemberPayload:
        async with info.context.write() as tx:
            key = await actions.add_member(tx, email=input.email, role=input.role.value, name=input.name)
        return MemberPayload(member=Ref(Member, key))  # type: ignore[arg-type]

    @mutation(Scope.MEMBERS_WRITE, "Gives a member another place. The last owner stays.")
    async def change_member_role(self, info: Info, input: ChangeMemberRoleInput) -> MemberPayload:
        key = parse_id("member", input.member_id, "member_id")
        async with info.context.write() as tx:
            await actions.change_member_role(tx, member_id=key, role=input.role.value)
        return MemberPayload(member=Ref(Member, key))  # type: ignore[arg-type]

    @mutation(Scope.MEMBERS_WRITE, "Ends somebody's work for the tenant. The last owner stays.")
    async def remove_member(self, info: Info, input: RemoveMemberInput) -> DonePayload:
        key = parse_id("member", input.member_id, "member_id")
        async with info.context.write() as tx:
            await actions.remove_member(tx, member_id=key)
        return DonePayload()

    @mutation(Scope.API_KEYS_WRITE, "Makes a key. The key itself is shown once, now.")
    async def create_api_key(self, info: Info, input: CreateApiKeyInput) -> CreateApiKeyPayload:
        async with info.context.write() as tx:
            made = await actions.create_api_key(tx, name=input.name, scopes=input.scopes, expires_at=input.expires_at)
        return CreateApiKeyPayload(api_key=Ref(ApiKey, made.id), key=made.key_text)  # type: ignore[arg-type]

    @mutation(Scope.API_KEYS_WRITE, "Makes a key useless for ever.")
    async def revoke_api_key(self, info: Info, input: RevokeApiKeyInput) -> ApiKeyPayload:
        key = parse_id("api_key", input.api_key_id, "api_key_id")
        async with info.context.write() as tx:
            await actions.revoke_api_key(tx, api_key_id=key)
        return ApiKeyPayload(api_key=Ref(ApiKey, key))  # type: ignore[arg-type]
