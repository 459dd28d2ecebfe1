"""Documents generated from the graph's schema, valid and not, for every root field: with credentials and without."""

from functools import cache
from typing import Any

import pytest
import requests
import schemathesis
from graphql import introspection_from_schema
from hypothesis import given
from hypothesis import strategies as st
from schemathesis import GenerationMode

from resolvers.schema import schema
from tests.fuzz.conformance import assert_conforms, with_typenames
from tests.fuzz.conftest import Effort, Fuzzed
from tests.fuzz.generation import effort_settings, mix_graphql, register_scalars, texts

GRAPH = schema._schema
assert GRAPH.query_type and GRAPH.mutation_type
FIELDS = [f"{root.name}.{name}" for root in (GRAPH.query_type, GRAPH.mutation_type) for name in root.fields]
HASHES = {"Mutation.register", "Mutation.logIn", "Mutation.changePassword", "Mutation.acceptInvitation"}
"""Each of these works for a password's hash: a tenth of the requests will do."""


@cache
def described() -> Any:
    register_scalars()
    return schemathesis.graphql.from_dict(dict(introspection_from_schema(GRAPH)))


@pytest.mark.parametrize("name", FIELDS)
@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
def test_generated_documents(name: str, mode: GenerationMode, fuzzed: Fuzzed, effort: Effort) -> None:
    operation = described().find_operation_by_label(name)
    assert operation is not None
    words = texts(fuzzed)
    credentials = st.sampled_from([fuzzed.own.key] * 5 + [fuzzed.own.token] * 4 + [None])
    accepts = st.sampled_from(["application/json", "application/graphql-response+json", "*/*"])
    positive = mode is GenerationMode.POSITIVE
    budget = Effort(max(2, effort.examples // 10), effort.stride, effort.is_long) if name in HASHES else effort

    with requests.Session() as session:

        @effort_settings(budget)
        @given(case=operation.as_strategy(generation_mode=mode), credential=credentials, accept=accepts, data=st.data())
        def fuzz(case: Any, credential: str | None, accept: str, data: st.DataObject) -> None:
            text = mix_graphql(data.draw, with_typenames(case.body), words) if positive else case.body
            headers = {"authorization": f"Bearer {credential}"} if credential else {}
            response = session.post(
                f"{fuzzed.url}/graphql", json={"query": text}, headers=headers | {"accept": accept}, timeout=30
            )
            media_type = response.headers["content-type"]
            public = credential is None
            answer = fuzzed.verdict.of_graph(name, response.status_code, media_type, response.content, public=public)
            if answer.get("data") and not answer.get("errors"):
                assert_conforms(text, {}, answer["data"])
            if public and name.startswith("Query.") and name != "Query.viewer":
                told = [value for value in (answer.get("data") or {}).values() if value != "Query"]  # __typename
                assert not any(told), answer

        fuzz()
