"""Outgoing requests: none reaches a private address, and no answer is larger or later than allowed."""

import asyncio
import threading

import pytest

from app.core.fetching import AddressRefused, AnswerTooLarge, Fetcher, FetchFailed, is_public
from app.core.resolving import Resolver
from app.core.settings import Settings
from tests.receiver import answer, receiver

LOCAL = Settings(allowed_private_hosts=["127.0.0.1"])
NOWHERE = Settings()

PRIVATE = [
    *("127.0.0.1", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "224.0.0.1"),
    *("255.255.255.255", "240.0.0.1", "192.0.2.1", "198.18.0.1", "::", "::1", "::7f00:1", "::ffff:127.0.0.1"),
    *("64:ff9b::7f00:1", "64:ff9b:1::7f00:1", "2002:7f00:1::", "2001:0:808:808::80ff:fffe", "fe80::1%eth0", "fc00::1"),
    *("fec0::1", "ff02::1", "2001:db8::1", "not an address"),
]
PUBLIC = ["8.8.8.8", "93.184.215.14", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::"]


def test_only_addresses_of_the_open_internet_are_public() -> None:
    assert [address for address in PRIVATE if is_public(address)] == []
    assert [address for address in PUBLIC if not is_public(address)] == []


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "127.1", "0", "[::1]", "[::ffff:127.0.0.1]"]
)
async def test_no_way_to_write_our_own_address_gets_a_connection(host: str) -> None:
    async with receiver() as heard:
        fetcher = Fetcher(NOWHERE)
        for port in (heard.port, 80):
            with pytest.raises(FetchFailed) as refused:
                await fetcher.fetch("POST", f"http://{host}:{port}/", content=b"x", timeout_s=3)
            assert refused.value.was_sent is False
        await fetcher.close()
    assert heard.requests == []


async def test_a_name_of_which_one_address_is_private_is_refused_and_a_changing_name_gains_nothing() -> None:
    answers = [["8.8.8.8", "127.0.0.1"], ["127.0.0.1"]]
    asked: list[str] = []

    async def changing(host: str, port: int) -> list[str]:
        asked.append(host)
        return answers[min(len(asked), len(answers)) - 1]

    fetcher = Fetcher(NOWHERE, resolve=changing)
    for _ in range(2):
        with pytest.raises(AddressRefused, match=r"rebinding\.example is not a public address"):
            await fetcher.fetch("GET", "http://rebinding.example/")
    assert asked == ["rebinding.example"] * 2
    await fetcher.close()


@pytest.mark.parametrize("url", ["ftp://example.com/", "file:///etc/passwd", "//example.com", "http://", ""])
async def test_what_is_no_web_address_is_refused(url: str) -> None:
    with pytest.raises(AddressRefused):
        await Fetcher(NOWHERE).fetch("GET", url)


async def test_a_port_that_is_not_of_the_web_is_refused() -> None:
    async def public(host: str, port: int) -> list[str]:
        return ["8.8.8.8"]

    with pytest.raises(AddressRefused, match="port 25 of"):
        await Fetcher(NOWHERE, resolve=public).fetch("GET", "http://mail.example:25/")


async def test_a_redirect_to_a_private_address_is_refused() -> None:
    async with (
        receiver() as inner,
        receiver(answer(302, b"", {"location": f"http://localhost:{inner.port}/"})) as outer,
    ):
        fetcher = Fetcher(LOCAL)

        async def known(host: str, port: int) -> list[str]:
            return ["127.0.0.1"] if host == "127.0.0.1" else ["169.254.169.254"]

        guarded = Fetcher(LOCAL, resolve=known)
        with pytest.raises(AddressRefused):
            await guarded.fetch("GET", outer.url, follows_redirects=True)
        assert (await fetcher.fetch("GET", outer.url)).status == 302
        assert (await fetcher.fetch("GET", outer.url, follows_redirects=True)).status == 200
        await fetcher.close()
        await guarded.close()


async def test_a_request_arrives_as_it_was_given_and_the_answer_is_whole() -> None:
    async with receiver(answer(201, b"made", {"x-id": "7"})) as heard:
        fetcher = Fetcher(LOCAL)
        said = await fetcher.fetch("PUT", f"{heard.url}/a%2Fb?c=d", headers={"x-key": "k"}, content=b"body")
        assert (said.status, said.headers["x-id"], said.body) == (201, "7", b"made")
        request = heard.requests[0]
        assert (request.method, request.target, request.body) == ("PUT", "/a%2Fb?c=d", b"body")
        assert (request.headers["x-key"], request.headers["accept-encoding"]) == ("k", "identity")
        await fetcher.close()


async def test_an_answer_that_is_too_large_too_late_compressed_or_broken_is_a_failure_after_sending() -> None:
    broken = b"HTTP/1.1 200 OK\r\ncontent-length: -5\r\n\r\n"
    packed = answer(200, b"\x1f\x8b", {"content-encoding": "gzip"})
    async with receiver(answer(200, b"x" * 5000), None) as heard, receiver(broken, packed) as bad:
        fetcher = Fetcher(LOCAL)
        with pytest.raises(AnswerTooLarge) as large:
            await fetcher.fetch("GET", heard.url, max_bytes=4999)
        started = asyncio.get_running_loop().time()
        with pytest.raises(FetchFailed, match=r"no answer within 0.3 s|ReadTimeout") as late:
            await fetcher.fetch("GET", heard.url, timeout_s=0.3)
        assert asyncio.get_running_loop().time() - started < 2
        for _ in range(2):
            with pytest.raises(FetchFailed) as failed:
                await fetcher.fetch("GET", bad.url)
            assert failed.value.was_sent
        assert large.value.was_sent and late.value.was_sent
        await fetcher.close()


async def test_a_server_that_does_not_listen_was_sent_nothing() -> None:
    async with receiver() as heard:
        url = heard.url
    with pytest.raises(FetchFailed, match="no connection") as refused:
        await Fetcher(LOCAL).fetch("POST", url)
    assert refused.value.was_sent is False


async def test_a_name_that_hangs_takes_one_thread_and_nobody_elses_time() -> None:
    asked: list[str] = []
    answered = threading.Event()

    def look_up(host: str) -> list[str]:
        asked.append(host)
        if host == "hangs.example":
            answered.wait(10)
        return ["8.8.8.8"]

    resolver = Resolver(2, 0.2, look_up)
    hanging = [asyncio.create_task(resolver.addresses("hangs.example")) for _ in range(5)]
    await asyncio.sleep(0.05)
    assert await resolver.addresses("quick.example") == ["8.8.8.8"]
    assert await asyncio.wait_for(asyncio.to_thread(int, "1"), 1) == 1
    for task in hanging:
        with pytest.raises(OSError, match=r"hangs\.example were not told within 0\.2 s"):
            await task
    assert asked == ["hangs.example", "quick.example"]
    answered.set()
    assert await resolver.addresses("hangs.example") == ["8.8.8.8"]
    assert await resolver.addresses("::1") == ["::1"]


async def test_a_name_that_is_told_too_late_was_sent_nothing() -> None:
    async def slow(host: str, port: int) -> list[str]:
        await asyncio.sleep(5)
        return ["8.8.8.8"]

    fetcher = Fetcher(NOWHERE, resolve=slow)
    with pytest.raises(FetchFailed, match=r"addresses of slow\.example were not told in time") as late:
        await fetcher.fetch("POST", "http://slow.example/", content=b"x", timeout_s=0.4)
    assert late.value.was_sent is False
    await fetcher.close()


async def test_who_wants_the_status_gets_it_whatever_the_body_is() -> None:
    packed = answer(202, b"\x1f\x8b", {"content-encoding": "gzip"})
    async with receiver(answer(200, b"x" * 5000), packed, answer(204)) as heard:
        fetcher = Fetcher(LOCAL)
        found = [await fetcher.fetch("POST", heard.url, max_bytes=10, wants_status=True) for _ in range(3)]
        await fetcher.close()
    assert [(one.status, one.body) for one in found] == [(200, b"x" * 10), (202, b""), (204, b"")]
