"""The notebooks: each runs from start to end without a key, on the emulator that it starts itself."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
from nbclient import NotebookClient

if TYPE_CHECKING:
    import pytest

ROOT = Path(__file__).parents[3]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
HELLO = """
import stepfun_emulator
from langchain_stepfun import ChatStepFun
with stepfun_emulator.running() as base_url:
    print(ChatStepFun(base_url=base_url, api_key="any").invoke("What is 6 * 7?").text)
"""


def run(notebook: nbformat.NotebookNode, folder: Path) -> nbformat.NotebookNode:
    """Execute a notebook in a kernel of its own."""
    return NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(folder)}}).execute()


def outputs(notebook: nbformat.NotebookNode) -> str:
    return "".join(output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", ()))


def test_a_notebook_can_run_here(tmp_path: Path) -> None:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(HELLO)])

    assert "42" in outputs(run(notebook, tmp_path))


def test_each_notebook_runs(subtests: pytest.Subtests) -> None:
    for path in NOTEBOOKS:
        with subtests.test(path.name):
            notebook = run(nbformat.read(path, as_version=4), path.parent)

            assert all(cell.execution_count for cell in notebook.cells if cell.cell_type == "code" and cell.source)


def test_saved_outputs_are_whole_and_of_no_machine(subtests: pytest.Subtests) -> None:
    """`notebooks/refresh.py` makes them: all cells ran, in order, and nothing tells of the machine or its speed."""
    for path in NOTEBOOKS:
        with subtests.test(path.name):
            notebook = nbformat.read(path, as_version=4)
            counts = [cell.execution_count for cell in notebook.cells if cell.cell_type == "code"]

            assert counts == list(range(1, len(counts) + 1))
            assert notebook.metadata.keys() == {"kernelspec", "language_info"}
            assert not any(cell.metadata for cell in notebook.cells)
            assert not re.search(r"/home/|/root/|/Users/|/tmp/|site-packages|Traceback|%\|", outputs(notebook))
            assert path.stat().st_size < 500_000
