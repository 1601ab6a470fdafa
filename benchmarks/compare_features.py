"""What our classes give their users, beside other ways to reach StepFun from the same framework: the READMEs' tables.

`python -m benchmarks.compare_features` starts an emulator, as lenient as the service is, and asks each class the same
questions, the peers in an environment of their own (see `benchmarks.peers`). No cell is written by hand: `--write` puts
the tables between the markers in both READMEs, `--check` says whether they still stand there, `--table` picks one.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import stepfun_emulator
from benchmarks import peers
from benchmarks.features.probing import KEY, KEY_VARIABLES, Contender, Outcome
from benchmarks.features.subjects import SUBJECTS, Subject
from benchmarks.features.table import CHINESE, ENGLISH, Findings, Language, MarkersMissing, agrees, put, write

_ROOT = Path(__file__).resolve().parents[1]
_DOCUMENTS = {"README.md": ENGLISH, "README.zh-CN.md": CHINESE}

# What a developer has set for other purposes, and would lead a model elsewhere.
_MISLEADING = re.compile(
    r"(OPENAI|DEEPSEEK|STEP|STEPFUN|LANGCHAIN|LANGSMITH|LLAMA|LLAMA_INDEX)_|.*_PROXY$", re.IGNORECASE
)


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not _MISLEADING.match(name)}
    return {**kept, **dict.fromkeys(KEY_VARIABLES, KEY)}


def _ask(subject: Subject, contender: Contender, python: str, base_url: str) -> dict[str, Any]:
    command = (python, "-m", "benchmarks.features.worker", subject.name, contender.name, base_url)
    done = subprocess.run(command, cwd=_ROOT, env=_environment(), stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        message = f"{contender.name} could not be asked; the reason is above"
        raise SystemExit(message)
    return json.loads(done.stdout)


def find_out(subject: Subject, interpreters: dict[Contender, str]) -> Findings:
    """Ask everybody.

    Args:
        subject: The table.
        interpreters: Who is asked, and the interpreter that has it installed.
    """
    with stepfun_emulator.running(lenient=True) as base_url:
        answers = {one: _ask(subject, one, python, base_url) for one, python in interpreters.items()}
    return Findings(
        outcomes={one.name: [Outcome(*found) for found in answer["found"]] for one, answer in answers.items()},
        versions=[f"{one.distribution} {answer['version']}" for one, answer in answers.items() if one != subject.us],
        rows=subject.rows,
    )


def main() -> int:
    """Measure and print; return 1 if a document could not be written, or does not agree."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compare_features", description=__doc__)
    todo = parser.add_mutually_exclusive_group()
    todo.add_argument("--write", action="store_true", help="put the tables into both READMEs")
    todo.add_argument("--check", action="store_true", help="exit with status 1 if a README's table says otherwise")
    parser.add_argument("--table", choices=SUBJECTS, help="this table alone")
    options = parser.parse_args()
    return max([_table(SUBJECTS[name], options) for name in ([options.table] if options.table else SUBJECTS)])


def _table(subject: Subject, options: argparse.Namespace) -> int:
    """Make one table, and do with it what was asked for; return the exit status."""
    interpreters = {subject.us: sys.executable}
    try:
        interpreters |= dict.fromkeys(subject.peers, str(subject.environment.python()))
    except peers.PeersMissing as reason:
        names = ", ".join(one.name for one in subject.peers)
        print(f"Without {names}: they cannot be installed here ({reason}).\n")
        if options.write or options.check:
            return 1

    findings = find_out(subject, interpreters)
    if not (options.write or options.check):
        print(write(findings, ENGLISH), end="\n\n")
        return 0
    return max([_settle(name, findings, words, subject, options) for name, words in _DOCUMENTS.items()])


def _settle(name: str, findings: Findings, words: Language, subject: Subject, options: argparse.Namespace) -> int:
    """Write the table into a document, or check it; return the exit status."""
    path, text = _ROOT / name, write(findings, words)
    document = path.read_text("utf-8")
    try:
        if options.write:
            path.write_text(put(document, text, subject.markers), "utf-8")
            return 0
        is_right = agrees(document, text, subject.markers)
    except MarkersMissing:
        print(f"{name} has no place for the table: it needs the lines {' and '.join(subject.markers)}")
        return 1
    print(f"{name}: {subject.name} {'agrees with what was measured' if is_right else 'says otherwise; write it again'}")
    return 0 if is_right else 1


if __name__ == "__main__":
    sys.exit(main())
