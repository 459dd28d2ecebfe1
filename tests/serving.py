"""The product as people run it: ``rapport serve`` in a process of its own, which can be stopped and killed."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

from app.core.settings import Settings
from tests.servers import free_port

ROOT = Path(__file__).parents[1]
READY_S = 60


def environment(settings: Settings, **more: str) -> dict[str, str]:
    """The environment of a process that is to run with these settings."""
    own = {
        "RAPPORT_DATA_DIR": str(settings.data_dir),
        "RAPPORT_DATABASE_URL": settings.database_url,
        "RAPPORT_REDIS_URL": settings.redis_url,
        "RAPPORT_SECRET": settings.secret,
        "RAPPORT_DEMO": str(settings.demo).lower(),
    }
    return {name: value for name, value in os.environ.items() if not name.startswith("RAPPORT_")} | own | more


def rapport(settings: Settings, *arguments: str, timeout: float = 60, **more: str) -> subprocess.CompletedProcess[str]:
    """Runs one command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "app.cli", *arguments],
        cwd=ROOT,
        env=environment(settings, **more),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


class Served:
    """A running ``rapport serve`` on one port, which it keeps when it is started again."""

    def __init__(self, settings: Settings, **more: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._environment = environment(settings, RAPPORT_PORT=str(self.port), **more)
        self._log = settings.data_dir / "server.log"
        self._process: subprocess.Popen[str] | None = None
        self.lines: list[str] = []

    def start(self) -> "Served":
        """Returns when it is ready; :attr:`lines` is what it has printed by then."""
        with self._log.open("a") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "app.cli", "serve"],
                cwd=ROOT,
                env=self._environment,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self._process = process
        self.lines = []
        reading = threading.Thread(target=self._read, daemon=True)
        reading.start()
        reading.join(READY_S)
        if not self.lines or process.poll() is not None:
            self.kill()
            raise AssertionError(f"the server did not start:\n{self._log.read_text()[-4000:]}")
        return self

    @property
    def pid(self) -> int:
        """The process that runs."""
        assert self._process is not None
        return self._process.pid

    def stop(self) -> int:
        """Ends it as an operator does, and returns its exit code."""
        return self._end(signal.SIGTERM)

    def kill(self) -> int:
        """Ends it as a crash does."""
        return self._end(signal.SIGKILL)

    def _read(self) -> None:
        """Reads until the last line that is printed when it is ready."""
        assert self._process is not None and self._process.stdout is not None
        for line in self._process.stdout:
            self.lines.append(line.rstrip("\n"))
            if line.startswith(("api key:", "new key:")):
                return

    def _end(self, how: signal.Signals) -> int:
        process = self._process
        if process is None:
            return 0
        self._process = None
        process.send_signal(how)
        code = process.wait(40)
        if process.stdout is not None:
            process.stdout.close()
        return code
