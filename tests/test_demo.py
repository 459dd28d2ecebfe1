"""A new embedded database gets a demo that can be signed in to, once."""

import pytest
from sqlalchemy import func, select

from app.core.access import system
from app.core.settings import Settings
from app.demo import EMAIL, prepare_demo
from app.runtime import Runtime
from models import ArchivedMessage, Campaign, CampaignRun, Customer, Delivery, Device, Event, HourlyCount, Tenant
from workers import HANDLERS


@pytest.fixture
def demo_settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"demo": True})


async def test_the_demo_is_made_once_and_only_on_the_embedded_database(demo_settings: Settings) -> None:
    runtime = Runtime(demo_settings, HANDLERS)
    await runtime.start()
    try:
        made = await prepare_demo(runtime)
        again = await prepare_demo(runtime)
        async with runtime.read(system()) as reading:
            tenants = (await reading.session.execute(select(Tenant.name, Tenant.plan))).tuples().all()
            counts = [
                (await reading.session.execute(select(func.count()).select_from(table))).scalar_one()
                for table in (Customer, Device, Event)
            ]
            campaigns = (
                (await reading.session.execute(select(Campaign.status).order_by(Campaign.number))).scalars().all()
            )
            told = select(HourlyCount.metric, func.sum(HourlyCount.count))
            told = told.where(HourlyCount.subject_id.in_(select(Campaign.id)))  # type: ignore[attr-defined]
            metrics = dict((await reading.session.execute(told.group_by(HourlyCount.metric))).tuples().all())
            undecided = select(func.count()).select_from(Delivery).where(Delivery.decision.is_(None))  # type: ignore[union-attr]
            unsaid = (
                select(func.count())
                .select_from(Delivery)
                .where(
                    Delivery.sent_at.is_not(None),  # type: ignore[union-attr]
                    Delivery.id.not_in(select(ArchivedMessage.delivery_id).where(ArchivedMessage.body != "")),  # type: ignore[attr-defined]
                )
            )
            holes = [(await reading.session.execute(one)).scalar_one() for one in (undecided, unsaid)]
            runs = select(CampaignRun.state).order_by(CampaignRun.id)  # type: ignore[arg-type]
            states = (await reading.session.execute(runs)).scalars().all()
            anonymous = (
                await reading.session.execute(
                    select(func.count()).select_from(Event).where(Event.customer_id.is_(None))  # type: ignore[union-attr]
                )
            ).scalar_one()
    finally:
        await runtime.stop()
    assert again is None
    if not demo_settings.embedded:
        assert (made, tenants, counts) == (None, [], [0, 0, 0])
        return
    assert made is not None and made.email == EMAIL
    assert tenants == [("Demo", "enterprise")]
    customers, devices, events = counts
    assert customers == 41
    assert 10 <= devices <= 25
    assert 300 <= events <= 500
    assert 10 <= anonymous <= 30
    assert campaigns == ["completed", "scheduled", "draft", "sending", "sending"]
    assert (holes, states) == ([0, 0], ["completed", "completed", "failed"])
    assert (
        metrics["created"]
        > metrics["sent"]
        > metrics["human_opened"]
        > metrics["human_clicked"]
        > metrics["converted"]
        > 0
    )


async def test_nothing_is_made_where_the_settings_say_so(settings: Settings) -> None:
    runtime = Runtime(settings, HANDLERS)
    await runtime.start()
    try:
        assert await prepare_demo(runtime) is None
    finally:
        await runtime.stop()
