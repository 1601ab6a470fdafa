"""Bars over long work: shown where somebody watches or asks, silent elsewhere, honest when work begins anew."""

from __future__ import annotations

import io
import sys
import warnings
from types import SimpleNamespace

import pytest
import tqdm.auto

from stepfun_client import InvalidParameterError, progress
from stepfun_client.progress import is_watched, progress_bar

MB = 1 << 20
STORED = {"id": "file-1"}


class Bar:
    """Stands in for tqdm, and keeps what it was told."""

    made: list[Bar]

    def __init__(self, **settings):
        self.settings, self.n, self.seen, self.closed = settings, 0, [], False
        self.made.append(self)

    def update(self, n):
        self.n += n
        self.seen.append(self.n)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.closed = True


@pytest.fixture
def bars(monkeypatch):
    """The bars that were made."""
    Bar.made = []
    monkeypatch.setattr(tqdm.auto, "tqdm", Bar)
    return Bar.made


@pytest.fixture
def terminal(monkeypatch):
    """Standard error as a terminal has it; pytest puts its own back between a fixture and a test."""
    stream = SimpleNamespace(isatty=lambda: True, write=len, flush=lambda: None)
    monkeypatch.setattr(progress, "sys", SimpleNamespace(stderr=stream, modules=sys.modules))


# --- Where a bar is shown ---------------------------------------------------------------------------------------------


def test_a_terminal_is_watched(terminal):
    assert is_watched()


@pytest.mark.parametrize("stream", [None, io.StringIO()])
def test_a_log_is_not_watched(stream, monkeypatch):
    monkeypatch.setattr(sys, "stderr", stream)
    assert not is_watched()


def test_a_closed_stream_is_not_watched(monkeypatch):
    stream = io.StringIO()
    stream.close()
    monkeypatch.setattr(sys, "stderr", stream)
    assert not is_watched()


def test_a_notebook_without_widgets_has_a_plain_bar_and_no_warning(bars, monkeypatch, recwarn):
    def load(_):
        warnings.warn("IProgress not found. Please update jupyter and ipywidgets.", tqdm.TqdmWarning, stacklevel=2)
        return tqdm.auto

    monkeypatch.setattr(progress, "import_module", load)
    with progress_bar(1, unit="page", description="pages", wanted=True) as bar:
        bar.update(1)

    assert bars[0].seen == [1]
    assert not recwarn.list


@pytest.mark.parametrize(("shell", "watched"), [(None, False), (SimpleNamespace(kernel=1), True), (object(), False)])
def test_a_notebook_is_watched_and_a_script_that_imports_ipython_is_not(shell, watched, monkeypatch):
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    monkeypatch.setattr(sys, "stderr", None)
    assert is_watched() is watched


@pytest.mark.parametrize(("wanted", "shown"), [(None, 1), (True, 1), (False, 0)])
def test_in_a_terminal_only_false_turns_it_off(wanted, shown, bars, terminal):
    with progress_bar(3, unit="page", description="pages", wanted=wanted) as bar:
        bar.update(2)
        assert bar.is_shown == bool(shown)

    assert len(bars) == shown


@pytest.mark.parametrize(("wanted", "shown"), [(None, 0), (True, 1), (False, 0)])
def test_in_a_log_only_true_turns_it_on(wanted, shown, bars, monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)

    with progress_bar(3, unit="page", description="pages", wanted=wanted) as bar:
        bar.update(2)
        bar.reach(1)

    assert [made.seen for made in bars] == [[2, 1]] * shown
    assert all(made.closed for made in bars)


def test_bytes_are_counted_in_larger_units(bars):
    with progress_bar(3, unit="B", description="upload", wanted=True):
        pass

    assert bars[0].settings == {"total": 3, "unit": "B", "desc": "upload", "unit_scale": True, "unit_divisor": 1024}


def test_without_tqdm_nothing_is_shown_unless_it_is_asked_for(terminal, monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)

    with progress_bar(3, unit="page", description="pages") as bar:
        assert not bar.is_shown
    with (
        pytest.raises(InvalidParameterError, match="pip install tqdm") as refused,
        progress_bar(3, unit="page", description="pages", wanted=True),
    ):
        pytest.fail("the work must not begin")

    assert refused.value.param == "progress"


def test_tqdm_itself_draws_it(capsys):
    with progress_bar(2 * MB, unit="B", description="upload", wanted=True) as bar:
        bar.reach(MB)
        bar.reach(2 * MB)

    drawn = capsys.readouterr().err
    assert "upload: 100%" in drawn
    assert "2.00M/2.00M" in drawn


# --- Uploads ----------------------------------------------------------------------------------------------------------


@pytest.fixture(params=["path", "bytes", "file"])
def film(request, tmp_path):
    """2 MB to upload."""
    content = bytes(2 * MB)
    if request.param == "bytes":
        return content
    if request.param == "path":
        (tmp_path / "film.mp4").write_bytes(content)
        return tmp_path / "film.mp4"
    standing = io.BytesIO(b"skipped" + content)
    standing.seek(7)
    return standing


@pytest.fixture
def uploading(both, server, wire, terminal):
    """Uploads with either client, seen from a terminal."""
    server.answers(wire.reply(STORED))

    async def upload(file, **options):
        return await both.get(both.client(server).files.create(file, filename="film.mp4", **options))

    return upload


async def test_an_upload_shows_the_bytes_read(film, uploading, server, bars):
    await uploading(film)

    (bar,) = bars
    assert bar.settings["total"] == bar.n == 2 * MB
    assert bar.seen == sorted(bar.seen)
    assert len(bar.seen) > 10
    assert server.requests[0].size > 2 * MB
    assert bytes(1000) in server.requests[0].body
    assert b"skipped" not in server.requests[0].body


@pytest.mark.usefixtures("naps")
async def test_a_second_attempt_begins_anew(film, uploading, server, wire, bars):
    server.answers(wire.error(503), wire.reply(STORED))

    await uploading(film)

    (bar,) = bars
    assert bar.n == 2 * MB
    assert bar.seen.count(2 * MB) >= 2
    assert 0 in bar.seen[5:]
    assert len({request.size for request in server.requests}) == 1


SMALL_AND_LARGE = [(MB - 1, None, False), (MB, None, True), (9, True, True), (MB, False, False)]


@pytest.mark.parametrize(("size", "wanted", "shown"), SMALL_AND_LARGE)
async def test_a_small_upload_shows_nothing_unless_asked(size, wanted, shown, uploading, bars):
    await uploading(bytes(size), progress=wanted)

    assert bool(bars) is shown


async def test_a_file_the_service_fetches_shows_nothing(uploading, bars):
    await uploading("https://example.com/a.mp4", progress=True)

    assert bars == []


class Pipe(io.BytesIO):
    def seekable(self):
        return False

    def seek(self, *_):
        raise io.UnsupportedOperation

    tell = seek


@pytest.mark.parametrize("wanted", [None, True])
async def test_a_pipe_whose_size_is_unknown_shows_a_bar_only_if_asked(wanted, uploading, server, bars):
    await uploading(Pipe(bytes(2 * MB)), progress=wanted)

    assert [(bar.settings["total"], bar.n) for bar in bars] == ([(None, 2 * MB)] if wanted else [])
    assert server.requests[0].size > 2 * MB
