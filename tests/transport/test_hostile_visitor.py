"""A hostile visitor of a running server. Each attack is refused or bounded and told why; meanwhile a visitor and an
agent go on talking, and what they say keeps arriving at once, in order and only once."""

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, suppress
from html.parser import HTMLParser
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from app.core.markup import TAGS
from app.core.settings import Settings
from resolvers.transport.connections import FULL, VISITOR_STREAMS
from tests.serving import Served
from tests.transport.neighbours import FOLLOW, PROMPT_S, SAY, SESSION, TALK, House, Neighbours, Somebody, somebody
from tests.uploads import PNG, REFUSED

ELSEWHERE = "https://elsewhere.example"
MOST_KB = 64 * 1024
"""By how much the server may grow under an attack."""
VISITOR_TALK = "query($id: ID!) { visitorConversation(id: $id) { messages { nodes { text } } } }"
GREEDY = f"""subscription($after: String) {{ visitorConversation(after: $after) {{ ... on VisitorConversationChange {{
  message {{ {" ".join(f"t{number}: text" for number in range(50))} }} }} }} }}"""
SCRIPTS = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[link](javascript:alert(1)) <javascript:alert(1)> [data](data:text/html,<script>alert(1)</script>)",
    '[a](https://x.example/"onmouseover="alert(1)) <svg><a xlink:href="javascript:alert(1)">b</a></svg>',
    "`<iframe src=//evil.example>` **<style>*{display:none}</style>**",
)
addresses = (f"127.0.0.{number}" for number in itertools.count(2))


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    settings = Settings(data_dir=tmp_path_factory.mktemp("hostile"), database_url="", redis_url="", demo=True)
    served = Served(settings).start()
    printed = dict(line.split(": ", 1) for line in served.lines if ": " in line)
    yield House(served, printed["api key"], settings.data_dir / "rapport.db")
    served.stop()


@pytest.fixture
async def agent(house: House) -> AsyncIterator[Somebody]:
    async with somebody(house, "127.0.0.1", path="/graphql", origin=None, credential=house.key) as agent:
        yield agent


@pytest.fixture
async def widget(agent: Somebody) -> str:
    """The public key of the shop's widget."""
    return str((await agent.ask("{ widgets { key } }"))["widgets"][0]["key"])


@pytest.fixture
async def neighbours(house: House, agent: Somebody, widget: str) -> AsyncIterator[Neighbours]:
    """They talk while the test attacks; afterwards it is asked how they fared."""
    async with somebody(house, "127.0.0.1") as visitor:
        await visitor.opens(widget)
        file = (await visitor.uploads("photo.png", PNG)).json()
        begun = await visitor.says("Good morning", fileIds=[file["id"]])
        talk = begun["conversation"]["id"]
        them = Neighbours(visitor, agent, talk, (await agent.ask(TALK, id=talk))["conversation"]["snapshotCursor"])
        listening = [asyncio.create_task(them.listening(who)) for who in them.heard]
        talking = asyncio.create_task(them.talking())
        async with asyncio.timeout(PROMPT_S):
            while not all(them.heard.values()):
                await asyncio.sleep(0.02)
        yield them
        await asyncio.sleep(0.6)
        them.over.set()
        await talking
        await them.unharmed()
        for task in listening:
            task.cancel()
        await asyncio.wait(listening)


@pytest.fixture
async def stranger(house: House) -> AsyncIterator[Somebody]:
    """Somebody at an address of their own, on a page of the shop, without a token."""
    async with somebody(house, next(addresses)) as stranger:
        yield stranger


@pytest.fixture
async def hostile(stranger: Somebody, widget: str) -> Somebody:
    """The same with a widget opened: a visitor like any other."""
    await stranger.opens(widget)
    return stranger


async def test_a_forged_token_opens_nothing_and_guessing_is_slowed(
    house: House, neighbours: Neighbours, stranger: Somebody, widget: str
) -> None:
    before = house.rows("files", "visitors")
    head, claims, signature = neighbours.visitor.credential.split(".")
    words = "The token is not valid or has expired."
    for forged in ("vst_forged", f"{head}.{claims}.{signature[::-1]}", f"{head}.{claims}."):
        stranger.credential = forged
        assert await stranger.refusal(SESSION) == (401, "UNAUTHENTICATED", words)
        assert (await stranger.uploads("a.png", PNG)).status_code == 401
        assert await stranger.turned_away() == (4403, words)
    assert house.rows("files", "visitors") == before
    async with somebody(house, next(addresses)) as other:
        await other.opens(widget, visitorToken=forged)
        assert other.id != neighbours.visitor.id
        assert await other.holds() == []
    async with asyncio.timeout(10):
        while (slowed := await stranger.post(SESSION)).status_code != 429:
            pass
    seconds = int(slowed.headers["retry-after"])
    assert seconds >= 1
    words = f"Too many requests. Please retry after {seconds} seconds."
    extensions = {"code": "RATE_LIMITED", "retryAfter": seconds}
    assert slowed.json() == {"errors": [{"message": words, "extensions": extensions}]}
    closed = await stranger.turned_away()
    assert closed in [(4429, f"Too many requests. Please retry after {later} seconds.") for later in (1, 2)]


async def test_a_token_counts_on_pages_of_its_own_origin_alone(
    house: House, neighbours: Neighbours, stranger: Somebody, widget: str
) -> None:
    before = house.rows("files", "visitors")
    stranger.credential = neighbours.visitor.credential
    words = "The token was given for another origin."
    for stranger.path in ("/widget/graphql", "/graphql"):
        for stranger.origin in (ELSEWHERE, "null", None):
            assert await stranger.refusal(SESSION) == (403, "FORBIDDEN", words)
            assert await stranger.refusal(SAY, input={"text": "stolen"}) == (403, "FORBIDDEN", words)
            if stranger.path == "/widget/graphql" or stranger.origin is None:
                assert await stranger.turned_away() == (4403, words)
            else:
                with pytest.raises(InvalidStatus, match="403"):
                    async with stranger.socket():
                        pass
    upload = await stranger.uploads("a.png", PNG)
    assert (upload.status_code, upload.json()["error"]["code"]) == (403, "FORBIDDEN")
    assert house.rows("files", "visitors") == before


async def test_another_visitor_s_conversation_is_not_there(
    house: House, neighbours: Neighbours, hostile: Somebody
) -> None:
    before = house.rows("conversations", "files", "message_revisions")
    talk = {"conversationId": neighbours.talk}
    line = (await neighbours.agent.ask(TALK, id=neighbours.talk))["conversation"]["messages"]["nodes"][-1]
    file_id = line["files"][0]["id"]
    assert await hostile.ask(VISITOR_TALK, id=neighbours.talk) == {"visitorConversation": None}
    for query in ("conversation(id: $id) { id }", "node(id: $id) { id }"):
        assert (await hostile.refusal(f"query($id: ID!) {{ {query} }}", id=neighbours.talk))[1] == "FORBIDDEN"
    for query in ("{ conversations { totalCount } }", "{ visitors { totalCount } }"):
        assert (await hostile.refusal(query))[1] == "FORBIDDEN"
    assert (await hostile.refusal("query($id: ID!) { fileLinks(ids: [$id]) { url } }", id=file_id))[1] == "NOT_FOUND"
    assert await hostile.fails("sendVisitorMessage", **talk, text="mine now") == "NOT_FOUND"
    assert await hostile.fails("sendVisitorMessage", text="see this", fileIds=[file_id]) == "NOT_FOUND"
    assert await hostile.fails("editVisitorMessage", messageId=line["id"], text="never said") == "NOT_FOUND"
    assert await hostile.fails("deleteVisitorMessage", messageId=line["id"]) == "NOT_FOUND"
    assert await hostile.fails("markVisitorRead", **talk, seq=1) == "NOT_FOUND"
    assert await hostile.fails("rateConversation", **talk, score=1) == "NOT_FOUND"
    assert await hostile.fails("closeVisitorConversation", **talk) == "NOT_FOUND"
    assert await hostile.fails("setTyping", **talk, typing=True) == "NOT_FOUND"
    assert await hostile.fails("sendMessage", **talk, text="I am the agent") == "FORBIDDEN"
    assert await hostile.fails("closeConversation", **talk) == "FORBIDDEN"
    followed = {"typing(conversationId: $id)": "NOT_FOUND", "conversation(conversationId: $id)": "FORBIDDEN"}
    async with hostile.socket() as peer:
        await peer.subscribe("own", FOLLOW)
        for name, code in followed.items():
            query = f"subscription($id: ID!) {{ {name} {{ __typename }} }}"
            await peer.subscribe(name, query, variables={"id": neighbours.talk})
            refused = await peer.receive()
            assert (refused["id"], refused["type"]) == (name, "error")
            assert refused["payload"][0]["extensions"]["code"] == code
        with pytest.raises(TimeoutError):
            await peer.receive(1)  # Of what the neighbours say meanwhile nothing is heard.
    assert await hostile.holds() == []
    assert house.rows("conversations", "files", "message_revisions") == before


async def test_ten_megabytes_are_refused_before_they_are_taken_in(
    house: House, neighbours: Neighbours, hostile: Somebody
) -> None:
    huge, memory = "x" * (10 << 20), house.memory_kb
    too_large = (413, "CONTENT_TOO_LARGE", "The body is larger than 1048576 bytes.")
    assert await hostile.refusal(SAY, input={"text": huge}) == too_large
    async with hostile.socket() as peer:
        with suppress(ConnectionClosed):
            await peer.subscribe("1", SAY, variables={"input": {"text": huge}})
        assert (await peer.closed())[0] == 1009
    too_long = (200, "INVALID", "text: must be at most 10000 characters long")
    assert await hostile.refusal(SAY, input={"text": "x" * 10_001}) == too_long
    assert await hostile.holds() == []
    assert house.memory_kb - memory < MOST_KB


async def test_script_stays_text_and_files_are_saved_never_run(
    house: House, neighbours: Neighbours, hostile: Somebody
) -> None:
    said = await hostile.uploads("<img src=x onerror=alert(1)>.svg", b"only text")
    assert (said.status_code, said.json()["name"]) == (201, "_img src=x onerror=alert(1)_.svg.txt")
    before = house.rows("files")
    for name in ("a.html", "b.png", "c.jpg", "d.svg", "e.txt"):
        refused = await hostile.uploads(name, REFUSED[name])
        assert (refused.status_code, refused.json()["error"]["code"]) == (400, "INVALID")
    assert house.rows("files") == before
    got = await hostile.client.get(said.json()["url"])
    assert (got.status_code, got.content) == (200, b"only text")
    assert got.headers["content-disposition"].startswith("attachment; ")
    assert got.headers["content-type"] == "text/plain; charset=utf-8"
    assert got.headers["x-content-type-options"] == "nosniff"
    assert got.headers["content-security-policy"] == "default-src 'none'; sandbox"
    for text in SCRIPTS:
        talk = (await hostile.says(text))["conversation"]["id"]
    await hostile.says("", fileIds=[said.json()["id"]])
    [last, *lines] = (await neighbours.agent.ask(TALK, id=talk))["conversation"]["messages"]["nodes"]
    assert [file["name"] for file in last["files"]] == ["_img src=x onerror=alert(1)_.svg.txt"]
    assert [line["text"] for line in lines] == list(SCRIPTS[::-1])
    for line in lines:
        Harmless().feed(line["html"])


async def test_ten_thousand_messages_a_minute_are_slowed_and_told_when_to_retry(
    house: House, neighbours: Neighbours, hostile: Somebody
) -> None:
    began, memory = time.monotonic(), house.memory_kb
    answers: Counter[str] = Counter()
    async with hostile.socket() as peer:
        for number in range(499):
            await peer.subscribe(str(number), SAY, variables={"input": {"text": "spam"}})
        while answers.total() < 499:
            answer = await peer.receive()
            if answer["type"] != "complete":
                answers[refused_with(answer)] += 1
        assert set(answers) == {"", "RATE_LIMITED", "OVERLOADED"}
        await peer.send({"type": "pong"})
        await peer.send({"type": "pong"})
        assert await peer.closed() == (1008, "More than 500 messages in 10 seconds")
    for _ in range(19):
        async with hostile.socket() as peer:
            with suppress(ConnectionClosed):
                for number in range(500):
                    await peer.subscribe(str(number), SAY, variables={"input": {"text": "more spam"}})
            assert await peer.closed() == (1008, "More than 500 messages in 10 seconds")
    async with asyncio.timeout(10):
        while (slowed := await hostile.post(SAY, input={"text": "by post"})).status_code != 429:
            pass
    assert int(slowed.headers["retry-after"]) == slowed.json()["errors"][0]["extensions"]["retryAfter"] >= 1
    await asyncio.sleep(1.1)
    held = await hostile.holds()
    assert 10 <= answers[""] <= len(held) <= 10 + (time.monotonic() - began) / 2
    assert house.memory_kb - memory < MOST_KB


async def test_a_reader_who_stops_reading_is_cut_and_resumes(
    house: House, neighbours: Neighbours, hostile: Somebody
) -> None:
    open_before, memory = await house.sockets(), house.memory_kb
    async with hostile.socket() as peer:
        for number in range(30):
            await peer.subscribe(str(number), GREEDY, variables={"after": hostile.cursor})
        texts = ["Hello", *(f"{number} ".ljust(10_000, "x") for number in range(3))]
        await hostile.says(texts[0])
        greeted = 0
        while greeted < 30:
            greeted += "Hello" in str(await peer.receive())
        peer.socket.transport.pause_reading()
        for text in texts[1:]:
            await hostile.says(text)
        async with asyncio.timeout(5):
            while await house.sockets() > open_before:
                await asyncio.sleep(0.05)
        assert house.memory_kb - memory < MOST_KB
        peer.socket.transport.resume_reading()
        assert await peer.closed() == (FULL.code, FULL.reason)
    async with hostile.socket() as peer:
        await peer.subscribe("1", FOLLOW, variables={"after": hostile.cursor})
        heard: list[str] = []
        while len(heard) < len(texts):
            item = (await peer.receive())["payload"]["data"]["visitorConversation"]
            heard += [item["message"]["text"]] if item.get("change") == "MESSAGE_CREATED" else []
        assert heard == texts


async def test_one_visitor_has_no_more_sockets_than_tabs(
    house: House, neighbours: Neighbours, hostile: Somebody
) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(VISITOR_STREAMS):
            await stack.enter_async_context(hostile.socket())
        assert await hostile.turned_away() == (4429, "Too many sockets")


def refused_with(answer: dict[str, Any]) -> str:
    """The code of what is refused over a socket, which says when to try again; empty for what is done."""
    errors = answer["payload"] if answer["type"] == "error" else answer["payload"].get("errors")
    if not errors:
        return ""
    extensions = errors[0]["extensions"]
    assert extensions["retryAfter"] >= 1
    return str(extensions["code"])


class Harmless(HTMLParser):
    """Fails at whatever a browser could run."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in TAGS
        assert {name for name, _ in attrs} <= {"href", "target", "rel", "start"}
        assert (dict(attrs).get("href") or "https://").startswith(("https://", "http://", "mailto:"))
