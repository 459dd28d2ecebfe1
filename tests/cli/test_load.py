"""A CSV file is loaded through the public API: completely, once, and on from where it was stopped."""

import csv
import signal
import subprocess
import sys
import time
from pathlib import Path

import orjson
import pytest

from app.core.settings import Settings
from tests.cli.conftest import Customerbase
from tests.serving import ROOT, Served, environment, rapport

LOADED, REFUSED, STOPPED = 0, 1, 2
PURCHASES = [
    *("--name", "purchase", "--customer-column", "customer_id", "--time-column", "date"),
    *("--property", "items:int", "--property", "amount:float"),
]


@pytest.fixture
def local(tmp_path: Path) -> Settings:
    """The settings of whoever loads: nothing of the server's, checkpoints in a directory of their own."""
    return Settings(data_dir=tmp_path / "local", database_url="", redis_url="")


@pytest.fixture
def purchases(tmp_path: Path) -> Path:
    """1,000 purchases of 100 people, each row there twice and real."""
    file = tmp_path / "purchases.csv"
    rows = [f"{n % 100:05},1997-01-{n % 28 + 1:02},{n % 5 + 1},{n % 100}.50" for n in range(500)]
    file.write_text("customer_id,date,items,amount\n" + "".join(f"{row}\n{row}\n" for row in rows))
    return file


def events(base: Customerbase, file: Path, *more: str) -> list[str]:
    """The command that loads a file of purchases."""
    return ["load", "events", str(file), "--url", base.url, "--api-key", base.key, *PURCHASES, *more]


def acknowledged(local: Settings) -> int:
    """How many rows the only unfinished load has behind it."""
    for checkpoint in (local.data_dir / "loads").glob("*.json"):
        return sum(orjson.loads(checkpoint.read_bytes())["totals"].values())
    return 0


def begin(local: Settings, arguments: list[str]) -> subprocess.Popen[str]:
    """Starts a load and returns when 100 rows of it are acknowledged."""
    command = [sys.executable, "-m", "app.cli", *arguments]
    loading = subprocess.Popen(command, cwd=ROOT, env=environment(local), stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while acknowledged(local) < 100 and loading.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    return loading


def test_equal_rows_are_two_events_and_a_second_load_adds_nothing(
    customerbase: Customerbase, local: Settings, purchases: Path
) -> None:
    first = rapport(local, *events(customerbase, purchases))
    assert (first.returncode, customerbase.counts()) == (LOADED, (100, 1000)), first.stderr
    assert "1,000 rows: 1,000 loaded, 0 there already, 0 refused" in first.stderr
    second = rapport(local, *events(customerbase, purchases))
    assert (second.returncode, customerbase.counts()) == (LOADED, (100, 1000)), second.stderr
    assert "1,000 rows: 0 loaded, 1,000 there already, 0 refused" in second.stderr


def test_a_killed_load_goes_on_where_it_was(customerbase: Customerbase, local: Settings, purchases: Path) -> None:
    arguments = events(customerbase, purchases, "--batch", "5")
    loading = begin(local, arguments)
    loading.send_signal(signal.SIGKILL)
    loading.communicate()
    before = acknowledged(local)
    assert 100 <= before < 1000
    resumed = rapport(local, *arguments)
    assert (resumed.returncode, customerbase.counts()) == (LOADED, (100, 1000)), resumed.stderr
    assert f"Taking up an earlier load after {before:,} rows." in resumed.stderr
    assert "1,000 rows:" in resumed.stderr
    assert acknowledged(local) == 0


def test_a_load_waits_for_a_server_that_is_killed_and_comes_back(
    served: Served, customerbase: Customerbase, local: Settings, purchases: Path
) -> None:
    loading = begin(local, events(customerbase, purchases, "--batch", "5"))
    served.kill()
    served.start()
    _, shown = loading.communicate(timeout=60)
    assert (loading.returncode, customerbase.counts()) == (LOADED, (100, 1000)), shown
    assert "trying again in" in shown


def test_refused_rows_are_named_by_their_lines(customerbase: Customerbase, local: Settings, tmp_path: Path) -> None:
    file, rejects = tmp_path / "events.csv", tmp_path / "rejects.csv"
    long = "x" * 400
    file.write_text(f"customer_id,date,items,amount\n1,1997-01-01,1,1\n2,soon,1,1\n{long},1997-01-01,1,1\n3,,2,2\n")
    loaded = rapport(local, *events(customerbase, file, "--rejects", str(rejects)))
    assert (loaded.returncode, customerbase.counts()) == (REFUSED, (2, 2)), loaded.stderr
    assert "line 3: date: 'soon' is not an ISO 8601 date or time (INVALID)" in loaded.stderr
    assert "4 rows: 2 loaded, 0 there already, 2 refused" in loaded.stderr
    with rejects.open(newline="") as written:
        rows = list(csv.DictReader(written))
    assert sorted((row["line"], row["code"]) for row in rows) == [("3", "INVALID"), ("4", "INVALID")]


def test_people_are_created_then_found(customerbase: Customerbase, local: Settings, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text(
        "id,email,plan,visits,since\n"
        "a-1,ada@example.com,annual,3,2020-02-29\n"
        "a-2,not an address,monthly,1,\n"
        'a-3,,"=2+2",0,\n'
    )
    arguments = [
        *("load", "people", str(file), "--url", customerbase.url, "--api-key", customerbase.key),
        *("--external-id-column", "id", "--email-column", "email", "--created-at-column", "since"),
        *("--attribute", "plan", "--attribute", "visits:int"),
    ]
    first = rapport(local, *arguments)
    assert first.returncode == REFUSED, first.stderr
    assert "line 3: email:" in first.stderr
    assert "3 rows: 2 loaded, 0 there already, 1 refused" in first.stderr
    second = rapport(local, *arguments)
    assert "3 rows: 0 loaded, 2 there already, 1 refused" in second.stderr
    assert customerbase.counts() == (2, 0)
    person = customerbase.ask('{ customer(externalId: "a-1") { email attributes createdAt } }')["customer"]
    assert person["email"] == "ada@example.com"
    assert person["attributes"] == {"plan": "annual", "visits": 3}
    assert person["createdAt"].startswith("2020-02-29T00:00:00")
    assert customerbase.ask('{ customer(externalId: "a-3") { attributes } }')["customer"] == {
        "attributes": {"plan": "=2+2", "visits": 0}
    }


def test_a_wrong_key_stops_the_load_with_nothing_done(served: Served, local: Settings, purchases: Path) -> None:
    refused = rapport(local, *events(Customerbase(served.url, "rpt_no_such_key"), purchases))
    assert refused.returncode == STOPPED
    assert "stopped after 0 rows" in refused.stderr
    assert "UNAUTHENTICATED" in refused.stderr


def test_a_file_without_the_columns_is_refused_before_anything_is_sent(
    customerbase: Customerbase, local: Settings, tmp_path: Path
) -> None:
    file = tmp_path / "other.csv"
    file.write_text("person,date\n1,1997-01-01\n")
    refused = rapport(local, *events(customerbase, file))
    assert refused.returncode == STOPPED
    assert "has no column customer_id, items, amount; it has person, date" in refused.stderr
    assert customerbase.counts() == (0, 0)
