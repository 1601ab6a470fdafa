"""Files that somebody else names: which names are addresses, and what of a folder is read."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any

import pytest

from stepfun_client.errors import InvalidParameterError
from stepfun_client.named_files import read_inside, scheme_of

posix = pytest.mark.skipif(os.name == "nt", reason="links and pipes as POSIX has them")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a few files, beside a secret, and links in it."""
    root = tmp_path / "open"
    (root / "sub").mkdir(parents=True)
    for name in ("a.txt", "sub/b.txt", "meeting: monday.wav", "C:", "notes:1.txt"):
        (root / name).write_text("inside")
    (root / "empty").touch()
    (tmp_path / "secret.txt").write_text("outside")
    (root / "out").symlink_to(tmp_path)
    (root / "in").symlink_to(root / "sub")
    (root / "b").symlink_to("sub/b.txt")
    return root


@pytest.mark.parametrize(
    ("name", "scheme"),
    [
        ("https://a.b/c.wav", "https"),
        ("HTTP:127.0.0.1", "http"),
        ("file:/etc/passwd", "file"),
        ("data:audio/wav;base64,AAAA", "data"),
        ("javascript:alert(1)", "javascript"),
        ("stepfile://file-1", "stepfile"),
        ("//server/share", "//"),
        ("\\\\server\\share", "//"),
        ("meeting: monday.wav", None),
        ("notes:1.txt", None),
        ("C:\\a.wav", None),
        ("a/http://b", None),
        ("", None),
        (":", None),
    ],
)
def test_an_address_is_told_from_a_file_with_a_colon(name, scheme):
    assert scheme_of(name) == scheme


@posix
@pytest.mark.parametrize(
    "name", ["a.txt", "sub/b.txt", "sub/../a.txt", "in/b.txt", "b", "meeting: monday.wav", "{root}/a.txt"]
)
def test_what_lies_in_the_folder_is_read(folder, name):
    assert read_inside(folder, name.format(root=folder), max_bytes=6) == b"inside"


@posix
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("../secret.txt", "it is not in the folder"),
        ("out/secret.txt", "it is not in the folder"),
        ("/etc/passwd", "it is not in the folder"),
        ("nothing", "there is no such file, or it cannot be read"),
        ("a.txt\x00", "there is no such file, or it cannot be read"),
        ("\ud800", "there is no such file, or it cannot be read"),
        (".", "it is no file"),
        ("", "it is no file"),
        ("sub", "it is no file"),
        ("empty", "it has 0 bytes; allowed are 1 to 5"),
        ("a.txt", "it has 6 bytes; allowed are 1 to 5"),
    ],
)
def test_what_does_not_is_refused_with_a_reason(folder, name, reason):
    with pytest.raises(InvalidParameterError) as refused:
        read_inside(folder, name, max_bytes=5)

    assert str(refused.value) == reason


@posix
@pytest.mark.parametrize(("swapped", "walks"), [("sub", True), ("sub/b.txt", True), ("sub/b.txt", False)])
def test_what_becomes_a_link_after_it_was_checked_is_not_followed(folder, monkeypatch, swapped, walks):
    if not walks:
        monkeypatch.setattr(os, "supports_dir_fd", set())  # as on Windows
    (folder.parent / "b.txt").write_text("outside")
    really = os.path.realpath

    def checked(path: Any) -> str:
        found = really(path)
        if str(path).endswith("b.txt"):
            (folder / swapped).rename(folder / "gone")
            (folder / swapped).symlink_to(folder.parent / ("" if swapped == "sub" else "b.txt"))
        return found

    monkeypatch.setattr(os.path, "realpath", checked)

    with pytest.raises(InvalidParameterError, match="no such file"):
        read_inside(folder, "sub/b.txt", max_bytes=100)


@posix
def test_no_file_stays_open(folder):
    held = set()

    for name in ("sub/b.txt", "sub", "nothing/at/all", "sub/nothing", "empty"):
        with contextlib.suppress(InvalidParameterError):
            read_inside(folder, name, max_bytes=100)
        with (folder / "a.txt").open() as file:
            held.add(file.fileno())  # the lowest that is free

    assert len(held) == 1
