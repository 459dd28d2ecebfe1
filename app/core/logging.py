"""Structured logs: one line an event, on the console or as JSON, with the request and tenant they belong to.

The standard library's loggers come out the same way. Nothing secret is written: fields with a secret's name are
blanked, and so is what looks like a credential inside any text.
"""

import logging
import re
import sys
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any, TextIO

import structlog
from structlog.typing import Processor

from app.core.settings import Settings

HIDDEN = "[hidden]"
SECRET_FIELD = re.compile(
    r"passw|secret|token|authorization|credential|cookie|api_?key$|key_text|database_url|redis_url", re.IGNORECASE
)
SECRET_TEXT = re.compile(
    r"(?P<scheme>\b(?:Bearer|Basic)\s+)[\w.~+/=:-]{6,}"
    r"|(?P<before>://[^\s:/@]*:)[^\s@/]+(?=@)"
    r"|\beyJ[\w-]+\.[\w-]+\.[\w-]+",
    re.IGNORECASE,
)
QUIET = {"arq": logging.WARNING, "uvicorn.access": logging.WARNING, "alembic": logging.WARNING}


def configure(settings: Settings, stream: TextIO | None = None) -> None:
    """Routes structlog and the standard library to ``stream`` (standard error) in the configured format."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    as_json = settings.log_format == "json"
    target = stream or sys.stderr
    renderer: Processor = (
        structlog.processors.JSONRenderer()
        if as_json
        else structlog.dev.ConsoleRenderer(colors=target.isatty(), exception_formatter=structlog.dev.plain_traceback)
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(target)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                hide_secrets,
                renderer,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level.upper())
    for name, level in QUIET.items():
        logging.getLogger(name).setLevel(max(level, root.level))
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True


def logger(name: str) -> Any:
    """The logger of one module: ``log.info("hub rebuilt", after_s=3)``."""
    return structlog.stdlib.get_logger(name)


@contextmanager
def bound(**fields: Any) -> Iterator[None]:
    """Puts ``fields`` (``request_id``, ``tenant``) on every line that is written inside the block."""
    with structlog.contextvars.bound_contextvars(**fields):
        yield


def hide_secrets(_: Any, __: str, fields: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The processor that blanks secrets, at any depth."""
    for name, value in fields.items():
        fields[name] = HIDDEN if SECRET_FIELD.search(name) else _without_secrets(value)
    return fields


def _without_secrets(value: Any) -> Any:
    if isinstance(value, str):
        return SECRET_TEXT.sub(_mask, value)
    if isinstance(value, dict):
        return {k: HIDDEN if SECRET_FIELD.search(str(k)) else _without_secrets(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_without_secrets(item) for item in value]
    return value


def _mask(found: re.Match[str]) -> str:
    return f"{found['scheme'] or found['before'] or ''}{HIDDEN}"
