"""``rapport serve`` says how to get in, and ends as it is told."""

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from socket import create_server

import httpx2
import pytest

from app.core.settings import Settings
from tests.serving import Served, rapport


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Served]:
    """A server with an empty data directory, as a new clone has it."""
    data = tmp_path / "fresh"
    data.mkdir()
    server = Served(Settings(data_dir=data, database_url="", redis_url="", demo=True))
    yield server
    server.kill()


def test_a_new_database_prints_the_way_in_and_a_restart_how_to_make_a_key(fresh: Served) -> None:
    console, email, password, key = fresh.start().lines
    assert console == f"console: {fresh.url}/console"
    assert email == "email: demo@rapport.example"
    assert re.fullmatch(r"password: \S{16}", password)
    assert re.fullmatch(r"api key: \S{30,}", key)
    assert fresh.stop() == 0
    again = fresh.start().lines
    assert again == [
        console,
        "new key: in the console, or (with the server stopped): rapport api-key create --email demo@rapport.example",
    ]


@pytest.mark.parametrize("how", ["bearer", "x-api-key", "basic"])
def test_the_printed_key_works_every_way(fresh: Served, how: str) -> None:
    key = fresh.start().lines[-1].removeprefix("api key: ")
    question = {"query": "{ __typename viewer { __typename } }"}
    headers = {"bearer": {"authorization": f"Bearer {key}"}, "x-api-key": {"x-api-key": key}}.get(how, {})
    auth = ("anything", key) if how == "basic" else None
    answer = httpx2.post(f"{fresh.url}/graphql", json=question, headers=headers, auth=auth, trust_env=False)
    assert answer.status_code == 200
    assert "errors" not in answer.json()


def test_a_taken_port_is_said_plainly(tmp_path: Path) -> None:
    with closing(create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        refused = rapport(Settings(data_dir=tmp_path), "serve", RAPPORT_PORT=str(port))
    assert refused.returncode == 1
    assert refused.stderr.strip().endswith(f"cannot listen on 127.0.0.1:{port}: Address already in use")


def test_a_key_cannot_be_made_while_the_server_has_the_embedded_database(fresh: Served, tmp_path: Path) -> None:
    fresh.start()
    settings = Settings(data_dir=tmp_path / "fresh", database_url="", redis_url="")
    refused = rapport(settings, "api-key", "create", "--email", "demo@rapport.example")
    assert refused.returncode == 1
    assert refused.stderr.strip().endswith("is in use by another process: stop the server first.")
    assert fresh.stop() == 0
    made = rapport(settings, "api-key", "create", "--email", "demo@rapport.example", "--scope", "customers:read")
    assert (made.returncode, len(made.stdout.split())) == (0, 1), made.stderr
