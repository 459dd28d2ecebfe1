"""One verdict per opening or click, with its reasons.

Mail servers of companies open every message and follow its links before anybody sees it; Apple and Gmail fetch pictures
ahead of time. Such are not readers. What a request says of itself decides, with what is known of the message.
"""

import ipaddress
import re
from dataclasses import dataclass
from functools import lru_cache

HUMAN, SCANNER, PROXY, UNKNOWN = "human", "scanner", "proxy", "unknown"
SOONEST_S = 3.0
"""Nobody has read a message this soon after it was handed over."""
MANY_LINKS_WITHIN_S = 10.0
"""Within so many seconds nobody follows :data:`MANY_LINKS` links of one message."""

PROGRAM = re.compile(
    r"bot\b|bot/|crawl|spider|slurp|curl/|wget/|python|java/|okhttp|go-http-client|libwww|httpclient|headless|phantomjs"
    r"|scan|barracuda|mimecast|proofpoint|symantec|trendmicro|sophos|zscaler|fireeye|bingpreview|safebrowsing"
    r"|facebookexternalhit|whatsapp/|slack|telegram|preview|monitor|axios/|node-fetch|ruby|perl|postman",
    re.IGNORECASE,
)
READER = re.compile(r"Mozilla/|Opera/")
MAIL_PROGRAM = re.compile(
    r"Mozilla/|Opera/|Microsoft (?:Office|Outlook)/|MacOutlook/|Outlook-(?:iOS|Android)|Dalvik/|Airmail|AppleMail|Mail/"
)
"""How those begin that show messages to people, and fetch the pictures in them."""
IMAGE_PROXY = re.compile(r"googleimageproxy|ggpht\.com|yahoomailproxy", re.IGNORECASE)
"""They fetch a picture when somebody looks at the message."""
GMAIL_AHEAD = "Edge/12.246 Mozilla/5.0"
"""How Gmail's fetching ahead of time calls itself."""
APPLE_PROXY = "Mozilla/5.0"
"""All that Apple's Mail Privacy Protection says."""
APPLE = (ipaddress.ip_network("17.0.0.0/8"),)
SECURITY = tuple(
    map(
        ipaddress.ip_network,
        (
            "40.92.0.0/15",  # Microsoft's protection of mail
            "40.107.0.0/16",
            "52.100.0.0/14",
            "104.47.0.0/17",
            "2a01:111:f400::/48",
            "2a01:111:f403::/48",
            "64.235.144.0/20",  # Barracuda
            "209.222.80.0/21",
            "67.231.144.0/20",  # Proofpoint
            "148.163.128.0/19",
            "205.139.110.0/23",  # Mimecast
            "207.211.30.0/23",
        ),
    )
)
"""Networks in which only machines look at mail."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """One opening or click as it was seen.

    ``since_sent_s`` is None where the message is not known to have been handed over yet. ``is_ahead``: the request says
    that it is made ahead of time. ``is_trap``: it follows a link that no person can see. ``is_reported``: an app of the
    tenant's told of it, so there was no request of a reader. ``many_at_once``: it is one of many links.
    """

    kind: str
    user_agent: str = ""
    address: str = ""
    method: str = "GET"
    since_sent_s: float | None = None
    is_ahead: bool = False
    is_trap: bool = False
    is_reported: bool = False
    many_at_once: bool = False


@dataclass(frozen=True, slots=True)
class Judgement:
    """``human``, ``scanner``, ``proxy`` (fetched for somebody who may never look) or ``unknown``; and why."""

    verdict: str
    reasons: tuple[str, ...]

    @property
    def is_human(self) -> bool:
        """Whether it counts as a person's."""
        return self.verdict == HUMAN


def judge(seen: Sighting) -> Judgement:
    """The verdict on one opening or click. One sign of a machine outweighs everything that looks like a person."""
    if seen.is_reported:
        return Judgement(HUMAN, ("reported_by_app",))
    signs = tuple(_signs_of_a_scanner(seen))
    if signs:
        return Judgement(SCANNER, signs)
    if seen.kind == "open":
        fetched = tuple(_signs_of_a_proxy(seen))
        if fetched:
            return Judgement(PROXY, fetched)
        if IMAGE_PROXY.search(seen.user_agent):
            return Judgement(HUMAN, ("image_proxy_on_view",))
    if not seen.user_agent:
        return Judgement(UNKNOWN, ("no_user_agent",))
    if not (MAIL_PROGRAM if seen.kind == "open" else READER).match(seen.user_agent):
        return Judgement(UNKNOWN, ("unfamiliar_user_agent",))
    return Judgement(HUMAN, ("browser",))


def _signs_of_a_scanner(seen: Sighting) -> list[str]:
    too_soon = seen.since_sent_s is None or seen.since_sent_s < SOONEST_S
    is_proxy = seen.kind == "open" and (IMAGE_PROXY.search(seen.user_agent) or _signs_of_a_proxy(seen))
    signs = {
        "invisible_link": seen.is_trap,
        "head_request": seen.method == "HEAD",
        "fetched_ahead": seen.is_ahead,
        "many_links_at_once": seen.many_at_once,
        "program": bool(PROGRAM.search(seen.user_agent)) and not is_proxy,
        "security_network": _lies_in(seen.address, SECURITY),
        "sooner_than_read": too_soon and not is_proxy,
    }
    return [sign for sign, found in signs.items() if found]


def _signs_of_a_proxy(seen: Sighting) -> list[str]:
    through_proxy = bool(IMAGE_PROXY.search(seen.user_agent))
    soon = seen.since_sent_s is None or seen.since_sent_s < SOONEST_S
    signs = {
        "apple_privacy_proxy": seen.user_agent == APPLE_PROXY or _lies_in(seen.address, APPLE),
        "gmail_ahead": GMAIL_AHEAD in seen.user_agent,
        "image_proxy_ahead": through_proxy and soon,
    }
    return [sign for sign, found in signs.items() if found]


@lru_cache(maxsize=4096)
def _lies_in(address: str, networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None)
    return any((mapped or found) in network for network in networks)
