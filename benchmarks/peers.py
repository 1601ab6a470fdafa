"""The peers' environment, `.bench-venv`: made at first use, so that the project depends on none of them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

PACKAGES = ("langchain-openai", "langchain-mistralai", "langchain-deepseek")

# What we share with them is held at our versions: compared are the integrations, not two releases of langchain-core.
_SHARED = ("langchain", "langchain-core", "httpx", "pydantic")

_HOME = Path(__file__).resolve().parents[1] / ".bench-venv"


class PeersMissing(Exception):  # noqa: N818 - not an error of the program: the machine is offline
    """The peers cannot be installed here."""


def python() -> Path:
    """Return the interpreter of the peers' environment, made if need be.

    Raises:
        PeersMissing: If they cannot be installed, with the installer's last word.
    """
    wanted = [*PACKAGES, *(f"{name}=={version(name)}" for name in _SHARED)]
    interpreter = _HOME / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    installed = _HOME / "installed.txt"
    stamp = "\n".join([sys.version, *wanted])
    if not (installed.exists() and installed.read_text() == stamp):
        _install(interpreter, wanted)
        installed.write_text(stamp)
    return interpreter


def _install(interpreter: Path, wanted: list[str]) -> None:
    if uv := shutil.which("uv"):
        _run(uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(_HOME))
        _run(uv, "pip", "install", "--quiet", "--python", str(interpreter), *wanted)
    else:
        _run(sys.executable, "-m", "venv", "--clear", str(_HOME))
        _run(str(interpreter), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wanted)


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise PeersMissing(said[-1] if said else f"{command[0]} failed")
