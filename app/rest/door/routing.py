"""From a raw path to an endpoint. Segments are decoded one by one: an id may hold ``%2F``, spaces or anything else."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote_to_bytes

from app.core.errors import Invalid
from app.rest.door.declaration import Endpoint
from app.rest.door.refusals import MethodNotAllowed, UnknownPath

AnyEndpoint = Endpoint[Any, Any]


class _Node:
    """A place in the tree of segments. ``names`` are the path parameters on the way to it, per method."""

    __slots__ = ("literals", "may_be_empty", "methods", "parameter")

    def __init__(self) -> None:
        self.literals: dict[str, _Node] = {}
        self.parameter: _Node | None = None
        self.may_be_empty = False
        self.methods: dict[str, tuple[AnyEndpoint, tuple[str, ...]]] = {}


class Routes:
    """The endpoints of a dialect, compiled: paths without parameters are one look-up, others one per segment."""

    def __init__(self, endpoints: Iterable[AnyEndpoint]) -> None:
        self._root = _Node()
        self._exact: dict[bytes, _Node] = {}
        for endpoint in endpoints:
            for path in filter(None, (endpoint.path, endpoint.formerly)):
                self._add(endpoint, path)

    def find(self, method: str, path: bytes) -> tuple[AnyEndpoint, dict[str, str]]:
        """The endpoint and its decoded path parameters. HEAD finds what GET finds.

        Raises UnknownPath, MethodNotAllowed, or Invalid when a segment is not UTF-8 text.
        """
        node, values = self._locate(path)
        found = node.methods.get("GET" if method == "HEAD" else method)
        if found is None:
            raise MethodNotAllowed(_with_implied(node))
        endpoint, names = found
        return endpoint, dict(zip(names, values, strict=True))

    def allowed(self, path: bytes) -> list[str]:
        """The methods of a path, for OPTIONS. Raises UnknownPath."""
        return sorted(_with_implied(self._locate(path)[0]))

    def _locate(self, path: bytes) -> tuple[_Node, list[str]]:
        exact = self._exact.get(path)
        if exact is not None:
            return exact, []
        values: list[str] = []
        node = _descend(self._root, _segments(path), 0, values)
        if node is None:
            raise UnknownPath
        return node, values

    def _add(self, endpoint: AnyEndpoint, path: str) -> None:
        node, names = self._root, []
        for segment in path.split("/")[1:]:
            if segment.startswith("{"):
                names.append(segment[1:-1])
                node.parameter = node.parameter or _Node()
                node = node.parameter
                node.may_be_empty |= segment[1:-1] in endpoint.optional
            else:
                node = node.literals.setdefault(segment, _Node())
        node.methods[endpoint.method] = (endpoint, tuple(names))
        if not names:
            self._exact[path.encode()] = node


def _segments(path: bytes) -> list[str]:
    raw = path.split(b"/")[1:]
    try:
        segments = [unquote_to_bytes(segment).decode() for segment in raw]
    except UnicodeDecodeError as broken:
        raise Invalid.at("path", "is not UTF-8") from broken
    if any("\0" in segment for segment in segments):
        raise Invalid.at("path", "holds a NUL character")
    return segments


def _descend(node: _Node, segments: list[str], depth: int, values: list[str]) -> _Node | None:
    """The node of ``segments``, a literal before a parameter; what parameters matched is left in ``values``."""
    if depth == len(segments):
        return node if node.methods else None
    segment = segments[depth]
    if segment in node.literals:
        found = _descend(node.literals[segment], segments, depth + 1, values)
        if found is not None:
            return found
    if node.parameter is not None and (segment or node.parameter.may_be_empty):
        values.append(segment)
        found = _descend(node.parameter, segments, depth + 1, values)
        if found is not None:
            return found
        values.pop()
    return None


def _with_implied(node: _Node) -> set[str]:
    return {"OPTIONS", *node.methods} | ({"HEAD"} if "GET" in node.methods else set())
