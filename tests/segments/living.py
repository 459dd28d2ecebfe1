"""A tenant that lives at random: everything that can happen to its people and segments, through the actions."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from app.actions.conversations import close_conversation, rate_conversation, send_message, visitor_says
from app.actions.customers import (
    CustomerFacts,
    CustomerRef,
    alias,
    delete_customer,
    erase_customer,
    identify,
    merge,
    remove_device,
    save_device,
    set_consent,
    suppress,
    unmerge,
)
from app.actions.events import NewEvent, track, track_many
from app.actions.segments import (
    add_members,
    copy_members,
    create_segment,
    delete_segment,
    remove_members,
    update_segment,
)
from app.actions.segments.building import build_portion, plan_build
from app.actions.visitors import identify_visitor, identity_secret, open_widget
from app.actions.visitors.proof import proof_of
from app.actions.widgets import create_widget
from app.core.access import PUBLIC, Principal, Scope, system
from app.core.errors import RapportError
from app.core.tx import UnitsOfWork
from tests.segments.people import CHANNELS, EVENTS, LOCALES, NAMES, PLATFORMS, STEPS, TIMEZONES, CrowdMaker
from tests.segments.writing_rules import SPANS, RuleWriter

PEOPLE = 8
BROWSERS = 4
Doing = Callable[[], Awaitable[Any]]


class Life:
    """Does random things in a tenant, each in a unit of its own. What is refused is refused, and counts for nothing."""

    def __init__(self, units: UnitsOfWork, tenant_id: UUID, chance: Random) -> None:
        self.units = units
        self.caller = system(tenant_id)
        self.chance = chance
        self.static: list[UUID] = []
        self.dynamic: list[UUID] = []
        self._merges: list[UUID] = []
        self._visitors: list[Principal] = []
        self._talks: list[tuple[Principal, UUID]] = []
        self._values = CrowdMaker(chance)

    async def begin(self) -> None:
        """Creates the static segment, and opens a widget in some browsers."""
        self.static.append(await self.write(create_segment, name="static"))
        widget = await self.write(create_widget, name="widget")
        self._secret = await self.read(identity_secret)
        for _ in range(BROWSERS):
            async with self.units.write(PUBLIC) as tx:
                opened = await open_widget(tx, widget_key=widget.key, origin=None)
            scopes = frozenset({Scope.VISITOR})
            self._visitors.append(Principal("visitor", widget.tenant_id, opened.visitor.id, scopes=scopes))

    @property
    def segments(self) -> list[UUID]:
        return [*self.static, *self.dynamic]

    async def write(self, action: Any, *arguments: Any, by: Principal | None = None, **named: Any) -> Any:
        try:
            async with self.units.write(by or self.caller) as tx:
                return await action(tx, *arguments, **named)
        except RapportError:
            return None

    async def read(self, action: Any, **named: Any) -> Any:
        async with self.units.read(self.caller) as reading:
            return await action(reading, **named)

    def something(self, now: datetime) -> Doing:
        """One thing that happens to people, chosen now and done later."""
        doings = [self._identify] * 5 + [self._track] * 6 + [self._consent, self._device, self._device, self._alias]
        doings += [self._delete, self._merge, self._merge, self._unmerge, self._unmerge, self._enrol, self._enrol]
        doings += [self._suppress, self._erase, self._prove, self._prove, *[self._talk] * 4]
        return self.chance.choice(doings)(now)

    # ---- segments -------------------------------------------------------------------------------------------------

    async def found(self) -> None:
        """Creates some dynamic segments, which may ask for each other's members and for the static one's."""
        for _ in range(self.chance.randint(2, 5)):
            await self.add_dynamic()

    async def add_dynamic(self) -> None:
        """Creates a segment, whose members nobody has looked for yet."""
        while True:
            found = await self.write(create_segment, name="dynamic", rule=self._rule())
            if found is not None:
                self.dynamic.append(found)
                return

    async def change_rule(self) -> None:
        await self.write(update_segment, segment_id=self.chance.choice(self.dynamic), rule=self._rule())

    async def drop_segment(self) -> None:
        if len(self.dynamic) == 1:
            return
        gone = self.chance.choice(self.dynamic)
        try:
            async with self.units.write(self.caller) as tx:
                await delete_segment(tx, segment_id=gone)
        except RapportError:
            return
        self.dynamic.remove(gone)

    def _rule(self) -> Any:
        """A rule; every other one looks at the clock."""
        writer = RuleWriter(self.chance, self.segments)
        rule = writer.rule(self.chance.randint(1, 3))
        if self.chance.random() < 0.5:
            return rule
        last = {"name": self.chance.choice(EVENTS), "within": {"last": self.chance.choice(SPANS)}}
        lately = {"event": {**last, "count": {"atLeast": self.chance.choice([1, 1, 2])}}}
        return {self.chance.choice(["and", "or"]): [rule, self.chance.choice([lately, {"not": lately}])]}

    async def build(self, *, part: bool = False) -> None:
        """Builds every segment; with ``part`` each breaks off somewhere."""
        for segment_id in self.dynamic:
            plan = await self.read(plan_build, segment_id=segment_id)
            people = plan.customers
            if part:
                people = people[: self.chance.randint(0, len(people))]
            for at in range(0, len(people), 3):
                await self.write(build_portion, segment_id=segment_id, customers=people[at : at + 3])

    # ---- people ---------------------------------------------------------------------------------------------------

    def _person(self) -> CustomerRef:
        return CustomerRef("external_id", f"u{self.chance.randrange(PEOPLE)}")

    def _browser(self) -> str:
        return f"b-{self.chance.randrange(BROWSERS)}"

    def _moment(self, now: datetime) -> datetime:
        """Mostly late, sometimes by exactly a span; now and then ahead."""
        seconds = self.chance.choice(STEPS) * self.chance.choice([-1, -1, -1, 1])
        micro = self.chance.choice([0, 0, 1, -1, self.chance.randint(-(10**9), 10**9)])
        moment = now + timedelta(seconds=seconds, microseconds=micro)
        return max(min(moment, now + timedelta(hours=24)), datetime(1970, 1, 1, tzinfo=UTC))

    def _identify(self, now: datetime) -> Doing:
        chance = self.chance
        facts = CustomerFacts(
            external_id=self._person().value,
            email=f"{chance.randrange(PEOPLE)}@{chance.choice(['example.com', 'acme.test'])}"
            if chance.random() < 0.2
            else None,
            anonymous_id=self._browser() if chance.random() < 0.2 else None,
            attributes={name: self._attribute() for name in NAMES if chance.random() < 0.4},
            timezone=chance.choice(TIMEZONES),
            locale=chance.choice(LOCALES),
            consents={chance.choice(CHANNELS): "subscribed"} if chance.random() < 0.2 else {},
            created_at=self._moment(now) if chance.random() < 0.1 else None,
        )
        return lambda: self.write(identify, facts)

    def _attribute(self) -> Any:
        return None if self.chance.random() < 0.2 else self._values.value()

    def _track(self, now: datetime) -> Doing:
        events = [self._event(now) for _ in range(self.chance.choice([1, 1, 2, 5]))]
        return lambda: self.write(track, events[0]) if len(events) == 1 else self.write(track_many, events)

    def _event(self, now: datetime) -> NewEvent:
        made = self._values._event()
        who = self._person() if self.chance.random() < 0.8 else CustomerRef("anonymous_id", self._browser())
        return NewEvent(who, self.chance.choice(EVENTS), made.properties, self._moment(now))

    def _consent(self, now: datetime) -> Doing:
        who, channel = self._person(), self.chance.choice(CHANNELS)
        status = self.chance.choice(["subscribed", "unsubscribed"])
        return lambda: self.write(set_consent, customer=who, channel=channel, status=status)

    def _device(self, now: datetime) -> Doing:
        who, token, chance = self._person(), f"t{self.chance.randrange(4)}", self.chance
        if chance.random() < 0.3:
            return lambda: self.write(remove_device, customer=who, token=token)
        used, platform = chance.choice([None, self._moment(now)]), chance.choice(PLATFORMS)
        return lambda: self.write(save_device, customer=who, token=token, platform=platform, last_used_at=used)

    def _alias(self, now: datetime) -> Doing:
        who, browser = self._person(), self._browser()
        return lambda: self.write(alias, anonymous_id=browser, customer=who)

    def _delete(self, now: datetime) -> Doing:
        who = self._person()
        return lambda: self.write(delete_customer, customer=who)

    def _erase(self, now: datetime) -> Doing:
        who = self._person()
        return lambda: self.write(erase_customer, customer=who)

    def _suppress(self, now: datetime) -> Doing:
        who = self._person()
        return lambda: self.write(suppress, customer=who)

    def _merge(self, now: datetime) -> Doing:
        winner, loser = self._person(), self._person()

        async def do() -> None:
            done = await self.write(merge, winner=winner, loser=loser)
            if done is not None:
                self._merges.append(done)

        return do

    def _unmerge(self, now: datetime) -> Doing:
        if not self._merges:
            return self._merge(now)
        undone = self.chance.choice(self._merges)
        return lambda: self.write(unmerge, merge_id=undone)

    def _prove(self, now: datetime) -> Doing:
        visitor, who = self.chance.choice(self._visitors), self._person().value
        proof = proof_of(self._secret, who)
        return lambda: self.write(identify_visitor, by=visitor, user_id=who, user_hash=proof)

    def _talk(self, now: datetime) -> Doing:
        """Somebody says something new, or something becomes of what was said."""
        if not self._talks or self.chance.random() < 0.4:
            visitor = self.chance.choice(self._visitors)

            async def say() -> None:
                said = await self.write(visitor_says, by=visitor, text="hello")
                if said is not None:
                    self._talks.append((visitor, said.conversation.id))

            return say
        visitor, talk = self.chance.choice(self._talks)
        score = self.chance.randint(1, 5)
        return self.chance.choice(
            [
                lambda: self.write(send_message, conversation_id=talk, text="hello"),
                lambda: self.write(close_conversation, conversation_id=talk),
                lambda: self.write(rate_conversation, by=visitor, conversation_id=talk, score=score),
                lambda: self.write(visitor_says, by=visitor, conversation_id=talk, text="once more"),
            ]
        )

    def _enrol(self, now: datetime) -> Doing:
        key = self.chance.choice(self.static)
        roll = self.chance.random()
        if roll < 0.2:
            source = self.chance.choice(self.segments)
            return lambda: self.write(copy_members, segment_id=key, from_segment_id=source)
        people = [self._person() for _ in range(3)]
        action = add_members if roll < 0.7 else remove_members
        return lambda: self.write(action, segment_id=key, customers=people)
