"""The providers of this process: opened when first needed, shared by everybody who sends, new when settings change."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from app.actions.integrations import note_failure, open_credentials, signer_of, signing_domains, used_integrations
from app.channels.carrying import Outcome, Provider
from app.channels.kinds import DEFAULTS, KINDS, Surroundings, checked
from app.channels.mail.dkim import Signer
from app.channels.push.fanout import PushProvider
from app.core import logging
from app.core.access import system
from app.core.errors import Invalid
from app.core.fetching import Fetcher
from app.core.sealing import Unsealable
from app.core.settings import Settings
from app.core.tx import UnitsOfWork
from app.runtime.providers_health import Health, heard
from models import Domain, Integration

log = logging.logger(__name__)

FRESH_S = 2.0
"""How long another process may go on with what this one has changed."""
UNUSED_S = 600.0
TELLING_S = 55.0
"""How long messages that nothing can carry are taken in hand all the same, to be told why they wait. A little less than
the minute for which they are then held: so each is told once."""
Key = tuple[UUID, str]


@dataclass(frozen=True, slots=True)
class OpenProvider:
    """What carries a channel of a tenant.

    ``is_local`` (``outbox``, ``chat``): the message stays here; write it in the unit that records the delivery, and it
    is never in doubt. Otherwise ``provider`` sends it, or is None, and ``problem`` says in a sentence what people must
    mend first. ``healths`` are what is noted of its integrations, by their kind.
    """

    integration_id: UUID | None
    kind: str
    is_local: bool
    provider: Provider | None = None
    problem: str = ""
    opened_at: float = 0.0
    healths: Mapping[str, Health] = field(default_factory=dict, compare=False)


@dataclass(slots=True)
class _Held:
    opened: OpenProvider
    stamp: tuple[Any, ...]
    read_at: float
    used_at: float


class Providers:
    """Finds the provider of a tenant's channel. A row is read at most every two seconds, and at once after a change in
    this process; a provider is opened anew only if its integration or a signing domain changed."""

    def __init__(self, units: UnitsOfWork, settings: Settings) -> None:
        self._units = units
        self._settings = settings
        self._held: dict[Key, _Held] = {}
        self._reading: dict[Key, asyncio.Lock] = {}
        self._given: dict[Key, OpenProvider] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self.fetcher = Fetcher(settings)
        self.fetcher2 = Fetcher(settings, http2=True)

    async def of(self, tenant_id: UUID, channel: str) -> OpenProvider:
        """What carries ``channel`` now. Opens no unit of work where it was asked a moment ago; otherwise a reading
        one, so never call it inside a unit."""
        key = (tenant_id, channel)
        if key in self._given:
            return self._given[key]
        now = asyncio.get_running_loop().time()
        held = self._held.get(key)
        if held is None or now - held.read_at >= FRESH_S:
            async with self._reading.setdefault(key, asyncio.Lock()):
                held = self._held.get(key)
                if held is None or now - held.read_at >= FRESH_S:
                    held = await self._read(key, held)
            self._drop_unused(now)
        held.used_at = now
        return held.opened

    async def rests(self, tenant_id: UUID, channel: str) -> bool:
        """Whether the channel's messages are better left where they are, unclaimed: nothing carries them until people
        mend something, and those that were due have had a minute to be told so. Ask again after some seconds. As with
        :meth:`of`, never call it inside a unit of work."""
        opened = await self.of(tenant_id, channel)
        return bool(opened.problem) and asyncio.get_running_loop().time() - opened.opened_at >= TELLING_S

    async def note(self, tenant_id: UUID, opened: OpenProvider, outcomes: Sequence[Outcome]) -> None:
        """Hears what became of some messages. Writes only when an integration begins to refuse our credentials, or
        takes them again; then it opens a unit of work, so never call it inside one. Raises nothing."""
        for kind, error in heard(outcomes, opened.kind).items():
            health = opened.healths.get(kind)
            if health is None or (health.error is None) == (error is None):
                continue
            before, health.error = health.error, error
            try:
                async with self._units.write(system(tenant_id)) as tx:
                    await note_failure(tx, integration_id=health.integration_id, error=error, version=health.version)
            except Exception as failure:
                health.error = before
                log.warning("it could not be noted whether an integration works", kind=kind, error=repr(failure))

    async def open_one(self, tenant_id: UUID, row: Integration) -> OpenProvider:
        """A provider of its own for one integration, even one that is switched off. The caller closes it."""
        async with self._units.read(system(tenant_id)) as reading:
            domains = await signing_domains(reading) if row.channel == "email" else ()
        return self._open_row(row, domains)

    def forget(self, tenant_id: UUID) -> None:
        """Something of the tenant's integrations or domains may have changed."""
        for (tenant, _), held in self._held.items():
            if tenant == tenant_id:
                held.read_at = -FRESH_S

    def use(self, tenant_id: UUID, channel: str, provider: Provider) -> None:
        """From now on ``provider`` carries the channel, whatever the settings say: a twin, in tests."""
        self._given[tenant_id, channel] = OpenProvider(None, provider.kind, is_local=False, provider=provider)

    async def close(self) -> None:
        """Closes every provider, and waits until they have."""
        for held in self._held.values():
            self._close(held.opened)
        self._held.clear()
        if self._closing:
            await asyncio.wait(self._closing, timeout=10)
        await self.fetcher.close()
        await self.fetcher2.close()

    async def _read(self, key: Key, held: _Held | None) -> _Held:
        tenant_id, channel = key
        read_at = asyncio.get_running_loop().time()
        async with self._units.read(system(tenant_id)) as reading:
            rows = await used_integrations(reading, channel=channel)
            domains = await signing_domains(reading) if rows and channel == "email" else ()
        stamp = (
            *((row.id, row.updated_at) for row in rows),
            *((domain.id, domain.dkim_verified_at, domain.dkim_selector) for domain in domains),
        )
        if held is not None and held.stamp == stamp:
            held.read_at = read_at
            for row in rows:
                held.opened.healths[row.kind].error = row.last_error
            return held
        healths = {row.kind: Health(row.id, row.updated_at, row.last_error) for row in rows}
        opened = replace(self._open(channel, rows, domains), opened_at=read_at, healths=healths)
        fresh = _Held(opened, stamp, read_at, read_at)
        self._held[key] = fresh
        if held is not None:
            self._close(held.opened)
        return fresh

    def _open(self, channel: str, rows: Sequence[Integration], domains: Sequence[Domain]) -> OpenProvider:
        """Of push the platforms that can be opened, together; of the rest there is one row."""
        if not rows:
            return OpenProvider(None, DEFAULTS[channel], is_local=True)
        each = [self._open_one(row, domains) for row in rows]
        platforms = [one.provider for one in each if isinstance(one.provider, PushProvider)]
        if platforms:
            first = next(one for one in each if one.provider is platforms[0])
            return replace(first, provider=PushProvider.joined(platforms))
        return each[0]

    def _open_one(self, row: Integration, domains: Sequence[Domain]) -> OpenProvider:
        if row.is_enabled:
            return self._open_row(row, domains)
        problem = f"The integration {row.name} is switched off."
        return OpenProvider(row.id, row.kind, is_local=False, problem=problem)

    def _open_row(self, row: Integration, domains: Sequence[Domain]) -> OpenProvider:
        kind = KINDS[row.kind]
        if kind.make is None:
            return OpenProvider(row.id, kind.name, is_local=True)
        try:
            provider = kind.make(
                checked(kind.settings, row.settings, "settings"),
                checked(kind.credentials, open_credentials(self._settings, row), "credentials"),
                self._surroundings(row, domains),
            )
        except (Unsealable, Invalid, ValueError) as wrong:
            problem = f"The integration {row.name} cannot be opened: {wrong}."
            return OpenProvider(row.id, kind.name, is_local=False, problem=problem)
        return OpenProvider(row.id, kind.name, is_local=False, provider=provider)

    def _surroundings(self, row: Integration, domains: Sequence[Domain]) -> Surroundings:
        signers: dict[str, Signer] = {}
        for domain in domains:
            try:
                signers[domain.name] = signer_of(self._settings, domain)
            except Unsealable as unreadable:
                log.warning("a domain's mail goes unsigned", domain=domain.name, error=str(unreadable))
        return Surroundings(
            fetcher=self.fetcher,
            fetcher2=self.fetcher2,
            signers=signers,
            callback_url=f"{self._settings.base_url}/callbacks/{row.callback_key}",
            hostname=urlsplit(self._settings.base_url).hostname or "localhost",
        )

    def _drop_unused(self, now: float) -> None:
        for key in [key for key, held in self._held.items() if now - held.used_at > UNUSED_S]:
            self._close(self._held.pop(key).opened)
            self._reading.pop(key, None)

    def _close(self, opened: OpenProvider) -> None:
        if opened.provider is not None:
            closing = asyncio.create_task(_closed(opened.provider))
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)


async def _closed(provider: Provider) -> None:
    with suppress(Exception):
        await provider.close()
