"""A newsletter from loaded purchases to mailboxes and back, as its users do it: over HTTP and SMTP alone."""

import asyncio
import csv
import re
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2

from app.core import clock
from app.core.settings import Settings
from tests.mailbox import Mail, Mailbox
from tests.serving import rapport

AT_LEAST = 3
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0"
SCANNER = "Barracuda Sentinel (EE)"
LANGUAGES = ("", "pt")
GROUPS = ("A", "B")
RELAY_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
CALLBACK_HEADERS = {"authorization": f"Bearer {RELAY_SECRET}"}
MOST_WAIT_S = 600.0


def address_of(external_id: str) -> str:
    """Where a customer of the file is written to."""
    return f"c{external_id}@example.com"


def locale_of(external_id: str) -> str:
    """Every third one reads Portuguese."""
    return "pt-BR" if int(external_id) % 3 == 0 else "en-GB"


@dataclass
class Shop:
    """A tenant of a served Rapport, with the loaded purchases of a file."""

    url: str
    key: str
    client: httpx2.AsyncClient
    purchases: Path
    entitled: list[str] = field(default_factory=list)

    async def ask(self, document: str, **variables: Any) -> dict[str, Any]:
        """The data that the graph answers; it must have no errors."""
        answer = await self.client.post(
            f"{self.url}/graphql",
            json={"query": document, "variables": variables},
            headers={"authorization": f"Bearer {self.key}"},
        )
        said = answer.json()
        assert "errors" not in said, said
        data: dict[str, Any] = said["data"]
        return data

    async def door(self, path: str) -> Any:
        """What a door answers to a GET; every door takes the key as a bearer's or by its own header."""
        headers = {"authorization": f"Bearer {self.key}", "x-api-key": self.key}
        answer = await self.client.get(f"{self.url}{path}", headers=headers)
        assert answer.status_code == 200, (path, answer.status_code, answer.text)
        return answer.json()

    async def load(self, settings: Settings, folder: Path) -> None:
        """Sends the file's people and purchases through the public API."""
        with self.purchases.open() as file:
            bought = Counter(row["customer_id"] for row in csv.DictReader(file))
        people = folder / "people.csv"
        with people.open("w") as file:
            file.write("id,email,locale\n")
            file.writelines(f"{id},{address_of(id)},{locale_of(id)}\n" for id in bought)
        self.entitled = sorted(id for id, count in bought.items() if count >= AT_LEAST)
        server = ("--url", self.url, "--api-key", self.key)
        columns = ("--external-id-column", "id", "--email-column", "email", "--locale-column", "locale")
        await self._run(settings, "load", "people", str(people), *columns, *server)
        columns = ("--name", "purchase", "--customer-column", "customer_id", "--time-column", "date")
        await self._run(settings, "load", "events", str(self.purchases), *columns, *server)

    async def _run(self, settings: Settings, *arguments: str) -> None:
        ended = await asyncio.to_thread(rapport, settings, *arguments, timeout=MOST_WAIT_S)
        assert ended.returncode == 0, ended.stderr[-2000:]

    async def segment(self) -> dict[str, Any]:
        """The segment of those who bought at least three times, once its members are found."""
        rule = {"event": {"name": "purchase", "count": {"atLeast": AT_LEAST}}}
        made = await self.ask(
            "mutation($rule: RuleInput!) { createSegment(input: {name: "
            '"At least 3 purchases", rule: $rule}) { segment { id } } }',
            rule=rule,
        )
        id = made["createSegment"]["segment"]["id"]
        wanted = "query($id: ID!) { segment(id: $id) { id state memberCount } }"
        return await self._until(lambda: self._one(wanted, "segment", id), lambda row: row["state"] == "READY")

    async def _one(self, document: str, name: str, id: str) -> dict[str, Any]:
        found: dict[str, Any] = (await self.ask(document, id=id))[name]
        return found

    async def _until(self, look: Any, holds: Any) -> Any:
        until = time.monotonic() + MOST_WAIT_S
        while not holds(found := await look()):
            assert time.monotonic() < until, found
            await asyncio.sleep(0.1)
        return found

    async def connect(self, box: Mailbox) -> str:
        """Sends e-mail over the mail server. Returns the path at which it tells what became of a mail."""
        given = {
            "name": "Relay",
            "kind": "smtp",
            "settings": {"host": "127.0.0.1", "port": box.port, "security": "none"},
            "credentials": {"callback_secret": RELAY_SECRET},
        }
        made = await self.ask(
            "mutation($input: CreateIntegrationInput!) { createIntegration(input: $input) "
            "{ integration { callbackKey isDefault } } }",
            input=given,
        )
        integration = made["createIntegration"]["integration"]
        assert integration["isDefault"]
        return f"/callbacks/{integration['callbackKey']}"

    async def newsletter(self, segment_id: str) -> dict[str, Any]:
        """Drafts a newsletter with two test groups in two languages, sends it, and waits until it is complete."""
        audience = {"segment": {"id": segment_id}}
        made = await self.ask(
            "mutation($input: CreateCampaignInput!) { createCampaign(input: $input) { campaign { id number } } }",
            input={"name": "Spring", "channels": ["EMAIL"], "audience": audience},
        )
        campaign: dict[str, Any] = made["createCampaign"]["campaign"]
        groups = [{"name": name, "share": 500} for name in GROUPS]
        await self.ask(
            "mutation($input: CreateExperimentInput!) { createExperiment(input: $input) { experiment { id } } }",
            input={"campaignId": campaign["id"], "metric": "CLICKED", "groups": groups},
        )
        for position, group in enumerate(GROUPS):
            for language in LANGUAGES:
                await self.ask(
                    "mutation($input: SetContentInput!) { setContent(input: $input) { content { id } } }",
                    input={
                        "campaignId": campaign["id"],
                        "channel": "EMAIL",
                        "testGroup": position,
                        "language": language,
                        "fromAddress": "Shop <news@shop.example>",
                        "subject": f"{group}{language or 'en'} for {{{{ customer.id }}}}",
                        "body": body_of(group, language),
                    },
                )
        launch = "mutation($id: ID!) { launchCampaign(input: {campaignId: $id}) { campaign { status } } }"
        await self.ask(launch, id=campaign["id"])
        status = "query($id: ID!) { campaign(id: $id) { status } }"
        await self._until(
            lambda: self._one(status, "campaign", campaign["id"]), lambda row: row["status"] == "COMPLETED"
        )
        return campaign

    async def series(self, subject: str, metrics: list[str]) -> dict[str, int]:
        """The graph's totals of a campaign or content, added up from its hours."""
        now = clock.now()
        found = await self.ask(
            """query($metrics: [Metric!]!, $start: DateTime!, $end: DateTime!, $subjects: [ID!]) {
              metricSeries(metrics: $metrics, start: $start, end: $end, step: HOUR, subjects: $subjects) {
                metric total points { count }
              }
            }""",
            metrics=metrics,
            start=(now - timedelta(days=1)).isoformat(),
            end=(now + timedelta(hours=1)).isoformat(),
            subjects=[subject],
        )
        totals = {}
        for line in found["metricSeries"]:
            assert sum(point["count"] for point in line["points"]) == line["total"], line
            totals[line["metric"]] = line["total"]
        return totals


def body_of(group: str, language: str) -> str:
    """A personal mail with a link."""
    hello = "Olá" if language else "Hello"
    return (
        f"<html><body><h1>{hello} {{{{ customer.id }}}}</h1>"
        f'<p><a href="https://shop.example/{group}/offers">Offers</a></p>'
        '<p><a href="{% unsubscribe_url %}">Unsubscribe</a></p></body></html>'
    )


@dataclass
class Reader:
    """What somebody who got a mail can do with it."""

    client: httpx2.AsyncClient
    mail: Mail

    @property
    def html(self) -> str:
        part = self.mail.message.get_body(("html",))
        assert part is not None
        text: str = part.get_content()
        return text

    @property
    def subject(self) -> str:
        return str(self.mail.message["subject"])

    async def open(self, agent: str = BROWSER) -> None:
        """Loads the picture."""
        [pixel] = re.findall(r'src="(http[^"]*/t/o/[^"]+)"', self.html)
        answer = await self.client.get(pixel, headers={"user-agent": agent})
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/gif")

    async def click(self, agent: str = BROWSER) -> str:
        """Follows the offer's link; returns where it leads."""
        [link, *_] = re.findall(r'href="(http[^"]*/t/c/[^"]+)"', self.html)
        answer = await self.client.get(link, headers={"user-agent": agent})
        assert answer.status_code == 302
        return str(answer.headers["location"])

    async def unsubscribe(self) -> None:
        """A mail program's button: RFC 8058. Only looking at the address changes nothing."""
        address = str(self.mail.message["list-unsubscribe"]).split(",")[0].strip("<> ")
        assert self.mail.message["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"
        looked = await self.client.get(address, headers={"user-agent": SCANNER})
        assert looked.status_code == 200
        done = await self.client.post(
            address,
            content=b"List-Unsubscribe=One-Click",
            headers={"content-type": "application/x-www-form-urlencoded"},
        )
        assert done.status_code == 200, done.text
