"""Logs: one line an event, in either format, with its request, and never with a secret."""

import io
import json
import logging as stdlib
from collections.abc import Callable, Iterator

import pytest
import structlog

from app.core import logging
from app.core.settings import Settings

Configure = Callable[[str], io.StringIO]


@pytest.fixture
def configured() -> Iterator[Configure]:
    """Sets logging up for the length of a test; returns where the lines go."""
    root = stdlib.getLogger()
    handlers, level = list(root.handlers), root.level

    def configure(log_format: str) -> io.StringIO:
        lines = io.StringIO()
        logging.configure(Settings(log_format=log_format), lines)
        return lines

    yield configure
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def lines_of(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_of_json_carries_what_was_bound_around_it(configured: Configure) -> None:
    stream = configured("json")
    with logging.bound(request_id="r1", tenant="t1"):
        logging.logger("rapport").info("tracked", events=3)
    logging.logger("rapport").info("idle")
    tracked, idle = lines_of(stream)
    assert {key: tracked[key] for key in ("event", "level", "events", "request_id", "tenant", "logger")} == {
        "event": "tracked",
        "level": "info",
        "events": 3,
        "request_id": "r1",
        "tenant": "t1",
        "logger": "rapport",
    }
    assert "request_id" not in idle


def test_the_standard_library_and_exceptions_come_out_the_same_way(configured: Configure) -> None:
    stream = configured("json")
    with logging.bound(request_id="r2"):
        stdlib.getLogger("a.library").warning("started in %s s", 2)
        try:
            raise ValueError("no")
        except ValueError:
            logging.logger("rapport").exception("failed")
    started, failed = lines_of(stream)
    assert (started["event"], started["level"], started["request_id"]) == ("started in 2 s", "warning", "r2")
    assert str(failed["exception"]).endswith("ValueError: no")


def test_what_is_below_the_level_is_not_written(configured: Configure) -> None:
    stream = configured("json")
    logging.logger("rapport").debug("quiet")
    stdlib.getLogger("arq.worker").info("quiet")
    assert stream.getvalue() == ""


SECRETS = "hunter2hunter2", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", "c2VjcmV0OnNlY3JldA=="


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_secrets_are_hidden_wherever_they_stand(configured: Configure, log_format: str) -> None:
    stream = configured(log_format)
    password, token, basic = SECRETS
    log = logging.logger("rapport")
    log.info("by name", password=password, refresh_token=token, headers={"Authorization": basic, "cookie": basic})
    log.info(f"in text: Bearer {password} and Basic {basic} and {token}")
    stdlib.getLogger("other").warning("connecting to redis://user:%s@host/0", password)
    try:
        raise ConnectionError(f"postgresql://rapport:{password}@host/db refused")
    except ConnectionError:
        log.exception("in a traceback")
    written = stream.getvalue()
    assert not [secret for secret in SECRETS if secret in written]
    assert written.count("[hidden]") >= 8
    assert "redis://user:[hidden]@host/0" in written
