"""A newsletter in two test groups and two languages through a real SMTP server; what comes back is counted the same
by every mouth.

``NEWSLETTER_PURCHASES=…/purchases.csv`` takes the purchases of that file instead of made ones.
"""

import asyncio
import os
import random
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from app.core.settings import Settings
from tests.acceptance.newsletter import CALLBACK_HEADERS, SCANNER, Reader, Shop, address_of, locale_of
from tests.cli.conftest import register
from tests.mailbox import mailbox
from tests.serving import Served

PURCHASES = os.environ.get("NEWSLETTER_PURCHASES", "")
OPENING, SCANNED, CLICKING, LEAVING, GONE, BOUNCING = 40, 5, 15, 3, 2, 1
"""How many open the mail, have it opened by a scanner alone, click, unsubscribe, are refused by the mail server, and
of how many the mail server says later that the mail came back."""
BEFORE_A_PERSON_COULD_S = 3.2

pytestmark = pytest.mark.timeout(1800 if PURCHASES else 120)


@pytest.fixture(scope="module")
def served(module_settings: Settings) -> Iterator[Served]:
    """A server that may send to this machine."""
    more = {"RAPPORT_RATE_LIMITS": "false", "RAPPORT_ALLOWED_PRIVATE_HOSTS": '["127.0.0.1"]'}
    server = Served(module_settings, **more).start()
    yield server
    server.kill()


@pytest.fixture
def purchases(tmp_path: Path) -> Path:
    """The file of purchases: that of the environment, or one of 150 people who bought one to five times."""
    if PURCHASES:
        return Path(PURCHASES)
    chance = random.Random(7)
    file = tmp_path / "purchases.csv"
    rows = [
        f"{number:05d},1997-01-{day:02d},1,{chance.randint(500, 9000) / 100:.2f}"
        for number in range(1, 151)
        for day in range(1, 2 + number % 5)
    ]
    file.write_text("\n".join(["customer_id,date,items,amount", *rows]) + "\n")
    return file


async def test_what_comes_back_of_a_newsletter_is_counted_the_same_everywhere(
    served: Served, module_settings: Settings, purchases: Path, tmp_path: Path
) -> None:
    key = register(served.url).key
    async with httpx2.AsyncClient(timeout=60, trust_env=False) as client:
        shop = Shop(served.url, key, client, purchases)
        await shop.load(module_settings, tmp_path)
        segment = await shop.segment()
        assert segment["memberCount"] == len(shop.entitled)
        gone = set(random.Random(1).sample(shop.entitled, GONE))
        refusals = {address_of(id): "550 5.1.1 no such mailbox" for id in gone}
        async with mailbox(refusals=refusals) as box:
            callback = await shop.connect(box)
            campaign = await shop.newsletter(segment["id"])
            mails = {mail.recipients[0]: mail for mail in box.mails}
            reached = [id for id in shop.entitled if id not in gone]
            assert len(box.mails) == len(mails), "somebody was sent to twice"
            assert set(mails) == {address_of(id) for id in reached}

            readers = {id: Reader(client, mails[address_of(id)]) for id in reached}
            groups = await assert_right_contents(readers)
            await asyncio.sleep(BEFORE_A_PERSON_COULD_S)
            expected = await come_back(shop, readers, callback)
            expected |= {"SENT": len(reached), "BOUNCED": GONE + BOUNCING}
            await assert_counted(shop, campaign, expected, groups)


async def assert_right_contents(readers: dict[str, Reader]) -> dict[str, str]:
    """Everybody has their own mail in their language. Returns who is in which group."""
    groups = {}
    for id, reader in readers.items():
        group, language = reader.subject[0], "pt" if locale_of(id) == "pt-BR" else "en"
        assert reader.subject == f"{group}{language} for {id}"
        assert f"{'Olá' if language == 'pt' else 'Hello'} {id}" in reader.html
        groups[id] = group
    share = sum(group == "A" for group in groups.values()) / len(groups)
    assert 0.3 < share < 0.7
    return groups


async def come_back(shop: Shop, readers: dict[str, Reader], callback: str) -> dict[str, int]:
    """People open, click and leave, scanners look, a mail comes back. Returns what is to be counted."""
    order = list(readers)
    opening, rest = order[:OPENING], order[OPENING:]
    for id in opening:
        await readers[id].open()
        await readers[id].open()
    for id in rest[:SCANNED]:
        await readers[id].open(SCANNER)
    for id in opening[:CLICKING]:
        group = readers[id].subject[0]
        assert await readers[id].click() == f"https://shop.example/{group}/offers"
    for id in opening[:LEAVING]:
        await readers[id].unsubscribe()
    for id in rest[-BOUNCING:]:
        event = {
            "type": "bounced",
            "bounce": "hard",
            "message_id": str(readers[id].mail.message["message-id"]).strip("<>"),
            "recipient": address_of(id),
            "reason": "550 5.1.1 gone",
        }
        told = await shop.client.post(f"{shop.url}{callback}", json={"events": [event]}, headers=CALLBACK_HEADERS)
        assert told.status_code in (200, 202, 204), told.text
    return {
        "HUMAN_OPENED": OPENING,
        "OPENED": OPENING + SCANNED,
        "HUMAN_CLICKED": CLICKING,
        "CLICKED": CLICKING,
        "UNSUBSCRIBED": LEAVING,
    }


async def assert_counted(shop: Shop, campaign: dict, expected: dict[str, int], groups: dict[str, str]) -> None:
    """The graph, its contents, and every door say the same."""
    names = list(expected)
    until = asyncio.get_running_loop().time() + 20
    while (counted := await shop.series(campaign["id"], names)) != expected:
        assert asyncio.get_running_loop().time() < until, (counted, expected)
        await asyncio.sleep(0.2)
    found = await shop.ask("query($id: ID!) { campaign(id: $id) { contents { id testGroup } } }", id=campaign["id"])
    sums = dict.fromkeys(names, 0)
    sent = {"A": 0, "B": 0}
    for content in found["campaign"]["contents"]:
        totals = await shop.series(content["id"], names)
        sent["AB"[content["testGroup"]]] += totals["SENT"]
        sums = {name: sums[name] + totals[name] for name in names}
    assert sums == expected
    assert sent == {group: sum(mine == group for mine in groups.values()) for group in "AB"}

    newsletter = await shop.door(f"/customerio/v1/newsletters/{campaign['number']}/metrics?period=days&steps=2")
    series = newsletter["metric"]["series"]
    words = {name: name.lower() for name in names}
    assert {name: sum(series[word]) for name, word in words.items()} == expected
    said = {
        "sent": expected["SENT"],
        "opened": expected["HUMAN_OPENED"],
        "clicked": expected["HUMAN_CLICKED"],
        "bounced": expected["BOUNCED"],
        "unsubscribed": expected["UNSUBSCRIBED"],
    }
    for path in (
        f"/silocdp/api/v1/analytics/notifications/{campaign['id']}",
        f"/crm/api/v1/campaigns/{campaign['id']}/stats",
    ):
        told = (await shop.door(path))["data"]
        assert {name: told[name] for name in said} == said, path
