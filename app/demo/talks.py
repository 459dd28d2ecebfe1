"""The demo's inbox: a widget, a team of three, and what people wrote in the last days, each at its own moment."""

import hashlib
import hmac
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from app.actions.accounts.memberships import Membership
from app.actions.conversations.assigning import assign_conversation
from app.actions.conversations.canned_responses import create_canned_response
from app.actions.conversations.changing import close_conversation, update_conversation
from app.actions.conversations.marks import mark_read, mark_visitor_read
from app.actions.conversations.rating import rate_conversation
from app.actions.conversations.saved_views import create_saved_view
from app.actions.conversations.saying import add_note, send_message, visitor_says
from app.actions.teams import create_team
from app.actions.visitors.identifying import identify_visitor
from app.actions.visitors.opening import open_widget
from app.actions.visitors.pages import see_page
from app.actions.visitors.proof import identity_secret
from app.actions.widgets.defining import create_widget
from app.core.access import Principal, Role
from app.core.ids import new_id
from app.core.tx import Tx
from app.demo.stories import BROWSERS, CANNED, COLLEAGUES, SETTINGS, SITE, TALKS, Talk
from models import Conversation, Member, User


async def populate_inbox(tx: Tx) -> None:
    """Makes the widget and the team, and has every story told. The unit is the owner's, and is so again afterwards."""
    owner = tx.principal
    agents = {"demo": owner} | {name.split()[0].lower(): await _hire(tx, name, email) for name, email in COLLEAGUES}
    ids = [agent.id for agent in agents.values() if agent.id is not None]
    team = await create_team(tx, name="Roastery desk", routing="manual", member_ids=ids)
    widget = await create_widget(tx, name="Roastery shop", settings=SETTINGS, team_id=team.id)
    for shortcut, title, text in CANNED:
        await create_canned_response(tx, shortcut=shortcut, title=title, texts={"en": text})
    deliveries = {"tag": "delivery", "status": ["OPEN", "PENDING"]}
    await create_saved_view(tx, name="Deliveries", filter=deliveries, shared=True)
    for talk in TALKS:
        await _Stage(tx, widget.key, agents, await identity_secret(tx)).play(talk)
        await tx.enter(owner)


class _Stage:
    """Where one talk is played: each line by its own speaker, at its own moment."""

    def __init__(self, tx: Tx, widget_key: str, agents: dict[str, Principal], secret: str) -> None:
        self._tx, self._widget_key, self._agents, self._secret = tx, widget_key, agents, secret

    async def play(self, talk: Talk) -> None:
        visitor = await self._arrive(talk)
        conversation_id = await self._say_all(talk, visitor)
        await self._settle(talk, conversation_id)
        if talk.rated is not None:
            with self._at(talk.says[-1][0] - 2):
                await self._tx.enter(visitor)
                score, comment = talk.rated
                await rate_conversation(self._tx, conversation_id=conversation_id, score=score, comment=comment)

    async def _arrive(self, talk: Talk) -> Principal:
        tx, begun = self._tx, talk.says[0][0]
        path, title = talk.pages[0]
        with self._at(begun + 2 * len(talk.pages)):
            await open_widget(
                tx, widget_key=self._widget_key, origin=SITE, page_url=SITE + path, page_title=title,
                referrer=talk.referrer, locale=talk.locale, timezone=talk.timezone, user_agent=BROWSERS[talk.browser],
            )  # fmt: skip
            if talk.customer is not None:
                proof = hmac.new(self._secret.encode(), talk.customer.encode(), hashlib.sha256).hexdigest()
                await identify_visitor(tx, user_id=talk.customer, user_hash=proof)
            elif talk.name is not None:
                await identify_visitor(tx, user_id=talk.name, name=talk.name, email=talk.email)
        for place, (path, title) in enumerate(talk.pages[1:], 1):
            with self._at(begun + 2 * (len(talk.pages) - place) - 1):
                await see_page(tx, url=SITE + path, title=title)
        return tx.principal

    async def _say_all(self, talk: Talk, visitor: Principal) -> UUID:
        conversation_id: UUID | None = None
        for ago, who, text in talk.says:
            with self._at(ago):
                if who == "visitor":
                    await self._tx.enter(visitor)
                    conversation_id = await self._ask(conversation_id, talk, text)
                elif conversation_id is not None:
                    await self._answer(conversation_id, who, text)
        if conversation_id is None:
            raise ValueError("a talk begins with its visitor")
        return conversation_id

    async def _ask(self, conversation_id: UUID | None, talk: Talk, text: str) -> UUID:
        said = await visitor_says(self._tx, conversation_id=conversation_id, text=text)
        if conversation_id is None and talk.agent is not None:
            agent = self._agents[talk.agent]
            await self._tx.enter(agent)
            await assign_conversation(self._tx, conversation_id=said.conversation.id, assignee_id=agent.id)
        elif conversation_id is not None:
            await mark_visitor_read(self._tx, conversation_id=conversation_id, seq=said.message.seq)
        return said.conversation.id

    async def _answer(self, conversation_id: UUID, who: str, text: str) -> None:
        await self._tx.enter(self._agents[who.lower()])
        say = add_note if who.isupper() else send_message
        said = await say(self._tx, conversation_id=conversation_id, text=text)
        await mark_read(self._tx, conversation_id=conversation_id, seq=said.message.seq)

    async def _settle(self, talk: Talk, conversation_id: UUID) -> None:
        tx = self._tx
        with self._at(talk.says[-1][0] - 1):
            await tx.enter(self._agents[talk.agent or "demo"])
            until = self._tx.now + timedelta(days=2) if talk.status == "snoozed" else None
            await update_conversation(
                tx, conversation_id=conversation_id, subject=talk.subject, tags=talk.tags, priority=talk.priority,
                status=talk.status if talk.status in {"pending", "snoozed"} else None, snoozed_until=until,
            )  # fmt: skip
            if talk.read:
                conversation = await tx.session.get_one(Conversation, (tx.tenant_id, conversation_id))
                await mark_read(tx, conversation_id=conversation_id, seq=conversation.head)
            if talk.status == "closed":
                await close_conversation(tx, conversation_id=conversation_id)

    @contextmanager
    def _at(self, minutes_ago: float) -> Iterator[None]:
        """The unit's moment, for once not now."""
        now = self._tx.now
        self._tx.now = now - timedelta(minutes=minutes_ago)
        try:
            yield
        finally:
            self._tx.now = now


async def _hire(tx: Tx, name: str, email: str) -> Principal:
    """A colleague without a password: nobody signs in as them."""
    user_id, stamps = new_id(), {"created_at": tx.now, "updated_at": tx.now}
    await tx.insert(User, [{"id": user_id, "email": email, "name": name, "email_verified_at": tx.now, **stamps}])
    await tx.insert(Member, [{"id": new_id(), "user_id": user_id, "role": Role.AGENT, "created_at": tx.now}])
    membership = Membership(user_id, tx.tenant_id, email, Role.AGENT, "enterprise")
    return replace(membership.principal(), label=name)
