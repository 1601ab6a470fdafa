"""The documents: every Python block runs, every make target exists, and the docstrings' examples say the truth.

All of it runs against the emulator, where a reader has a key.
"""

from __future__ import annotations

import asyncio
import doctest
import importlib
import pkgutil
import re
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import pytest
from pydantic import BaseModel

import langchain_stepfun
import llama_index_stepfun
import stepfun_emulator
from demo.picture import BLUE, GREEN, RED, bar_chart
from stepfun_client import StepFunClient

if TYPE_CHECKING:
    from stepfun_emulator import Emulator

ROOT = Path(__file__).parents[3]
DOCUMENTS = sorted(path for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")] if path.name != "CHANGELOG.md")
READMES = [path for path in DOCUMENTS if path.name.startswith("README")]


def blocks(path: Path, language: str) -> list[tuple[int, str]]:
    """The fenced blocks of a document, each with the number of its first line."""
    text = path.read_text("utf-8")
    fences = re.finditer(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [(text[: fence.start(1)].count("\n") + 1, fence[1]) for fence in fences]


PYTHON = [
    pytest.param(path, line, code, id=f"{path.name}:{line}")
    for path in DOCUMENTS
    for line, code in blocks(path, "python")
]
SHELL = [pytest.param(code, id=f"{path.name}:{line}") for path in DOCUMENTS for line, code in blocks(path, "(?:ba)?sh")]


@pytest.fixture(scope="module")
def recording() -> bytes:
    """Somebody speaks for some seconds: long enough to be cloned."""
    with stepfun_emulator.running() as base_url, StepFunClient(api_key="any", base_url=base_url) as client:
        said = "Tell me a story about the sea, please. It may be short."
        return client.speech.create(model="step-tts-2", voice="cixingnansheng", input=said).content


@pytest.fixture
def readers_desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, emulator: Emulator, recording: bytes) -> None:
    """A folder with the files the examples read, and an environment with a key."""
    (tmp_path / "recording.mp3").write_bytes(recording)
    (tmp_path / "photo.png").write_bytes(bar_chart([(RED, 1), (GREEN, 2), (BLUE, 3)], width=120, height=90))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STEP_API_KEY", "any")
    monkeypatch.setenv("STEPFUN_BASE_URL", emulator.base_url)
    monkeypatch.setenv("MODELVERSE_API_KEY", "another")
    monkeypatch.setenv("MODELVERSE_BASE_URL", emulator.modelverse_url)


@pytest.mark.usefixtures("readers_desk")
@pytest.mark.parametrize(("path", "line", "code"), PYTHON)
def test_every_python_block_runs_by_itself(path: Path, line: int, code: str, capsys: pytest.CaptureFixture) -> None:
    at_its_line = "\n" * (line - 1) + code

    exec(compile(at_its_line, str(path), "exec"), {"__name__": "__main__"})

    if "print(" in code:
        assert capsys.readouterr().out.strip()


def test_both_readmes_hold_the_same_examples() -> None:
    """Block for block the same code, but for its words in strings and comments, and so for where its lines break."""

    def bare(code: str) -> str:
        return re.sub(r"#.*|\"[^\"]*\"|\s+|,(?=\s*\))", "", code)

    english, *others = [[bare(code) for _, code in blocks(path, "python")] for path in READMES]
    assert english
    assert others
    assert all(other == english for other in others)


@pytest.mark.parametrize("path", READMES, ids=lambda path: path.name)
def test_a_readme_begins_with_what_to_type(path: Path) -> None:
    assert blocks(path, "bash")[0][1].startswith("make demo")


@pytest.mark.parametrize("code", SHELL)
def test_every_make_target_that_is_named_exists(code: str) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))

    for names in re.findall(r"(?:^|\s)make((?: [a-z]+)+)", re.sub(r"#.*", "", code)):
        assert set(names.split()) <= targets


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_make_targets_and_files_in_the_text_exist(path: Path) -> None:
    text = path.read_text("utf-8")
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))

    for names in re.findall(r"`make((?: [a-z]+)+)`", text):
        assert set(names.split()) <= targets
    for link in re.findall(r"\]\((?!https?:|#)([^)#]+)", text):
        assert (path.parent / link).exists()


# --- Docstrings ------------------------------------------------------------------------------------------------------


def modules(package: ModuleType) -> list[ModuleType]:
    found = pkgutil.walk_packages(package.__path__, package.__name__ + ".")
    return [package, *(importlib.import_module(info.name) for info in found if not info.name.endswith("__main__"))]


DOCSTRINGS = [
    pytest.param(package, test, id=test.name)
    for package in (langchain_stepfun, llama_index_stepfun)
    for module in modules(package)
    for test in doctest.DocTestFinder(exclude_empty=True).find(module)
    if test.examples
]


def test_there_are_examples() -> None:
    assert len(DOCSTRINGS) >= 3


@pytest.mark.usefixtures("readers_desk")
@pytest.mark.parametrize(("package", "test"), DOCSTRINGS)
def test_the_examples_in_docstrings(package: ModuleType, test: doctest.DocTest, capsys: pytest.CaptureFixture) -> None:
    public = {name: getattr(package, name) for name in package.__all__}
    test.globs = {**test.globs, **public, "asyncio": asyncio, "BaseModel": BaseModel}  # what a reader has imported
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)

    failed, _ = runner.run(test, clear_globs=False)

    assert not failed, capsys.readouterr().out
