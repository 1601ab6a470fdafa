"""The run both benchmarks share: one process for each contender, asked for the same in turn, round after round.

A benchmark is a `Suite`: who takes part, what is measured, what is to be reached.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from benchmarks.peers import Environment, PeersMissing
from benchmarks.results import Bound, Growth, Measure, Results, all_reached, table, verdicts

if TYPE_CHECKING:
    from types import ModuleType

_ROOT = Path(__file__).resolve().parents[1]
_ROUNDS, _QUICK_ROUNDS = 8, 2


@dataclass(frozen=True)
class Suite:
    """A benchmark.

    Attributes:
        us: Whose bounds these are.
        contenders: The module that says who takes part: `OURS`, `PEERS` and what each must `IMPORT`.
        environment: Where the peers are installed.
        speed: What is measured in seconds, in turn.
        imported: The measure of the import times.
        memory: The measure of the peak memory.
        bounds: What is to be reached.
    """

    us: str
    contenders: ModuleType
    environment: Environment
    speed: Sequence[Measure]
    imported: Measure
    memory: Measure
    bounds: Sequence[Bound | Growth]

    @property
    def measures(self) -> list[Measure]:
        """The table's rows."""
        return [*self.speed, self.imported, self.memory]


@contextmanager
def _process(python: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Start a module of this package; it ends by itself when its standard input closes."""
    command = (python, "-m", *arguments)
    with subprocess.Popen(command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process


def _worker(suite: Suite, python: str, name: str, address: str) -> AbstractContextManager[subprocess.Popen[str]]:
    return _process(python, "benchmarks.worker", suite.contenders.__name__, name, address)


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


def _interpreters(suite: Suite) -> dict[str, str]:
    """Say which interpreter runs whom."""
    running = dict.fromkeys(suite.contenders.OURS, sys.executable)
    print(f"Preparing the peers' environment ({', '.join(suite.environment.packages)}) ...", file=sys.stderr)
    try:
        running |= dict.fromkeys(suite.contenders.PEERS, str(suite.environment.python()))
    except PeersMissing as reason:
        print(f"Without {', '.join(suite.contenders.PEERS)}: they cannot be installed here ({reason}).\n")
    return running


def _measure_speed(suite: Suite, running: dict[str, str], address: str, rounds: int, results: Results) -> None:
    """Measure in turn, so that what slows the machine for a while slows everybody."""
    with ExitStack() as stack:
        contestants = {
            name: Contestant(stack.enter_context(_worker(suite, python, name, address)), name)
            for name, python in running.items()
        }
        for measure in suite.speed:
            for contestant in contestants.values():  # makes sure that nobody is fast by dropping text, and warms up
                contestant.ask(task="check", count=1, chunks=measure.chunks)
            for _ in range(rounds * measure.weight):
                for name, contestant in contestants.items():
                    results.add(measure, name, contestant.ask(**measure.order)["seconds"])


def _measure_memory(suite: Suite, running: dict[str, str], address: str, rounds: int, results: Results) -> None:
    """Measure the peak of a fresh process that does nothing but one long stream."""
    for _ in range(rounds):
        for name, python in running.items():
            with _worker(suite, python, name, address) as process:
                results.add(suite.memory, name, Contestant(process, name).ask(**suite.memory.order)["peak"])


def _measure_imports(suite: Suite, running: dict[str, str], rounds: int, results: Results) -> None:
    """Measure in fresh interpreters, from the first line on: the interpreter's own start is nobody's doing.

    All is compiled once, as installers do, into a directory of its own: nobody gains by what lay around.
    """
    timed = "from time import perf_counter as now; started = now(); {statement}; print(now() - started)"
    with TemporaryDirectory() as compiled:
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        environment["PYTHONPYCACHEPREFIX"] = compiled
        for turn in range(rounds + 1):
            for name, statement in suite.contenders.IMPORTS.items():
                if name not in running:
                    continue
                command = (running[name], "-c", timed.format(statement=statement))
                done = subprocess.run(command, cwd=_ROOT, env=environment, capture_output=True, text=True, check=True)
                if turn:  # the first one compiles
                    results.add(suite.imported, name, float(done.stdout))


def run(suite: Suite, prog: str, description: str | None) -> int:
    """Measure and print; return 1 if a bound was missed and `--check` was asked for."""
    parser = argparse.ArgumentParser(prog=prog, description=description)
    parser.add_argument("--quick", action="store_true", help="fewer rounds: a glance, not a measurement")
    parser.add_argument("--check", action="store_true", help="exit with status 1 if a bound is missed")
    options = parser.parse_args()
    rounds = _QUICK_ROUNDS if options.quick else _ROUNDS

    running = _interpreters(suite)
    results = Results(suite.us)
    with _process(sys.executable, "benchmarks.server") as server:
        address = server.stdout.readline().strip() if server.stdout else ""
        _measure_speed(suite, running, address, rounds, results)
        _measure_memory(suite, running, address, min(rounds, 3), results)
    _measure_imports(suite, running, rounds, results)

    print(*table(results, suite.measures, list(running)), "", *verdicts(results, suite.bounds), sep="\n")
    return 1 if options.check and not all_reached(results, suite.bounds) else 0
