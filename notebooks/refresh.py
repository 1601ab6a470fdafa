# ruff: noqa: INP001 - a script beside the notebooks, not a package
"""Run the notebooks on the emulator and save what they show: `python notebooks/refresh.py`.

The outputs stay in the repository, so that a reader on GitHub sees them. What differs from machine to machine (times,
versions) is left out.
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
    notebook.metadata = nbformat.from_dict(METADATA)
    nbformat.write(notebook, path)


if __name__ == "__main__":
    for name in ("STEP_API_KEY", "STEPFUN_API_KEY", "STEPFUN_BASE_URL"):
        os.environ.pop(name, None)  # what is published comes from the emulator
    for found in sorted(FOLDER.glob("*.ipynb")):
        refresh(found)
