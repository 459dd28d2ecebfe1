"""Requests generated from each dialect's own OpenAPI document, good and bad, on every operation."""

from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import given
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import load_all_checks

from app.main import DIALECTS
from tests.fuzz.conftest import Effort, Fuzzed
from tests.fuzz.generation import effort_settings, entities, mix, texts

load_all_checks()
OPERATIONS = [(dialect.name, f"{e.method} {e.path}") for dialect in DIALECTS for e in dialect.endpoints]
VERSION_2 = {"POST /api/v2/entity", "POST /api/v2/batch"}
HASHES = {"POST /api/v1/auth/register", "POST /api/v1/auth/login", "PUT /api/v1/auth/change-password"}
"""Each of these works for a password's hash: a tenth of the requests will do."""
LIMIT = 10


def operation_of(fuzzed: Fuzzed, door: str, label: str) -> Any:
    document = schemathesis.openapi.from_dict(fuzzed.verdict.documents[door])
    operation = document.find_operation_by_label(label)
    assert operation is not None
    return operation


def send(fuzzed: Fuzzed, session: requests.Session, door: str, case: Any, credential: str | None) -> None:
    headers = {"Authorization": f"Bearer {credential}"} if credential else {}
    if door == "silentchat":
        headers["X-Tenant-ID"] = fuzzed.own.ids["tenant"][0]
    response = case.call(base_url=f"{fuzzed.url}/{door}", session=session, headers=headers, allow_redirects=False)
    label = case.operation.label if _reaches(case) else ""
    media_type = response.headers.get("content-type", [""])[0]
    fuzzed.verdict.of_door(door, label, response.status_code, media_type, response.content)
    if label and not _is_tolerated(case):
        case.validate_response(response, excluded_checks=_semantic_checks())


def _semantic_checks() -> list[Any]:
    """Checks that ask for more than a schema can say, or send requests of their own."""
    names = ("positive_data_acceptance", "ignored_auth", "use_after_free", "ensure_resource_availability",
             "missing_required_header", "unsupported_method")  # fmt: skip
    return schemathesis.checks.CHECKS.get_by_names(
        [n for n in names if n in schemathesis.checks.CHECKS.get_all_names()]
    )


def _reaches(case: Any) -> bool:
    """Whether the path still is the operation's: an empty or dotted segment leads elsewhere."""
    return all(str(value) not in ("", ".", "..") for value in (case.path_parameters or {}).values())


def _is_tolerated(case: Any) -> bool:
    """Whether there is what a door passes over: parameters without a value or that it does not know, and parts of a
    form other than the file."""
    if case.media_type == "multipart/form-data":
        return True
    known = {parameter.name for parameter in case.operation.query}
    return any(value in ("", [], [""]) or name not in known for name, value in (case.query or {}).items())


@pytest.mark.parametrize(("door", "label"), OPERATIONS, ids=lambda value: value)
@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
def test_generated_requests(door: str, label: str, mode: GenerationMode, fuzzed: Fuzzed, effort: Effort) -> None:
    operation = operation_of(fuzzed, door, label)
    words = texts(fuzzed)
    credentials = st.sampled_from([fuzzed.own.key] * 5 + [fuzzed.own.token] * 4 + [None])
    positive = mode is GenerationMode.POSITIVE
    budget = Effort(max(2, effort.examples // LIMIT), effort.stride, effort.is_long) if label in HASHES else effort

    with requests.Session() as session:

        @effort_settings(budget)
        @given(case=operation.as_strategy(generation_mode=mode), credential=credentials, data=st.data())
        def fuzz(case: Any, credential: str | None, data: st.DataObject) -> None:
            if positive:
                case.path_parameters = mix(data.draw, dict(case.path_parameters or {}), words)
                if label in VERSION_2:
                    one = entities(fuzzed)
                    batch = st.fixed_dictionaries({"batch": st.lists(one | st.integers(), max_size=6)})
                    case.body = data.draw(batch if "batch" in label else one)
                elif isinstance(case.body, dict | list):
                    case.body = mix(data.draw, case.body, words)
            send(fuzzed, session, door, case, credential)

        fuzz()
