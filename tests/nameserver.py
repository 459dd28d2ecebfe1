"""A real name server for tests, over UDP: it says what it is told to."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset


class Nameserver(asyncio.DatagramProtocol):
    """``records`` are texts by name and kind: ``{("a.example", "TXT"): ["v=DMARC1"]}``. ``is_silent``: it fails."""

    def __init__(self) -> None:
        self.records: dict[tuple[str, str], list[str]] = {}
        self.is_silent = False
        self.address = ""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        host, port = transport.get_extra_info("sockname")
        self.address = f"{host}:{port}"

    def datagram_received(self, data: bytes, address: Any) -> None:
        query = dns.message.from_wire(data)
        response = dns.message.make_response(query)
        response.flags |= dns.flags.RA
        asked = query.question[0]
        name, kind = str(asked.name).rstrip("."), dns.rdatatype.to_text(asked.rdtype)
        texts = self.records.get((name, kind), [])
        if self.is_silent:
            response.set_rcode(dns.rcode.SERVFAIL)
        elif texts:
            written = [_written(kind, text) for text in texts]
            response.answer.append(dns.rrset.from_text(asked.name, 60, "IN", kind, *written))
        elif not any(known == name for known, _ in self.records):
            response.set_rcode(dns.rcode.NXDOMAIN)
        self.transport.sendto(response.to_wire(), address)


def _written(kind: str, text: str) -> str:
    if kind != "TXT":
        return f"{text}." if kind == "CNAME" else text
    return " ".join(f'"{text[at : at + 255]}"' for at in range(0, len(text), 255))


@asynccontextmanager
async def nameserver() -> AsyncIterator[Nameserver]:
    """A name server on a free port of 127.0.0.1."""
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(Nameserver, local_addr=("127.0.0.1", 0))
    try:
        yield server
    finally:
        transport.close()
