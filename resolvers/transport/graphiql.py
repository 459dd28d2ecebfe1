"""GraphiQL for people: the page that comes with Strawberry, which loads its scripts from unpkg.com by their hashes."""

import base64
import re
from collections.abc import Mapping
from functools import cached_property
from hashlib import sha256
from pathlib import Path

import orjson
import strawberry

from resolvers.transport.callers import LOOPBACK
from resolvers.transport.refusals import Header

_CDN = "https://unpkg.com"
_HEADERS_EDITOR = "React.useState(parameters.headers)"
_INLINE_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)


class GraphiQL:
    """The page. Once it was given the demo's key, its headers editor begins with it, but only where the page was asked
    for by a loopback name: a foreign site whose name was made to point here must not read it."""

    def __init__(self) -> None:
        self._demo: tuple[bytes, list[Header]] | None = None

    def page(self, headers: Mapping[bytes, bytes]) -> tuple[bytes, list[Header]]:
        """The page for these request headers, and the headers it needs."""
        return self._demo if self._demo and _by_loopback(headers) else self._plain

    def show_demo_key(self, key: str) -> None:
        """Fills the key into the headers editor."""
        editor = orjson.dumps({"Authorization": f"Bearer {key}"}, option=orjson.OPT_INDENT_2).decode()
        literal = orjson.dumps(editor).decode().replace("<", "\\u003c")
        page = _template()
        if _HEADERS_EDITOR not in page:
            raise RuntimeError("Strawberry's GraphiQL page has changed: the demo key has nowhere to go")
        self._demo = _with_policy(page.replace(_HEADERS_EDITOR, f"React.useState(parameters.headers || {literal})"))

    @cached_property
    def _plain(self) -> tuple[bytes, list[Header]]:
        return _with_policy(_template())


def _template() -> str:
    return (Path(strawberry.__file__).parent / "static" / "graphiql.html").read_text(encoding="utf-8")


def _with_policy(page: str) -> tuple[bytes, list[Header]]:
    """The page and a policy that lets in what it names and nothing else."""
    hashes = [sha256(script.encode()).digest() for script in _INLINE_SCRIPT.findall(page)]
    scripts = " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in hashes)
    policy = (
        f"default-src 'none'; script-src {_CDN} {scripts}; style-src {_CDN} 'unsafe-inline'; font-src {_CDN} data:; "
        "img-src 'self' data:; connect-src 'self' ws: wss:; worker-src blob:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return page.encode(), [(b"content-security-policy", policy.encode()), (b"referrer-policy", b"no-referrer")]


def _by_loopback(headers: Mapping[bytes, bytes]) -> bool:
    host = headers.get(b"host", b"").decode("latin-1").lower()
    name = host[1 : host.find("]")] if host.startswith("[") else host.partition(":")[0]
    return name in LOOPBACK
