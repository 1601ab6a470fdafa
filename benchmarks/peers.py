"""The peers' environments, below `.bench-venv`: made at first use, so that the project depends on none of them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

_HOME = Path(__file__).resolve().parents[1] / ".bench-venv"


class PeersMissing(Exception):  # noqa: N818 - not an error of the program: the machine is offline
    """The peers cannot be installed here."""


@dataclass(frozen=True)
class Environment:
    """Where the peers of one framework are installed.

    Attributes:
        name: Its directory.
        packages: The peers.
        shared: What we share with them, held at our versions: compared are the integrations, not two releases of core.
    """

    name: str
    packages: tuple[str, ...]
    shared: tuple[str, ...]

    def python(self) -> Path:
        """Return the environment's interpreter, made if need be.

        Raises:
            PeersMissing: If the peers cannot be installed, with the installer's last word.
        """
        home = _HOME / self.name
        wanted = [*self.packages, *(f"{name}=={version(name)}" for name in self.shared)]
        interpreter = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        installed = home / "installed.txt"
        stamp = "\n".join([sys.version, *wanted])
        if not (installed.exists() and installed.read_text() == stamp):
            _install(home, interpreter, wanted)
            installed.write_text(stamp)
        return interpreter


LANGCHAIN = Environment(
    "langchain",
    packages=("langchain-openai", "langchain-mistralai", "langchain-deepseek"),
    shared=("langchain", "langchain-core", "httpx", "pydantic"),
)
LLAMA_INDEX = Environment(
    "llama-index",
    packages=("llama-index-llms-stepfun",),
    shared=("llama-index-core", "httpx", "pydantic"),
)


def _install(home: Path, interpreter: Path, wanted: list[str]) -> None:
    if uv := shutil.which("uv"):
        _run(uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(home))
        _run(uv, "pip", "install", "--quiet", "--python", str(interpreter), *wanted)
    else:
        _run(sys.executable, "-m", "venv", "--clear", str(home))
        _run(str(interpreter), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wanted)


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise PeersMissing(said[-1] if said else f"{command[0]} failed")
