"""The rules of the house: which package may import what, what every package carries, and that names agree."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import stepfun_client

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # pytest brings it along

ROOT = Path(__file__).parents[3]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PACKAGES = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
FRAMEWORKS = {"langchain_stepfun": {"langchain_core", "langchain_protocol"}, "llama_index_stepfun": {"llama_index"}}
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))

each_package = pytest.mark.parametrize("package", PACKAGES)
each_module = pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def imports(path: Path) -> Iterator[tuple[str, bool]]:
    """What a module imports, dotted, and whether only type checkers do."""

    def walk(node: ast.AST, *, typing_only: bool) -> Iterator[tuple[str, bool]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                yield from ((alias.name, typing_only) for alias in child.names)
            elif isinstance(child, ast.ImportFrom):
                assert child.level == 0, f"{path}: a relative import"
                yield from ((f"{child.module}.{alias.name}", typing_only) for alias in child.names)
            elif isinstance(child, ast.If) and ast.unparse(child.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
                for part in child.body:
                    yield from walk(ast.Module([part], []), typing_only=True)
            else:
                yield from walk(child, typing_only=typing_only)

    yield from walk(tree_of(path), typing_only=False)


def imported(path: Path, *, at_run_time: bool = False) -> set[str]:
    return {name for name, typing_only in imports(path) if not (at_run_time and typing_only)}


def of_package(names: set[str], *packages: str) -> set[str]:
    return {name for name in names if name.partition(".")[0] in packages}


# --- Arrows point down -----------------------------------------------------------------------------------------------

ALLOWED = {
    "stepfun_client": set(),
    "stepfun_emulator": set(),
    "langchain_stepfun": {"stepfun_client"},
    "llama_index_stepfun": {"stepfun_client"},
}


@each_module
def test_a_package_imports_only_those_below_it(path: Path) -> None:
    package = path.relative_to(ROOT).parts[0]

    others = {name.partition(".")[0] for name in imported(path)} & set(ALLOWED) - {package}

    assert others <= ALLOWED[package]


@each_module
def test_only_the_framework_packages_know_a_framework(path: Path) -> None:
    package = path.relative_to(ROOT).parts[0]
    known = {name.partition(".")[0] for name in imported(path)}
    frameworks = {name for name in known if re.match(r"lang(chain|graph|smith)|llama_index", name)} - set(FRAMEWORKS)

    assert frameworks <= FRAMEWORKS.get(package, set())


LAYERS = ("errors", "core", "api", "resources", "client", "config")  # of the client, from below


def layer(name: str) -> int | None:
    """The layer of a module of the client by its dotted name; None for data and helpers beside the layers."""
    parts = name.split(".")
    return LAYERS.index(parts[1]) if parts[0] == "stepfun_client" and len(parts) > 1 and parts[1] in LAYERS else None


@pytest.mark.parametrize(
    "path", sorted((ROOT / "stepfun_client").rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT))
)
def test_inside_the_client_arrows_point_down_too(path: Path) -> None:
    own = layer(".".join(path.relative_to(ROOT).with_suffix("").parts))
    if own is None:
        own = len(LAYERS) if path.name == "__init__.py" else 0  # catalog, media, ... stand beside errors

    above = {name for name in imported(path, at_run_time=True) if (layer(name) or 0) > own}

    assert above == set()


def test_httpx_is_touched_in_one_module_only() -> None:
    touching = {
        path.relative_to(ROOT).as_posix() for path in MODULES if of_package(imported(path), "httpx", "httpcore")
    }

    assert touching == {"stepfun_client/core/transport.py"}


def test_websockets_are_touched_in_one_module_only() -> None:
    touching = {path.relative_to(ROOT).as_posix() for path in MODULES if of_package(imported(path), "websockets")}
    client = {name for name in touching if not name.startswith("stepfun_emulator/")}

    assert client <= {"stepfun_client/core/websocket.py"}


@each_module
def test_no_event_loop_is_started_behind_the_callers_back(path: Path) -> None:
    calls = {ast.unparse(node.func) for node in ast.walk(tree_of(path)) if isinstance(node, ast.Call)}

    assert not calls & {"asyncio.run", "asyncio.new_event_loop", "asyncio.to_thread", "loop.run_until_complete"}


@each_module
def test_no_module_is_too_long_or_called_utils(path: Path) -> None:
    assert path.stem not in ("utils", "util", "helpers", "misc", "common")
    assert len(path.read_text("utf-8").splitlines()) <= 450


# --- What every package carries --------------------------------------------------------------------------------------


@each_package
def test_a_package_is_typed_and_says_what_it_is(package: str) -> None:
    assert (ROOT / package / "py.typed").is_file()
    assert ast.get_docstring(tree_of(ROOT / package / "__init__.py"))


@each_package
def test_a_package_is_checked_and_measured(package: str) -> None:
    assert package in PROJECT["tool"]["mypy"]["packages"]
    assert package in PROJECT["tool"]["coverage"]["run"]["source"]


# --- Names agree -----------------------------------------------------------------------------------------------------


def test_the_version_is_said_once_in_different_places() -> None:
    version = PROJECT["project"]["version"]

    assert stepfun_client.__version__ == version
    assert re.search(rf"^## {re.escape(version)}\b", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)


def test_make_help_lists_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))

    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout

    assert {"demo", "test", "lint", "format", "type", "bench", "record", "notebooks", "help"} <= targets
    assert set(re.findall(r"^  make ([a-z]+) +\S", listed, re.MULTILINE)) == targets
    assert targets == set(re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[1].split())


def test_every_extra_that_is_promised_exists() -> None:
    assert {"langchain", "llama-index", "config", "emulator", "notebooks", "all"} <= set(
        PROJECT["project"]["optional-dependencies"]
    )


def test_llamahub_is_told_every_class_and_where_it_is() -> None:
    told = PROJECT["tool"]["llamahub"]

    module = importlib.import_module(told["import_path"])
    assert set(told["class_authors"]) == {name for name in module.__all__ if isinstance(getattr(module, name), type)}
    assert told["contains_example"] is False
