"""SilentChat ``/tenants``: tenants, and who works for them."""

from pydantic import Field

from app.actions import accounts
from app.core.access import Scope
from app.core.ids import public_id
from app.rest.door import Call, Endpoint
from app.rest.silentchat.wire import Listed, Required, Window, Wire, moment, user_id
from models import Member as MemberRow
from models import Tenant as TenantRow
from models import User as UserRow

TAG = "Tenants"


class NewTenant(Wire):
    name: Required


class TenantSettings(Wire):
    name: Required | None = None


class Tenant(Wire):
    id: str
    name: str
    plan: str
    created_at: str | None
    updated_at: str | None


class Invitation(Wire):
    email: Required
    role: str = Field("agent", description="`owner`, `admin`, `marketer`, `agent` or `viewer`.")
    name: str = ""


class Member(Wire):
    user_id: str
    email: str
    name: str
    role: str
    status: str = Field(description="`invited` until the invitation is accepted, then `active`.")
    created_at: str | None


async def create_tenant(call: Call[NewTenant, None]) -> Tenant:
    async with call.write() as tx:
        await accounts.create_tenant(tx, name=call.body.name)
        return _tenant(await accounts.get_tenant(tx))


async def get_tenant(call: Call[None, None]) -> Tenant:
    async with call.read() as reading:
        return _tenant(await accounts.get_tenant(reading))


async def update_tenant(call: Call[TenantSettings, None]) -> Tenant:
    async with call.write() as tx:
        await accounts.update_tenant(tx, name=call.body.name)
        return _tenant(await accounts.get_tenant(tx))


async def list_members(call: Call[None, Window]) -> Listed[Member]:
    query = call.query
    async with call.read() as reading:
        page = await accounts.list_members(reading, limit=query.limit, offset=query.offset)
    return query.listed([_member(*row) for row in page.items], page.total)


async def invite_member(call: Call[Invitation, None]) -> Member:
    body = call.body
    async with call.write() as tx:
        member_id = await accounts.add_member(tx, email=body.email, role=body.role, name=body.name)
        return _member(*await accounts.get_member(tx, member_id=member_id))


async def remove_member(call: Call[None, None]) -> None:
    async with call.write() as tx:
        member = await accounts.member_who_is(tx, user_id=user_id(call.path["userId"]))
        await accounts.remove_member(tx, member_id=member.id)


def _tenant(row: TenantRow) -> Tenant:
    return Tenant(
        id=public_id("tenant", row.id),
        name=row.name,
        plan=row.plan,
        created_at=moment(row.created_at),
        updated_at=moment(row.updated_at),
    )


def _member(member: MemberRow, user: UserRow) -> Member:
    return Member(
        user_id=public_id("user", user.id),
        email=user.email,
        name=user.name,
        role=member.role,
        status="active" if member.invited_at is None else "invited",
        created_at=moment(member.created_at),
    )


ENDPOINTS = (
    Endpoint(
        method="POST",
        path="/v1/tenants",
        handler=create_tenant,
        tag=TAG,
        summary="Create a tenant, whose owner you are",
        body=NewTenant,
        response=Tenant,
        status=201,
    ),
    Endpoint(
        method="GET",
        path="/v1/tenants/{id}",
        handler=get_tenant,
        tag=TAG,
        summary="Get a tenant",
        scope=Scope.MEMBERS_READ,
        response=Tenant,
    ),
    Endpoint(
        method="PATCH",
        path="/v1/tenants/{id}",
        handler=update_tenant,
        tag=TAG,
        summary="Update a tenant's settings",
        scope=Scope.TENANT_WRITE,
        body=TenantSettings,
        response=Tenant,
    ),
    Endpoint(
        method="GET",
        path="/v1/tenants/{id}/members",
        handler=list_members,
        tag=TAG,
        summary="List the members of a tenant",
        scope=Scope.MEMBERS_READ,
        query=Window,
        response=Listed[Member],
    ),
    Endpoint(
        method="POST",
        path="/v1/tenants/{id}/members",
        handler=invite_member,
        tag=TAG,
        summary="Invite a member",
        scope=Scope.MEMBERS_WRITE,
        body=Invitation,
        response=Member,
        status=201,
    ),
    Endpoint(
        method="DELETE",
        path="/v1/tenants/{id}/members/{userId}",
        handler=remove_member,
        tag=TAG,
        summary="Remove a member, or withdraw an invitation",
        scope=Scope.MEMBERS_WRITE,
        status=204,
    ),
)
