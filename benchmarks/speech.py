"""How fast and how small speech is: an hour of sound, a hundred voices, a long text, a text that is being written.

`python -m benchmarks.speech` (or `make bench`) measures against the emulator, which has a process of its own, as every
measurement has. What is bounded does not depend on the machine: ratios, and memory that must not grow.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[1]
_SLOW = ("--fault", "slow", "--delay", "0.05")  # a synthesis takes 0.2 s, most of which is waiting


@dataclass(frozen=True)
class Figure:
    """One thing that is measured.

    Attributes:
        task: What the worker does; see `benchmarks.speech_worker`.
        words: What is to be reached.
        unit: What the figure counts.
        most: The bound from above.
        least: The bound from below.
        emulator: How the emulator is started for it.
    """

    task: str
    words: str
    unit: str
    most: float = float("inf")
    least: float = 0.0
    emulator: tuple[str, ...] = ()

    def verdict(self, figure: float) -> str:
        """Say whether the bound was reached."""
        return f"{figure:.2f} {self.unit}: {'reached' if self.is_reached(figure) else 'MISSED'}"

    def is_reached(self, figure: float) -> bool:
        """Whether the bound was reached."""
        return self.least <= figure <= self.most


FIGURES = (
    Figure("live", "an hour of live sound grows the process by at most 32 MB", "MB", most=32),
    Figure("live_async", "the same, asynchronously", "MB", most=32),
    Figure("at_once", "100 syntheses at once at least 10 x faster than in turn", "x", least=10, emulator=_SLOW),
    Figure("long_text", "20,000 characters' wav takes at most 2.2 x its size", "x", most=2.2),
    Figure("first_sound", "first sound within a quarter of a text's time", "of it", most=0.25),
)


@contextmanager
def _emulator(*options: str) -> Iterator[str]:
    """Run an emulator in a process of its own and give its address."""
    command = (sys.executable, "-m", "stepfun_emulator", "--port", "0", *options)
    with subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process.stdout.readline().strip() if process.stdout else ""
        finally:
            process.terminate()


def _measure(figure: Figure, worker: str) -> float:
    with _emulator(*figure.emulator) as address:
        command = (sys.executable, "-m", worker, figure.task, address)
        return float(subprocess.run(command, cwd=_ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout)


def main(figures: Sequence[Figure] = FIGURES, subject: str = "speech", description: str | None = __doc__) -> int:
    """Measure and print; return 1 if a bound was missed and `--check` was asked for.

    Args:
        figures: What is measured.
        subject: What it is about: `benchmarks.<subject>_worker` does the tasks.
        description: What `--help` says.
    """
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{subject}", description=description)
    parser.add_argument("--check", action="store_true", help="exit with status 1 if a bound is missed")
    options = parser.parse_args()
    width = max(len(figure.words) for figure in figures)
    are_reached = []
    for figure in figures:
        measured = _measure(figure, f"benchmarks.{subject}_worker")
        are_reached.append(figure.is_reached(measured))
        print(f"{figure.words:<{width}}  {figure.verdict(measured)}", flush=True)
    return 1 if options.check and not all(are_reached) else 0


if __name__ == "__main__":
    sys.exit(main())
