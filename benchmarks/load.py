"""Load from wrk (Debian's package): bounded, on the loopback, requests a second and latencies as wrk counts them."""

import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory


@dataclass(frozen=True)
class Shot:
    """One request to be repeated. ``lua`` may replace the body for each repetition."""

    url: str
    body: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    lua: str = ""

    def script(self) -> str:
        """What wrk runs."""
        lines = [f"wrk.headers[{json.dumps(name)}] = {json.dumps(value)}" for name, value in self.headers]
        if self.body is not None:
            lines += ['wrk.method = "POST"', f"wrk.body = {_lua_string(self.body)}"]
        return "\n".join([*lines, self.lua])


@dataclass(frozen=True)
class Rate:
    """What wrk saw."""

    per_second: float
    p99: str
    refused: int


def missing_wrk() -> bool:
    return shutil.which("wrk") is None


def fire(shot: Shot, *, connections: int = 32, seconds: int = 4) -> Rate:
    """Repeats a request on ``connections`` for ``seconds``."""
    with TemporaryDirectory() as directory:
        script = Path(directory, "shot.lua")
        script.write_text(shot.script())
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", str(script), shot.url]
        seen = subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds + 60).stdout
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", seen)
    p99 = re.search(r"99%\s+(\S+)", seen)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", seen)
    if rate is None:
        raise RuntimeError(seen)
    return Rate(float(rate[1]), p99[1] if p99 else "?", int(refused[1]) if refused else 0)


def side_by_side(
    shots: dict[str, Shot], *, rounds: int = 3, connections: int = 32, seconds: int = 4
) -> dict[str, Rate]:
    """Fires at each in turn, round after round, and gives the median round of each."""
    seen: dict[str, list[Rate]] = {name: [] for name in shots}
    for shot in shots.values():
        fire(shot, connections=connections, seconds=2)
    for _ in range(rounds):
        for name, shot in shots.items():
            seen[name].append(fire(shot, connections=connections, seconds=seconds))
    return {name: _middle(rates) for name, rates in seen.items()}


def _middle(rates: list[Rate]) -> Rate:
    middle = median(rate.per_second for rate in rates)
    return min(rates, key=lambda rate: abs(rate.per_second - middle))


def _lua_string(text: str) -> str:
    return "[==[" + text + "]==]"
