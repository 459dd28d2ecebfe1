"""What the tests of campaigns share: a marketer whose jobs run when told to, and contents in few words."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from app.actions.campaigns import create_campaign, launch_campaign
from app.core.access import Principal
from app.core.ids import new_id
from app.core.settings import Settings
from app.runtime import Runtime
from models import CampaignRun, Content, Delivery
from tests.actions.people import People
from workers import campaigns as work

PRO = {"attribute": {"name": "plan", "is": {"equals": "pro"}}}


class Marketer(People):
    """A caller with a runtime that does nothing by itself: :meth:`prepare` runs the jobs that make deliveries."""

    def __init__(self, runtime: Runtime, principal: Principal) -> None:
        super().__init__(runtime.units, principal)
        self.runtime = runtime

    @classmethod
    @asynccontextmanager
    async def at_work(cls, settings: Settings, principal: Principal) -> AsyncIterator["Marketer"]:
        runtime = Runtime(settings)
        await runtime.database.open()
        yield cls(runtime, principal)
        await runtime.stop()

    async def pros(self, number: int, **facts: Any) -> list[UUID]:
        """So many people of the audience ``PRO``, in the order of their ids."""
        named: list[dict[str, Any]] = [
            {"external_id": f"pro{n}", "attributes": {"plan": "pro"}, **facts} for n in range(number)
        ]
        return sorted([(await self.identify(**one)).customer_id for one in named])

    async def say(self, campaign_id: UUID, channel: str = "email", group: int = 0, language: str = "") -> UUID:
        """A content of a campaign."""

        async def add(tx: Any) -> UUID:
            key = new_id()
            row: dict[str, Any] = {"id": key, "number": int(key.int % 2**31), "campaign_id": campaign_id}
            row |= {"channel": channel, "test_group": group, "language": language, "subject": "Hello"}
            row |= {"body": "<p>Hello {{ customer.name }}</p>", "from_address": "us@example.com", "headers": []}
            await tx.insert(Content, [{**row, "fields": {}, "created_at": tx.now, "updated_at": tx.now}])
            return key

        return await self.do(add)  # type: ignore[no-any-return]

    async def draft(self, **settings: Any) -> UUID:
        """A campaign by e-mail to the audience ``PRO``, with a content."""
        given = {"name": "News", "channels": ["email"], "audience": PRO} | settings
        key: UUID = await self.do(create_campaign, **given)
        await self.say(key)
        return key

    async def launched(self, **settings: Any) -> UUID:
        """The same, launched."""
        key = await self.draft(**settings)
        await self.do(launch_campaign, campaign_id=key)
        return key

    async def prepare(self) -> None:
        """Makes the deliveries of all runs, as the jobs do."""
        for run in await self.rows(CampaignRun):
            await work.prepare(self.runtime, {"run": run["id"].hex}, run["tenant_id"])

    async def wake(self) -> None:
        """What the sweep does."""
        await work.sweep(self.runtime, {}, None)

    async def deliveries(self) -> list[dict[str, Any]]:
        """Every delivery, by customer and channel."""
        return sorted(await self.rows(Delivery), key=lambda row: (row["customer_id"], row["channel"]))

    async def run(self) -> dict[str, Any]:
        """The last run."""
        return (await self.rows(CampaignRun))[-1]
