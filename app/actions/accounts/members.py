"""Inviting people into a tenant, changing their role, and removing them."""

from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlmodel import col

from app.actions.accounts import mails
from app.actions.accounts.email_tokens import EmailTokens, subject_of
from app.actions.accounts.memberships import Membership
from app.actions.accounts.rules import (
    check_password,
    checked_name,
    checked_role,
    normal_email,
    require_authority,
)
from app.actions.accounts.sessions import Sessions, SignedIn
from app.actions.paging import Page, check_window
from app.channels import outbox
from app.core.access import Role, Scope
from app.core.errors import Conflict, Invalid, NotFound, Unauthenticated
from app.core.ids import new_id, public_id
from app.core.tx import Reading, Tx
from models import Member, Session, Tenant, User


async def add_member(tx: Tx, *, email: str, role: str, name: str = "") -> UUID:
    """Invites somebody, with or without an account here, and gives the id of their place, which is theirs to take
    once they accept (:func:`accept_invitation`). ``name`` counts only for somebody new.

    Raises :class:`Invalid`, :class:`Forbidden` for a role stronger than the caller's, and :class:`Conflict` when they
    are a member or invited already.
    """
    tx.require(Scope.MEMBERS_WRITE)
    given = checked_role(role)
    require_authority(tx.principal, given)
    address = normal_email(email)
    user_id = await _user_with(tx, address, checked_name(name))
    member_id = new_id()
    row = {"id": member_id, "user_id": user_id, "role": given.value, "invited_at": tx.now, "created_at": tx.now}
    try:
        await tx.insert(Member, [row])
    except IntegrityError as member_already:
        raise Conflict("This person is a member or invited already.", "email") from member_already
    token = await EmailTokens(tx, "invite").issue(user_id, member_id)
    tenant = await tx.session.get_one(Tenant, tx.tenant_id)
    await outbox.post(tx, mails.invitation(tx.services.settings.base_url, address, token, tenant.name, given.value))
    tx.audit("member.invite", public_id("member", member_id), {"email": address, "role": given.value})
    return member_id


async def list_members(reading: Reading, *, limit: int, offset: int = 0) -> Page[tuple[Member, User]]:
    """Who works for the tenant, or is invited to (``invited_at``), in the order in which they came. Raises
    :class:`Invalid` for a wrong window."""
    reading.require(Scope.MEMBERS_READ)
    check_window(offset, limit)
    total = (await reading.session.execute(select(func.count(col(Member.id))))).scalar_one()
    statement = (
        select(Member, User)
        .join(User, col(User.id) == col(Member.user_id))
        .order_by(col(Member.created_at), col(Member.id))
        .offset(offset)
        .limit(limit)
    )
    return Page([(member, user) for member, user in await reading.session.execute(statement)], total)


async def get_member(reading: Reading, *, member_id: UUID) -> tuple[Member, User]:
    """A place in the tenant, and whose it is. Raises :class:`NotFound`."""
    reading.require(Scope.MEMBERS_READ)
    statement = select(Member, User).join(User, col(User.id) == col(Member.user_id)).where(col(Member.id) == member_id)
    row = (await reading.session.execute(statement)).one_or_none()
    if row is None:
        raise NotFound("member", "member_id")
    return row[0], row[1]


async def member_who_is(reading: Reading, *, user_id: UUID) -> Member:
    """The place of a user in the tenant, taken or offered. Raises :class:`NotFound`."""
    reading.require(Scope.MEMBERS_READ)
    found = select(Member).where(col(Member.user_id) == user_id)
    member: Member | None = (await reading.session.execute(found)).scalar_one_or_none()
    if member is None:
        raise NotFound("member", "user_id")
    return member


async def accept_invitation(tx: Tx, *, token: str, password: str, name: str | None = None) -> SignedIn:
    """Takes the place offered in an invitation and signs in. Public.

    Whoever owns a verified account proves it with its password (:class:`Unauthenticated` if it is wrong; the
    invitation stays good). For everybody else, ``password`` becomes theirs: they have read the mail, so an unverified
    account of that address, whoever made it, is theirs too. Raises :class:`Invalid` at ``token``, ``password`` or
    ``name``.
    """
    invitations = EmailTokens(tx, "invite")
    user_id = await invitations.owner(token)
    found = select(col(User.email), col(User.password_hash), col(User.email_verified_at)).where(col(User.id) == user_id)
    user = (await tx.session.execute(found)).one()
    owned = user.password_hash is not None and user.email_verified_at is not None
    accepted_name = None if name is None else checked_name(name)
    passwords, password_hash = tx.services.passwords, None
    if not owned:
        check_password(password, user.email)
    async with tx.aside():
        if not owned:
            password_hash = await passwords.hash(password)
        elif not await passwords.verify(password, user.password_hash):
            raise Unauthenticated("This is not the password of your account.")
    await invitations.spend(token)
    if password_hash is not None:
        await Sessions(tx).hand_over(user_id, password_hash)
    membership = await _join(tx, subject_of(token), user_id)
    if accepted_name:
        named = update(User).where(col(User.id) == user_id).values(name=accepted_name, updated_at=tx.now)
        await tx.session.execute(named)
    signed_in = await Sessions(tx).open(membership)
    tx.audit("member.join", public_id("member", subject_of(token)))
    return signed_in


async def change_member_role(tx: Tx, *, member_id: UUID, role: str) -> None:
    """Gives a member, or somebody invited, another role; it counts for their open sessions at once.

    Raises :class:`NotFound`, :class:`Invalid`, :class:`Forbidden` when the old or the new role is stronger than the
    caller's, and :class:`Conflict` for the last owner.
    """
    tx.require(Scope.MEMBERS_WRITE)
    given = checked_role(role)
    member = await _member_for_change(tx, member_id)
    require_authority(tx.principal, given)
    if given is Role(member.role):
        return
    await _keep_an_owner(tx, member)
    changes = {"role": {"from": member.role, "to": given.value}}
    member.role = given.value
    tx.forget(member.user_id)
    tx.audit("member.change_role", public_id("member", member_id), changes)


async def remove_member(tx: Tx, *, member_id: UUID) -> None:
    """Ends a membership, or withdraws an invitation, and the member's sessions in this tenant. Their keys stay.

    Raises :class:`NotFound`, :class:`Forbidden` for a member stronger than the caller, and :class:`Conflict` for the
    last owner.
    """
    tx.require(Scope.MEMBERS_WRITE)
    member = await _member_for_change(tx, member_id)
    await _keep_an_owner(tx, member)
    gone = delete(Member).where(col(Member.id) == member_id).execution_options(synchronize_session=False)
    await tx.session.execute(gone)
    await Sessions(tx).revoke(col(Session.user_id) == member.user_id, col(Session.tenant_id) == tx.tenant_id)
    tx.forget(member.user_id)
    user = await tx.session.get_one(User, member.user_id)
    tx.audit("member.remove", public_id("member", member_id), {"email": user.email, "role": member.role})


async def _user_with(tx: Tx, address: str, name: str) -> UUID:
    """The user with this address, made without a password if there is none."""
    upsert = postgresql.insert if tx.session.get_bind().dialect.name == "postgresql" else sqlite.insert
    row = {"id": new_id(), "email": address, "name": name, "created_at": tx.now, "updated_at": tx.now}
    await tx.session.execute(upsert(User).values(row).on_conflict_do_nothing(index_elements=["email"]))
    return (await tx.session.execute(select(col(User.id)).where(col(User.email) == address))).scalar_one()


async def _join(tx: Tx, member_id: UUID, user_id: UUID) -> Membership:
    joined = (
        update(Member)
        .where(col(Member.id) == member_id, col(Member.user_id) == user_id, col(Member.invited_at).is_not(None))
        .values(invited_at=None)
        .returning(col(Member.tenant_id))
        .execution_options(synchronize_session=False)
    )
    tenant_id = (await tx.session.execute(joined)).scalar_one_or_none()
    membership = await Membership.find(tx, user_id, tenant_id) if tenant_id else None
    if membership is None:
        raise Invalid.at("token", "is not valid any more")
    return membership


async def _member_for_change(tx: Tx, member_id: UUID) -> Member:
    """The member, once the caller may touch them. Changes of one tenant's members happen one after another: else two
    owners could each remove the other."""
    await tx.session.execute(select(col(Tenant.id)).where(col(Tenant.id) == tx.tenant_id).with_for_update())
    member = (await tx.session.execute(select(Member).where(col(Member.id) == member_id))).scalar_one_or_none()
    if member is None:
        raise NotFound("member", "member_id")
    require_authority(tx.principal, Role(member.role))
    return member


async def _keep_an_owner(tx: Tx, member: Member) -> None:
    if Role(member.role) is not Role.OWNER or member.invited_at is not None:
        return
    others = (
        select(func.count())
        .select_from(Member)
        .where(col(Member.role) == Role.OWNER.value, col(Member.invited_at).is_(None), col(Member.id) != member.id)
    )
    if (await tx.session.execute(others)).scalar_one() == 0:
        raise Conflict("This is the last owner; make somebody else an owner first.", "member_id")
