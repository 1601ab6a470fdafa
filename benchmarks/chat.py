"""How fast and how small ChatStepFun is: ratios to the floor and to its peers, all measured in this one run.

`python -m benchmarks.chat` (or `make bench`) starts a loopback server and one process for each contender, and asks them
for the same in turn, round after round. The floor is what no integration can do without (see `benchmarks.floor`). The
peers are installed into `.bench-venv`; where that cannot be done, they are left out.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks import peers
from benchmarks.contenders import IMPORTS, OURS, PEERS
from benchmarks.results import EVENTS, IMPORT, INVOKE, MEMORY, STREAM, STREAMS, Results, all_reached, table, verdicts

_ROOT = Path(__file__).resolve().parents[1]
_ROUNDS, _QUICK_ROUNDS = 8, 2


@contextmanager
def _process(python: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Start a module of this package; it ends by itself when its standard input closes."""
    command = (python, "-m", *arguments)
    with subprocess.Popen(command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process


class Contestant:
    """A contender's process, seen from here."""

    def __init__(self, process: subprocess.Popen[str], name: str) -> None:
        self._process = process
        self._name = name

    def ask(self, **order: Any) -> dict[str, float]:
        """Give it a task and wait for the answer."""
        print(json.dumps(order), file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline() if self._process.stdout else ""
        if not answer:
            message = f"{self._name} has failed; its own words are above"
            raise SystemExit(message)
        return json.loads(answer)


def _interpreters() -> dict[str, str]:
    """Say which interpreter runs whom."""
    running = dict.fromkeys(OURS, sys.executable)
    print(f"Preparing the peers' environment ({', '.join(peers.PACKAGES)}) ...", file=sys.stderr)
    try:
        running |= dict.fromkeys(PEERS, str(peers.python()))
    except peers.PeersMissing as reason:
        print(f"Without {', '.join(PEERS)}: they cannot be installed here ({reason}).\n")
    return running


def _measure_speed(running: dict[str, str], address: str, rounds: int, results: Results) -> None:
    """Measure in turn, so that what slows the machine for a while slows everybody."""
    with ExitStack() as stack:
        contestants = {
            name: Contestant(stack.enter_context(_process(python, "benchmarks.worker", name, address)), name)
            for name, python in running.items()
        }
        for measure in (INVOKE, STREAM, EVENTS, STREAMS):
            for contestant in contestants.values():  # makes sure that nobody is fast by dropping text, and warms up
                contestant.ask(task="check", count=1, chunks=measure.chunks)
            for _ in range(rounds * measure.weight):
                for name, contestant in contestants.items():
                    results.add(measure, name, contestant.ask(**measure.order)["seconds"])


def _measure_memory(running: dict[str, str], address: str, rounds: int, results: Results) -> None:
    """Measure the peak of a fresh process that does nothing but one long stream."""
    for _ in range(rounds):
        for name, python in running.items():
            with _process(python, "benchmarks.worker", name, address) as process:
                results.add(MEMORY, name, Contestant(process, name).ask(**MEMORY.order)["peak"])


def _measure_imports(running: dict[str, str], rounds: int, results: Results) -> None:
    """Measure in fresh interpreters, from the first line on: the interpreter's own start is nobody's doing.

    All is compiled once, as installers do, into a directory of its own: nobody gains by what lay around.
    """
    timed = "from time import perf_counter as now; started = now(); {statement}; print(now() - started)"
    with TemporaryDirectory() as compiled:
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        environment["PYTHONPYCACHEPREFIX"] = compiled
        for turn in range(rounds + 1):
            for name, python in running.items():
                command = (python, "-c", timed.format(statement=IMPORTS[name]))
                done = subprocess.run(command, cwd=_ROOT, env=environment, capture_output=True, text=True, check=True)
                if turn:  # the first one compiles
                    results.add(IMPORT, name, float(done.stdout))


def main() -> int:
    """Measure and print; return 1 if a bound was missed and `--check` was asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.chat", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds: a glance, not a measurement")
    parser.add_argument("--check", action="store_true", help="exit with status 1 if a bound is missed")
    options = parser.parse_args()
    rounds = _QUICK_ROUNDS if options.quick else _ROUNDS

    running = _interpreters()
    results = Results()
    with _process(sys.executable, "benchmarks.server") as server:
        address = server.stdout.readline().strip() if server.stdout else ""
        _measure_speed(running, address, rounds, results)
        _measure_memory(running, address, min(rounds, 3), results)
    _measure_imports(running, rounds, results)

    print(*table(results, list(running)), "", *verdicts(results), sep="\n")
    return 1 if options.check and not all_reached(results) else 0


if __name__ == "__main__":
    sys.exit(main())
