"""What every answer is held to: never a 5xx, always what the document of its door says."""

from collections import Counter
from typing import Any

import jsonschema_rs
import orjson
import requests

from app.main import DIALECTS
from tests.fuzz.world import TENANT

GRAPH_STATUSES = {200, 294, 400, 401, 405, 406, 413, 415}
JSON_TYPE = "application/json"


class Verdict:
    """Judges answers and counts them by target and status."""

    def __init__(self, url: str) -> None:
        self.documents = {
            dialect.name: requests.get(f"{url}/{dialect.name}/openapi.json", timeout=30).json() for dialect in DIALECTS
        }
        self.counts: Counter[tuple[str, int]] = Counter()
        self._schemas: dict[tuple[str, str, str, int], Any] = {}

    def of_door(self, door: str, operation: str, status: int, media_type: str, body: bytes) -> None:
        """``operation`` is ``METHOD path`` as documented, empty where nothing is at the path."""
        self.counts[f"{door} {operation}", status] += 1
        assert status < 500, (status, body)
        assert TENANT.encode() not in body, body
        if not operation:
            assert status in (307, 400, 404, 405), (status, body)
            return
        method, path = operation.split(" ", 1)
        documented = self.documents[door]["paths"][path][method.lower()]["responses"]
        assert str(status) in documented, (status, body)
        content = documented[str(status)].get("content")
        if content is None:
            assert body == b""
            return
        given = media_type.split(";", 1)[0]
        assert given in content, (media_type, body)
        if given == JSON_TYPE:
            self._schema(door, method.lower(), path, status, content).validate(orjson.loads(body))

    def of_graph(self, operation: str, status: int, media_type: str, body: bytes, *, public: bool = False) -> Any:
        """The answer as JSON. ``public``: nobody is signed in."""
        self.counts[f"graph {operation}{' (public)' if public else ''}", status] += 1
        assert status in GRAPH_STATUSES, (status, body)
        assert media_type.split(";", 1)[0] in (JSON_TYPE, "application/graphql-response+json"), media_type
        assert b'"INTERNAL"' not in body, body
        assert TENANT.encode() not in body, body
        answer = orjson.loads(body)
        assert answer.keys() <= {"data", "errors"} and answer, answer
        for error in answer.get("errors", ()):
            assert error["message"] and error["extensions"]["code"], error
        return answer

    def _schema(self, door: str, method: str, path: str, status: int, content: Any) -> Any:
        place = (door, method, path, status)
        if place not in self._schemas:
            whole = {**content[JSON_TYPE]["schema"], "components": self.documents[door]["components"]}
            self._schemas[place] = jsonschema_rs.Draft202012Validator(whole)
        return self._schemas[place]
