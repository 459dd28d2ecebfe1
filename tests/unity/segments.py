"""What each dialect says and tells of segments, in the words of our own rules and ids."""

import json
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote

from app.rest.crm.rules import read_criteria, write_criteria
from app.rest.customerio.filters import numbers_in, read_filter
from app.rest.silocdp.rules import read_rules, write_rules
from tests.unity.mouth import Caller, kind_of, kind_of_status

Made = str
"""The public id of the new segment, or the kind of the refusal."""
Rule = dict[str, Any]
CREATE = "mutation($i: CreateSegmentInput!) { createSegment(input: $i) { segment { id } } }"
ADD = "mutation($i: SegmentMembersInput!) { addSegmentMembers(input: $i) { changed } }"
SEGMENT = """query($id: ID!) { segment(id: $id) {
  number name description kind rule memberCount members(first: 100) { nodes { id } } } }"""


class Desk:
    """Where a caller speaks of segments in every dialect."""

    def __init__(self, caller: Caller, tenant: str) -> None:
        self._caller = caller
        self._tenant = tenant

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        """The status and the document of an answer."""
        answer = await self._caller.send(method, path, body, authorization=f"Bearer {self._caller.key}")
        if answer.status_code >= 400:
            return answer, None
        return answer, answer.json() if answer.content else None

    async def graph(self, document: str, **variables: Any) -> Any:
        _, answer = await self.ask("POST", "/graphql", {"query": document, "variables": variables})
        return answer

    # ---- saying -----------------------------------------------------------------------------------------------------

    async def make_in_graph(self, name: str, rule: Rule | None) -> Made:
        answer = await self.graph(CREATE, i={"name": name, "description": "d", "rule": rule})
        if "errors" in answer:
            return kind_of(answer["errors"][0]["extensions"]["code"])
        return str(answer["data"]["createSegment"]["segment"]["id"])

    async def make_in_silocdp(self, name: str, rule: Rule | None) -> Made:
        body = {"name": name, "description": "d", "rules": write_rules(rule)}
        answer, document = await self.ask("POST", "/silocdp/api/v1/segments", body)
        return kind_of_status(answer) if document is None else str(document["data"]["id"])

    async def make_in_crm(self, name: str, rule: Rule | None) -> Made:
        said = {"criteria": write_criteria(rule), "type": "DYNAMIC"} if rule is not None else {"type": "STATIC"}
        body = {"tenantId": self._tenant, "name": name, "description": "d", **said}
        answer, document = await self.ask("POST", "/crm/api/v1/segments", body)
        return kind_of_status(answer) if document is None else str(document["data"]["id"])

    async def make_in_customerio(self, name: str, rule: Rule | None) -> Made:
        assert rule is None
        body = {"segment": {"name": name, "description": "d"}}
        answer, document = await self.ask("POST", "/customerio/v1/segments", body)
        if document is None:
            return kind_of_status(answer)
        _, listed = await self.ask("GET", "/crm/api/v1/segments?take=100&tenantId=" + self._tenant)
        return str(listed["data"][document["segment"]["id"] - 1]["id"])

    async def add_in_graph(self, segment: str, number: int, people: list[str]) -> None:
        answer = await self.graph(ADD, i={"segmentId": segment, "customers": [{"id": person} for person in people]})
        assert answer["data"]["addSegmentMembers"] == {"changed": len(people)}, answer

    async def add_in_track(self, segment: str, number: int, people: list[str]) -> None:
        ids = [person.replace("cust_", "cio_") for person in people]
        path = f"/customerio/api/v1/segments/{number}/add_customers?id_type=cio_id"
        answer, _ = await self.ask("POST", path, {"ids": ids})
        assert answer.status_code == 200, answer.text

    # ---- telling ----------------------------------------------------------------------------------------------------

    async def tell(self, segment: str) -> dict[str, dict[str, Any]]:
        """What each dialect shows of a segment, by dialect."""
        told = {"graph": await self._from_graph(segment)}
        number = told["graph"].pop("number")
        told["silocdp"] = await self._from_silocdp(segment)
        told["crm"] = await self._from_crm(segment)
        told["customerio"] = await self._from_customerio(number)
        told["parcelvoy"] = await self._from_parcelvoy(number)
        return told

    async def _from_graph(self, segment: str) -> dict[str, Any]:
        shown = (await self.graph(SEGMENT, id=segment))["data"]["segment"]
        return {
            "number": shown["number"],
            "name": shown["name"],
            "description": shown["description"],
            "kind": shown["kind"].lower(),
            "rule": shown["rule"],
            "count": shown["memberCount"],
            "members": {node["id"] for node in shown["members"]["nodes"]},
        }

    async def _from_silocdp(self, segment: str) -> dict[str, Any]:
        shown = (await self.ask("GET", f"/silocdp/api/v1/segments/{segment}"))[1]["data"]
        plain = {name: shown[name] for name in ("name", "description")}
        rule = read_rules(shown["rules"])[0]
        return {**plain, "kind": shown["type"], "rule": rule, "count": shown["subscriberCount"]}

    async def _from_crm(self, segment: str) -> dict[str, Any]:
        shown = (await self.ask("GET", f"/crm/api/v1/segments/{segment}"))[1]["data"]
        members = (await self.ask("GET", f"/crm/api/v1/segments/{segment}/members?take=100"))[1]
        query = f"tenantId={self._tenant}&segmentId={segment}&take=100"
        found = (await self.ask("GET", f"/crm/api/v1/customers?{query}"))[1]
        assert members["meta"]["total"] == found["meta"]["total"] == shown["memberCount"]
        ids = {row["id"] for row in members["data"]}
        assert ids == {row["id"] for row in found["data"]}
        plain = {name: shown[name] for name in ("name", "description")}
        rule = read_criteria(shown["criteria"])[0] if shown["criteria"] is not None else None
        return {**plain, "kind": shown["type"].lower(), "rule": rule, "count": shown["memberCount"], "members": ids}

    async def _from_customerio(self, number: int) -> dict[str, Any]:
        shown = (await self.ask("GET", f"/customerio/v1/segments/{number}"))[1]["segment"]
        count = (await self.ask("GET", f"/customerio/v1/segments/{number}/customer_count"))[1]["count"]
        members = (await self.ask("GET", f"/customerio/v1/segments/{number}/membership"))[1]
        ids = _people(members)
        told = {"name": shown["name"], "description": shown["description"], "count": count, "members": ids}
        told["kind"] = {"manual": "static"}.get(shown["type"], shown["type"])
        if shown["filter"] is not None:
            found = (await self.ask("POST", "/customerio/v1/customers?limit=1000", {"filter": shown["filter"]}))[1]
            assert _people(found) == ids
            told["rule"] = read_filter(shown["filter"], await self._ids(numbers_in(shown["filter"])))[0]
        return told

    async def _from_parcelvoy(self, number: int) -> dict[str, Any]:
        (shown,) = (await self.ask("GET", f"/parcelvoy/api/client/lists?id={number}"))[1]["results"]
        told = {"name": shown["name"], "kind": shown["type"], "count": shown["users_count"]}
        if shown["rule"] is not None:
            query = f"limit=-1&filter={quote(json.dumps(shown['rule']), safe='')}"
            found = (await self.ask("GET", f"/parcelvoy/api/client/users?{query}"))[1]
            told["members"] = {user["id"] for user in found["results"]}
        return told

    async def _ids(self, numbers: set[int]) -> dict[int, str]:
        listed = (await self.ask("GET", "/crm/api/v1/segments?take=100&tenantId=" + self._tenant))[1]["data"]
        return {number: listed[number - 1]["id"] for number in numbers}


def _people(page: dict[str, Any]) -> set[str]:
    return {f"cust_{person['cio_id']}" for person in page["identifiers"]}


Make = Callable[[Desk, str, Rule | None], Awaitable[Made]]
RULED: dict[str, Make] = {
    "graph": Desk.make_in_graph,
    "silocdp": Desk.make_in_silocdp,
    "crm": Desk.make_in_crm,
}
"""Who can say a rule."""
BY_HAND: dict[str, Make] = RULED | {"customerio": Desk.make_in_customerio}
"""Who can make a segment that is filled by hand."""
Add = Callable[[Desk, str, int, list[str]], Awaitable[None]]
ADDING: dict[str, Add] = {"graph": Desk.add_in_graph, "track": Desk.add_in_track}
