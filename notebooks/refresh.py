# ruff: noqa: INP001 - a script beside the notebooks, not a package
"""Run the notebooks on the emulator and save what they show: `python notebooks/refresh.py`.

The outputs stay in the repository, so that a reader on GitHub sees them. What differs from machine to machine (times,
versions) is left out, and so are progress bars, which tell how fast it is.
"""

from __future__ import annotations

import os
from pathlib import Path

import nbformat
from nbclient import NotebookClient

FOLDER = Path(__file__).parent
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def refresh(path: Path) -> None:
    """Execute a notebook and write it back with its outputs."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=120,
        record_timing=False,
        coalesce_streams=True,
        kernel_name="python3",
        resources={"metadata": {"path": str(FOLDER)}},
    )
    client.execute()
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if not _is_bar(output)]
    notebook.metadata = nbformat.from_dict(METADATA)
    nbformat.write(notebook, path)


def _is_bar(output: nbformat.NotebookNode) -> bool:
    """Say whether an output is a progress bar, as text or as a widget."""
    is_text = output.get("name") == "stderr" and "%|" in output.text
    return is_text or "application/vnd.jupyter.widget-view+json" in output.get("data", {})


if __name__ == "__main__":
    for name in ("STEP_API_KEY", "STEPFUN_API_KEY", "STEPFUN_BASE_URL"):
        os.environ.pop(name, None)  # what is published comes from the emulator
    for found in sorted(FOLDER.glob("*.ipynb")):
        refresh(found)
