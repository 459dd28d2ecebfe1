"""One batch on its way: claimed, decided, rendered, sent group by group, and written down.

No unit of work is open while anything is rendered or sent. The unit that records a group's outcomes also marks the next
group, so that a group costs one commit.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from app.actions import conversations
from app.actions.campaigns import finish_run
from app.actions.deliveries import (
    TRANSACTIONAL,
    Claim,
    Deciding,
    Gathered,
    Parcel,
    claim_deliveries,
    devices_of,
    ended_runs,
    gather,
    give_back,
    halted_campaigns,
    leave_off_copies,
    mark_sending,
    may_send,
    option,
    overdue,
    put_aside,
    record_kept,
    record_outcomes,
    record_unsent,
    record_written,
    take_slots,
    tell_campaign,
)
from app.channels import Outcome, Outgoing, Result, Target
from app.core import logging
from app.core.access import system
from app.core.errors import Overloaded, RapportError
from app.core.streams import Stream
from app.core.tx import Tx
from app.gates import no_provider
from app.runtime.providers import OpenProvider
from app.runtime.sending.orders import broken, fill, order_of
from app.runtime.sending.renderer import LOST, SMALL
from app.runtime.sending.templates import Ready
from app.runtime.sending.tools import Tools

log = logging.logger(__name__)

IN_HANDS = 2 / 3
"""How much of the lease a group may be in a provider's hands."""
BEGUN = 1 / 3
"""How much of it may have passed before a message's turn comes; what waits longer is queued again while it is ours."""
SMALLEST_GROUP, GROUP = 32, 64
"""Messages that are marked, sent and recorded together: so many may be in doubt when a worker is lost."""
GROUP_S = 0.25
"""How long a group should take: a slow provider gets smaller ones."""
KEPT_GROUP = 100
"""The same of the outbox, where nothing is ever in doubt: what SQLite writes in some twenty milliseconds."""
BREATH = 50
"""Messages that are decided in one go."""
ASKED_S = 0.25
"""How often a batch asks whether its campaigns may still send, so soon does a pause hold but for the group in hand."""
UNPROVIDED = timedelta(minutes=1)
ROUNDS = 3
"""How often a template is compiled for a renderer that has lost it."""


@dataclass(slots=True)
class Batch:
    """One batch of a stream. ``claimed`` and ``failing`` say how it went: how many there were, and whether the provider
    took none of them."""

    tools: Tools
    stream: Stream
    lane: int
    claims: list[Claim] = field(default_factory=list)
    failing: bool = False
    is_stopping: bool = False
    _outcomes: list[tuple[Parcel, Outcome]] = field(default_factory=list)
    _unsent: list[Parcel] = field(default_factory=list)
    _size: int = 32
    _halted: set[UUID] = field(default_factory=set)
    _asked_at: float = field(default_factory=time.monotonic)

    async def claim(self, limit: int) -> int:
        """Takes messages in hand. Returns how many."""
        async with self._write() as tx:
            self.claims = await claim_deliveries(
                tx, lane=self.lane, stream=self.stream, limit=limit, lease=self.tools.lease
            )
        return len(self.claims)

    def hurry(self) -> AbstractContextManager[None]:
        """Makes campaigns give way to a batch of transactional messages, in which it claims and runs."""
        return self.tools.urgency.hurrying() if self._is_urgent else nullcontext()

    async def run(self) -> None:
        """Sends what was claimed."""
        await self._step()
        opened = await self.tools.providers.of(self.stream.tenant_id, self.stream.channel)
        async with self.tools.units.read(system(self.stream.tenant_id)) as reading:
            known = await gather(reading, claims=self.claims)
        going = await self._aside(known)
        if going:
            parcels = await self._decided(going, known, opened)
            ready = await self.tools.templates.of(
                self.stream.tenant_id, [parcel.claim for parcel in parcels], known, apart=len(parcels) > SMALL
            )
            await self._send(parcels, known, ready, opened)
        await self._finish(known)

    @property
    def _is_urgent(self) -> bool:
        return self.lane == TRANSACTIONAL

    async def _step(self) -> None:
        """Between two steps others may want the loop."""
        if not self._is_urgent:
            await self.tools.urgency.give_way()

    @asynccontextmanager
    async def _write(self) -> AsyncIterator[Tx]:
        turn = nullcontext() if self._is_urgent else self.tools.urgency.turn()
        async with turn, self.tools.units.write(system(self.stream.tenant_id)) as tx:
            yield tx

    async def _aside(self, known: Gathered) -> list[Claim]:
        """Those that may go as far as their campaigns go; the others are put aside."""
        going: list[Claim] = []
        aside: list[Claim] = []
        for claim in self.claims:
            campaign = known.campaigns.get(claim.campaign_id) if claim.campaign_id else None
            (going if may_send(campaign, claim) else aside).append(claim)
        if aside:
            async with self._write() as tx:
                await put_aside(tx, claims=aside)
        return going

    async def _decided(self, claims: Sequence[Claim], known: Gathered, opened: OpenProvider) -> list[Parcel]:
        """What the gates let through; the rest is noted, to be recorded with the first group."""
        deciding = Deciding(known, await self._slots(claims, known))
        passing = []
        for place, claim in enumerate(claims):
            if place % BREATH == 0:
                await asyncio.sleep(0)
                await self._step()
            decision = deciding.decide(claim)
            parcel = Parcel(claim, decision, content_id=claim.content_id)
            address = deciding.addresses(claim)
            parcel.recipient = claim.recipient or (address[0] if address and claim.channel != "push" else "")
            parcel.integration_id = opened.integration_id
            campaign = known.campaigns.get(claim.campaign_id) if claim.campaign_id else None
            parcel.is_retained = option(claim, campaign, "is_retained", True)
            if decision.verdict != "pass":
                self._unsent.append(parcel)
            elif opened.problem or not (opened.is_local or opened.provider):
                until = known.now + UNPROVIDED
                problem = opened.problem or "There is no provider."
                parcel.decision = no_provider(decision, problem, until, provider=opened.kind)
                self._unsent.append(parcel)
            else:
                person = known.people[claim.customer_id]
                parcel.devices = tuple(
                    Target(device.token, device.platform, device.attributes)
                    for device in (devices_of(claim, person) if claim.channel == "push" else ())
                )
                passing.append(parcel)
        return passing

    async def _slots(self, claims: Sequence[Claim], known: Gathered) -> dict[UUID, datetime]:
        slots: dict[UUID, datetime] = {}
        for run_id, late in overdue(claims, known).items():
            campaign = known.campaigns[late[0].campaign_id]  # type: ignore[index]
            pace = campaign.throttle_per_s or 1
            async with self._write() as tx:
                first = await take_slots(tx, run_id=run_id, messages=len(late), per_second=pace)
            slots |= {claim.id: first + timedelta(seconds=place / pace) for place, claim in enumerate(late)}
        return slots

    async def _send(
        self, parcels: Sequence[Parcel], known: Gathered, ready: dict[UUID, Ready], opened: OpenProvider
    ) -> None:
        """Group after group: while one is sent, the next is rendered."""
        apart = len(parcels) > SMALL
        waiting = list(parcels)
        rendering = asyncio.ensure_future(
            self._rendered(self._next_group(waiting, opened), known, ready, opened, apart)
        )
        try:
            while not self.is_stopping:
                made = await rendering
                group = self._next_group(waiting, opened)
                rendering = asyncio.ensure_future(self._rendered(group, known, ready, opened, apart))
                await self._hand_over(made, known, opened)
                if not group:
                    break
            else:
                await self._give_back(waiting + await rendering)
        finally:
            rendering.cancel()
            await self._record(known, opened)  # whatever went wrong: what the provider has said is not lost

    def _next_group(self, waiting: list[Parcel], opened: OpenProvider) -> list[Parcel]:
        """Takes the next messages: so many as the provider takes in a quarter of a second."""
        size = KEPT_GROUP if opened.is_local else self._size
        group, waiting[:] = waiting[:size], waiting[size:]
        return group

    async def _rendered(
        self,
        group: Sequence[Parcel],
        known: Gathered,
        ready: dict[UUID, Ready],
        opened: OpenProvider,
        apart: bool,
    ) -> list[Parcel]:
        """The messages of a group that could be made; why the others could not is noted."""
        waiting, made = list(group), list[Parcel]()
        for _ in range(ROUNDS):
            orderly = [parcel for parcel in waiting if not ready[parcel.claim.id].problem]
            orders = [
                order_of(parcel, known, ready[parcel.claim.id], self.stream, self.tools.base_url) for parcel in orderly
            ]
            rendered = await self.tools.renderer.render(orders, apart=apart)
            answers = dict(zip((one.claim.id for one in orderly), rendered, strict=True))
            again = []
            for parcel in waiting:
                template, answer = ready[parcel.claim.id], answers.get(parcel.claim.id)
                parcel.content_id = template.content_id
                if answer is not None and answer.is_missing:
                    again.append(parcel)
                elif answer is None or answer.message is None:
                    problem = template.problem or (answer.problem if answer else "")
                    self._unsent.append(broken(parcel, problem))
                else:
                    fill(parcel, answer, opened)
                    made.append(parcel)
            if not again:
                return made
            self.tools.templates.forget({ready[parcel.claim.id].key for parcel in again}, apart=apart)
            claims = [parcel.claim for parcel in again]
            ready |= await self.tools.templates.of(self.stream.tenant_id, claims, known, apart=apart)
            waiting = again
        self._unsent += [broken(parcel, LOST) for parcel in waiting]
        return made

    async def _hand_over(self, parcels: Sequence[Parcel], known: Gathered, opened: OpenProvider) -> None:
        unsent, self._unsent = self._unsent, []
        if opened.is_local:
            if opened.kind == "chat":
                await self._say(parcels)
                await self._put_aside(parcels)
                self._unsent += unsent
                return
            async with self._write() as tx:
                going = await self._going(tx, parcels)
                await record_unsent(tx, parcels=unsent)
                await record_kept(tx, parcels=going)
            await self._put_aside(parcels)
            return
        provider = opened.provider
        assert provider is not None  # a batch without one does not come so far
        began = time.monotonic()
        async with self._write() as tx:
            going = await self._going(tx, parcels)
            await record_outcomes(tx, outcomes=self._outcomes, resends=self._resends(known, opened))
            await record_unsent(tx, parcels=unsent)
            sending = await mark_sending(
                tx, parcels=going, lease=self.tools.lease, is_idempotent=provider.is_idempotent
            )
        self._outcomes = []
        hands, handed = asyncio.Semaphore(max(1, provider.concurrency)), time.monotonic()
        with self.tools.urgency.waiting() if self._is_urgent else nullcontext():
            answers = await asyncio.gather(*(self._carry(provider, parcel, hands, began) for parcel in sending))
        took_s = max(time.monotonic() - handed, 0.001)
        pairs = list(zip(sending, answers, strict=True))
        self._outcomes = [(parcel, answer) for parcel, answer in pairs if answer is not None]
        if self._outcomes:
            fitting = int(len(answers) * GROUP_S / took_s)
            self._size = max(SMALLEST_GROUP, min(GROUP, fitting, 2 * self._size))
            self.failing = all(answer.result is Result.DEFERRED for _, answer in self._outcomes)
        if late := [parcel for parcel, answer in pairs if answer is None]:
            await self._give_back(late)
        await self._put_aside(parcels)
        await self.tools.providers.note(self.stream.tenant_id, opened, [outcome for _, outcome in self._outcomes])

    async def _going(self, tx: Tx, parcels: Sequence[Parcel]) -> list[Parcel]:
        """Those of a group whose campaigns have not been paused or ended since the batch was claimed, without copies to
        whom we must not write."""
        if time.monotonic() - self._asked_at >= ASKED_S:
            ids = {parcel.claim.campaign_id for parcel in parcels if parcel.claim.campaign_id}
            self._halted |= await halted_campaigns(tx, campaign_ids=ids)
            self._asked_at = time.monotonic()
        going = [parcel for parcel in parcels if not self._is_halted(parcel.claim)]
        await leave_off_copies(tx, parcels=going)
        return going

    def _is_halted(self, claim: Claim) -> bool:
        return claim.campaign_id in self._halted and not claim.is_test

    async def _put_aside(self, parcels: Sequence[Parcel]) -> None:
        if halted := [parcel.claim for parcel in parcels if self._is_halted(parcel.claim)]:
            async with self._write() as tx:
                await put_aside(tx, claims=halted)

    async def _carry(self, provider: Any, parcel: Parcel, hands: asyncio.Semaphore, began: float) -> Outcome | None:
        """What became of one message; None: its turn came too late, and nothing was handed over."""
        claim = parcel.claim
        assert parcel.message is not None
        outgoing = Outgoing(
            claim.id,
            self.stream.tenant_id,
            claim.channel,
            parcel.recipient,
            parcel.message,
            parcel.devices,
            claim.id.hex,
            parcel.unsubscribe_url,
            self.lane,
        )
        lease_s = self.tools.lease.total_seconds()
        async with hands:
            passed_s = time.monotonic() - began
            if passed_s > BEGUN * lease_s:
                return None
            within_s = IN_HANDS * lease_s - passed_s
            try:
                async with asyncio.timeout(within_s):
                    return await provider.send(outgoing)  # type: ignore[no-any-return]
            except TimeoutError:
                return Outcome.unknown("", f"The provider did not answer in {within_s:.0f} seconds.")
            except Exception as failure:
                log.warning("a provider failed", kind=provider.kind, delivery=claim.id.hex, exc_info=failure)
                return Outcome.unknown("", f"{type(failure).__name__}: {failure}")

    def _resends(self, known: Gathered, opened: OpenProvider) -> bool:
        """Whether what may have arrived is sent again: where it arrives once all the same, or the tenant says so."""
        provider = opened.provider
        return (provider is not None and provider.is_idempotent) or self.stream.channel in known.policy.resends

    async def _say(self, parcels: Sequence[Parcel]) -> None:
        """Messages in the chat: each is said in the unit that notes it as sent."""
        for parcel in parcels:
            assert parcel.message is not None
            try:
                async with self._write() as tx:
                    if await record_written(tx, parcels=await self._going(tx, [parcel])):
                        await conversations.start_conversation(
                            tx,
                            customer_id=parcel.claim.customer_id,
                            text=parcel.message.body,
                            subject=parcel.message.subject,
                            client_id=parcel.claim.id.hex,
                        )
            except Overloaded:
                await self._give_back([parcel])
            except RapportError as refusal:
                self._outcomes.append((parcel, Outcome.rejected(refusal.code, refusal.message)))

    async def _record(self, known: Gathered, opened: OpenProvider) -> None:
        outcomes, self._outcomes = self._outcomes, []
        unsent, self._unsent = self._unsent, []
        if not outcomes and not unsent:
            return
        async with self._write() as tx:
            await record_outcomes(tx, outcomes=outcomes, resends=self._resends(known, opened))
            await record_unsent(tx, parcels=unsent)

    async def _give_back(self, parcels: Sequence[Parcel]) -> None:
        async with self._write() as tx:
            await give_back(tx, claims=[parcel.claim for parcel in parcels])

    async def _finish(self, known: Gathered) -> None:
        """Tells how far the campaigns have come, and ends the runs of which this was the last."""
        runs = {claim.run_id for claim in self.claims if claim.run_id}
        if not runs:
            return
        async with self.tools.units.read(system(self.stream.tenant_id)) as reading:
            ended = await ended_runs(reading, run_ids=runs)
        async with self._write() as tx:
            for campaign_id in known.campaigns:
                tell_campaign(tx, campaign_id, "campaign.progress", {"handled": len(self.claims)})
            for _, run_id in ended:
                await finish_run(tx, run_id=run_id)
