"""Questions to the domain name system."""

from typing import Any

import dns.asyncresolver
import dns.exception
import dns.name
import dns.nameserver
import dns.rdatatype
import dns.resolver

from app.core.settings import Settings

TIMEOUT_S = 5.0


class DnsUnavailable(Exception):
    """No name server answered: nothing is known."""


class Dns:
    """Asks the name servers in the settings, or those of the system."""

    def __init__(self, settings: Settings) -> None:
        self._servers = settings.dns_servers

    async def texts(self, name: str) -> list[str]:
        """The TXT records of a name, each put together; none if there is no such name. Raises
        :class:`DnsUnavailable`."""
        found = await self._ask(name, dns.rdatatype.TXT)
        return [b"".join(record.strings).decode("utf-8", "replace") for record in found]

    async def alias(self, name: str) -> str | None:
        """To which name this one is an alias (CNAME), without the last dot. Raises :class:`DnsUnavailable`."""
        found = await self._ask(name, dns.rdatatype.CNAME)
        return str(found[0].target).rstrip(".").lower() if found else None

    async def addresses(self, name: str, kind: str) -> list[str]:
        """The addresses of a name, of kind ``A`` or ``AAAA``. Raises :class:`DnsUnavailable`."""
        return [str(record.address) for record in await self._ask(name, dns.rdatatype.from_text(kind))]

    async def _ask(self, name: str, kind: dns.rdatatype.RdataType) -> list[Any]:
        resolver = dns.asyncresolver.Resolver(configure=not self._servers)
        if self._servers:
            resolver.nameservers = list(map(_server, self._servers))
        resolver.lifetime = TIMEOUT_S
        try:
            answer = await resolver.resolve(f"{name}.", kind, raise_on_no_answer=False)
        except (dns.resolver.NXDOMAIN, dns.name.LabelTooLong, dns.name.EmptyLabel, dns.name.NameTooLong):
            return []
        except dns.exception.DNSException as silent:
            raise DnsUnavailable(f"no name server answered about {name}") from silent
        return list(answer.rrset or [])


def _server(text: str) -> dns.nameserver.Do53Nameserver:
    """``9.9.9.9``, ``127.0.0.1:5353`` or ``[2620:fe::fe]:53``."""
    address, _, port = text.rpartition(":") if text.count(":") == 1 or "]:" in text else (text, "", "53")
    return dns.nameserver.Do53Nameserver(address.strip("[]"), int(port))
