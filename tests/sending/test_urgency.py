"""Campaigns give way to transactional messages, yet not for ever."""

import asyncio

from app.runtime.sending.urgency import WAY_S, Urgency


async def test_a_campaign_writes_when_nobody_is_in_a_hurry_any_more() -> None:
    urgency = Urgency(one_writer=False)
    order: list[str] = []

    async def campaign() -> None:
        async with urgency.turn():
            order.append("campaign")

    with urgency.hurrying(), urgency.hurrying():
        writing = asyncio.create_task(campaign())
        await asyncio.sleep(0.01)
        order.append("transactional")
    await writing
    assert order == ["transactional", "campaign"]


async def test_nobody_gives_way_while_a_provider_is_waited_for() -> None:
    urgency = Urgency(one_writer=False)
    with urgency.hurrying():
        with urgency.waiting():
            async with asyncio.timeout(WAY_S / 2), urgency.turn():
                pass
        writing = asyncio.create_task(urgency.give_way())
        await asyncio.sleep(0.01)
        assert not writing.done()
    await writing


async def test_a_stream_of_transactional_messages_does_not_stop_campaigns() -> None:
    urgency = Urgency(one_writer=False)
    with urgency.hurrying():
        async with asyncio.timeout(20 * WAY_S), urgency.turn():
            pass


async def test_of_all_campaigns_one_stands_in_line_for_the_only_writer() -> None:
    urgency = Urgency(one_writer=True)
    writing = 0
    most = 0

    async def campaign() -> None:
        nonlocal writing, most
        async with urgency.turn():
            writing += 1
            most = max(most, writing)
            await asyncio.sleep(0.001)
            writing -= 1

    await asyncio.gather(*(campaign() for _ in range(5)))
    assert most == 1
