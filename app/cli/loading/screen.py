"""What a person sees of a load: a progress bar, refused rows by their lines, and the totals."""

import csv
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from app.cli.loading.checkpoint import Totals
from app.cli.loading.rows import Refusal

SHOWN = 50


class Screen:
    """Shows one load on the error stream, and writes its refused rows to ``rejects`` when that is given.

    A load that is ``resumed`` adds to what an earlier run wrote there.
    """

    def __init__(self, file: Path, totals: Totals, rejects: Path | None, *, resumed: bool) -> None:
        self._console = Console(stderr=True, highlight=False)
        self._totals = totals
        self._rejects = rejects
        self._resumed = resumed
        self._shown = 0
        self._open = ExitStack()
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[rows]:,} rows"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=self._console,
        )
        self._size = file.stat().st_size
        self._task = self._progress.add_task(file.name, total=self._size, rows=totals.rows)

    def __enter__(self) -> "Screen":
        if self._resumed:
            self._say(f"Taking up an earlier load after {self._totals.rows:,} rows.")
        self._open.enter_context(self._progress)
        if self._rejects is not None:
            again = self._resumed and self._rejects.exists()
            file = self._open.enter_context(self._rejects.open("a" if again else "w", newline="", encoding="utf-8"))
            self._writer = csv.writer(file)
            if not again:
                self._writer.writerow(["line", "code", "field", "message"])
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def refused(self, refusal: Refusal) -> None:
        if self._rejects is not None:
            self._writer.writerow([refusal.line, refusal.code, refusal.field or "", refusal.message])
        self._shown += 1
        if self._shown <= SHOWN:
            self._say(f"refused  {refusal}", "red")
        elif self._shown == SHOWN + 1:
            self._say("… more rows are refused; --rejects FILE lists all of them", "red")

    def reached(self, position: int) -> None:
        """The load has come to this byte of the file; batches are acknowledged out of order."""
        completed = max(self._progress.tasks[self._task].completed, position)
        self._progress.update(self._task, completed=completed, rows=self._totals.rows)

    def waiting(self, reason: str, pause: float) -> None:
        self._say(f"{reason}; trying again in {pause:.1f} s", "yellow")

    def finished(self) -> None:
        """Says what became of the rows."""
        self._progress.update(self._task, completed=self._size)
        totals = self._totals
        self._say(
            f"{totals.rows:,} rows: {totals.loaded:,} loaded, {totals.repeated:,} there already, "
            f"{totals.refused:,} refused"
        )

    def stopped(self, reason: str) -> None:
        """Says why it goes no further, and how it will."""
        self._say(f"stopped after {self._totals.rows:,} rows: {reason}", "red")
        if self._totals.rows:
            self._say("The same command goes on from there.")

    def _say(self, line: str, style: str | None = None) -> None:
        """Prints a line above the bar, whole even where the terminal is narrow."""
        self._console.print(line, style=style, markup=False, soft_wrap=True)
