"""One load: rows of a file in, batches to the server out, and a note of every batch that was acknowledged."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import anyio
from anyio.abc import ObjectReceiveStream, ObjectSendStream

from app.cli.loading.checkpoint import Checkpoint, Totals
from app.cli.loading.rows import Refusal, Row, Shape, read_rows
from app.cli.loading.sending import Answer, Sender, Stopped

Batch = tuple[int, list[Row]]


@dataclass(frozen=True, slots=True)
class Load:
    """Loads ``file`` through ``sender``, ``concurrency`` batches at a time.

    ``on_progress`` hears how many bytes of the file were reached, ``on_refused`` each row that was not loaded.
    """

    file: Path
    shape: Shape
    sender: Sender
    checkpoint: Checkpoint
    batch_size: int
    concurrency: int
    on_refused: Callable[[Refusal], None]
    on_progress: Callable[[int], None]

    async def run(self) -> Totals:
        """What became of every row of the file, this time and before an interruption.

        Raises :class:`Stopped`, or ValueError when the file is not of this shape; what was acknowledged stays noted.
        """
        giving, taking = anyio.create_memory_object_stream[Batch](0)
        failures: list[Exception] = []
        try:
            async with anyio.create_task_group() as group:
                for _ in range(self.concurrency):
                    group.start_soon(self._send, taking.clone())
                taking.close()
                await self._read(giving)
        except* (Stopped, ValueError) as stopped:
            failures.extend(stopped.exceptions)
        if failures:
            raise failures[0]
        self.checkpoint.remove()
        return self.checkpoint.totals

    async def _read(self, giving: ObjectSendStream[Batch]) -> None:
        async with giving:
            for number, rows in enumerate(in_batches(read_rows(self.file, self.shape), self.batch_size)):
                if self.checkpoint.has(number):
                    self.on_progress(rows[-1].end)
                elif not await _give(giving, (number, rows)):
                    return

    async def _send(self, taking: ObjectReceiveStream[Batch]) -> None:
        async with taking:
            async for number, rows in taking:
                items = [row.item for row in rows if row.item is not None]
                answers = iter(await self.sender.send(items) if items else [])
                totals = Totals()
                for row in rows:
                    self._count(totals, row, None if row.item is None else next(answers))
                self.checkpoint.acknowledge(number, totals)
                self.on_progress(rows[-1].end)

    def _count(self, totals: Totals, row: Row, answer: Answer | None) -> None:
        refusal = row.refusal
        if answer is not None and answer.code is not None:
            refusal = Refusal(row.line, answer.code, answer.message, answer.field)
        if refusal is not None:
            totals.refused += 1
            self.on_refused(refusal)
        elif answer is not None and answer.repeated:
            totals.repeated += 1
        else:
            totals.loaded += 1


async def _give(giving: ObjectSendStream[Batch], batch: Batch) -> bool:
    """Whether somebody took the batch: nobody does once every sender has stopped, and one of them says why."""
    try:
        await giving.send(batch)
    except anyio.BrokenResourceError:
        return False
    return True


def in_batches(rows: Iterable[Row], size: int) -> Iterator[list[Row]]:
    """The rows in lists of ``size``; the last may be shorter."""
    rows = iter(rows)
    while batch := list(islice(rows, size)):
        yield batch
