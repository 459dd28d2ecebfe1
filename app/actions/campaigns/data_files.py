"""Data files: the people of a call, as JSON Lines at an address that the caller named."""

import zlib
from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

import orjson
from sqlalchemy import delete, func, select
from sqlmodel import col

from app.actions.campaigns.audience import PORTION
from app.actions.campaigns.calling import check_data
from app.actions.campaigns.preparing import forget_portions
from app.actions.campaigns.store import CampaignStore
from app.actions.campaigns.triggering import MAX_PROBLEMS, CalledPerson, resolve_people
from app.actions.campaigns.words import FAILED, PREPARING
from app.actions.customers.facts import CustomerRef
from app.actions.deliveries.telling import tell_campaign
from app.core.access import Scope
from app.core.errors import Invalid
from app.core.tx import Reading, Tx
from models import RunPortion

MAX_FILE: Final = 32 * 1024 * 1024
"""Bytes of a file as it arrives; unpacked it may have twice as many."""
MAX_LINES: Final = 100_000
RESOLVED: Final = 5000
"""Names that are looked up by one statement."""
GZIP: Final = b"\x1f\x8b"
WINDOW: Final = 31
"""zlib's word for gzip."""
NAMES: Final = {"id": "external_id", "email": "email", "cio_id": "id"}


async def file_of_run(reading: Reading, *, run_id: UUID) -> str | None:
    """The address of the run's data file, while it is still to be fetched."""
    reading.require(Scope.CAMPAIGNS_SEND)
    run = await CampaignStore(reading).run(run_id)
    url: str | None = (run.recipients or {}).get("url")
    return url if run.state == PREPARING else None


def read_people(body: bytes) -> list[CalledPerson]:
    """The people in a data file: one object ``{id|email, data}`` a line, perhaps gzipped. Raises :class:`Invalid` at
    ``line <number>``."""
    people = []
    lines = _unpacked(body).splitlines()
    if len(lines) > MAX_LINES:
        raise Invalid.at("data_file_url", f"must have at most {MAX_LINES} lines")
    for number, line in enumerate(lines, 1):
        if line.strip():
            people.append(_read_line(line, f"line {number}"))
    if not people:
        raise Invalid.at("data_file_url", "names nobody")
    return people


async def find_people(
    reading: Reading, *, people: Sequence[CalledPerson]
) -> tuple[list[list[Any]], list[dict[str, Any]]]:
    """Whom the lines name, each once, and who could not be found."""
    reading.require(Scope.CAMPAIGNS_SEND)
    found: dict[str, list[Any]] = {}
    problems: list[dict[str, Any]] = []
    for start in range(0, len(people), RESOLVED):
        some, missing = await resolve_people(reading, people[start : start + RESOLVED])
        for person in some:
            found.setdefault(person[0], person)
        problems += missing
    return list(found.values()), problems


def portions_of(people: Sequence[Sequence[Any]]) -> list[list[Sequence[Any]]]:
    """The people as they are kept: in the order of their ids, some at a time."""
    ordered = sorted(people, key=lambda one: one[0])
    return [list(ordered[start : start + PORTION]) for start in range(0, len(ordered), PORTION)]


async def keep_portion(tx: Tx, *, run_id: UUID, people: Sequence[Sequence[Any]], is_first: bool) -> bool:
    """Keeps one of the portions; ``is_first``: instead of what was kept of the run before. False: the run takes no
    people any more."""
    tx.require(Scope.CAMPAIGNS_SEND)
    run = await CampaignStore(tx).run(run_id, locked=True)
    if run.state != PREPARING or "url" not in (run.recipients or {}):
        return False
    last_id = UUID(hex=people[-1][0])
    if is_first:
        await forget_portions(tx, run_id=run_id)
    same = delete(RunPortion).where(col(RunPortion.run_id) == run_id, col(RunPortion.last_id) == last_id)
    await tx.session.execute(same, execution_options={"synchronize_session": False})
    await tx.insert(RunPortion, [{"run_id": run_id, "last_id": last_id, "people": list(people)}])
    return True


async def take_people(tx: Tx, *, run_id: UUID, portions: int, problems: Sequence[dict[str, Any]]) -> None:
    """Makes those that were kept the recipients of the run, whose deliveries are then prepared; it fails if one who is
    missing may not be. Does nothing if not all ``portions`` are there: somebody else keeps them anew."""
    tx.require(Scope.CAMPAIGNS_SEND)
    run = await CampaignStore(tx).run(run_id, locked=True)
    if run.state != PREPARING or "url" not in (run.recipients or {}):
        return
    if not portions:
        await forget_portions(tx, run_id=run_id)
    kept = select(func.count()).select_from(RunPortion).where(col(RunPortion.run_id) == run_id)
    if (await tx.session.execute(kept)).scalar_one() != portions:
        return
    ignored = (run.recipients or {}).get("ignores_missing", [])
    run.problems = list(problems[:MAX_PROBLEMS])
    run.recipients = {"portions": portions}
    if any(problem["kind"] not in ignored for problem in problems):
        await forget_portions(tx, run_id=run_id)
        run.state, run.finished_at = FAILED, tx.now
        tell_campaign(tx, run.campaign_id, "campaign.progress", {"run": run_id.hex, "state": FAILED})
    else:
        tx.enqueue("campaigns.prepare", {"run": run_id.hex})
    await tx.session.flush()


async def refuse_file(tx: Tx, *, run_id: UUID, detail: str) -> None:
    """Fails the run because its data file could not be had or read."""
    tx.require(Scope.CAMPAIGNS_SEND)
    run = await CampaignStore(tx).run(run_id, locked=True)
    if run.state != PREPARING:
        return
    url = (run.recipients or {}).get("url", "")
    run.problems = [{"kind": "data_file_url", "value": url[:320], "detail": detail[:1000]}]
    run.state, run.finished_at = FAILED, tx.now
    await tx.session.flush()
    tell_campaign(tx, run.campaign_id, "campaign.progress", {"run": run_id.hex, "state": FAILED})


def _unpacked(body: bytes) -> bytes:
    if not body.startswith(GZIP):
        return body
    unpacked = bytearray()
    while body:  # files that were packed in pieces are several gzips, one after the other
        unpacking = zlib.decompressobj(WINDOW)
        try:
            unpacked += unpacking.decompress(body, 2 * MAX_FILE + 1 - len(unpacked))
        except zlib.error as broken:
            raise Invalid.at("data_file_url", "is broken gzip") from broken
        if len(unpacked) > 2 * MAX_FILE:
            raise Invalid.at("data_file_url", f"is more than {2 * MAX_FILE} bytes when unpacked")
        if not unpacking.eof:
            raise Invalid.at("data_file_url", "is broken gzip: it ends too early")
        body = unpacking.unused_data
    return bytes(unpacked)


def _read_line(line: bytes, path: str) -> CalledPerson:
    try:
        document = orjson.loads(line)
    except ValueError as broken:
        raise Invalid.at(path, "is not JSON") from broken
    named = [key for key in NAMES if isinstance(document, dict) and document.get(key) is not None]
    if len(named) != 1:
        raise Invalid.at(path, "must be an object with an id or an email")
    value, data = document[named[0]], document.get("data")
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise Invalid.at(path, "must name somebody by text")
    ref = CustomerRef(NAMES[named[0]], str(value))
    return CalledPerson(ref, None if data is None else check_data(data, f"{path}: data"))
