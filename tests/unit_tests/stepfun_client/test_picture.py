"""Picture: told and measured by its content, shown, saved."""

from __future__ import annotations

import base64
import copy
import io
import pickle
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from IPython.core.formatters import DisplayFormatter
from PIL import Image

import stepfun_client
from stepfun_client import InvalidParameterError, Picture
from stepfun_client.dimensions import dimensions
from stepfun_client.saving import save_whole

FORMATS = ("png", "jpeg", "webp", "gif")
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"><script>alert(1)</script></svg>'
HTML = b"<!doctype html><html><title>Log in</title></html>"


def drawn(form, width=40, height=30, mode="RGB", **options):
    file = io.BytesIO()
    Image.new(mode, (width, height)).save(file, format=form, **options)
    return file.getvalue()


# What it is


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize(("width", "height"), [(1, 1), (40, 30), (1360, 768), (768, 1360)])
def test_every_format_is_told_and_measured_as_pillow_opens_it(form, width, height):
    picture = Picture.of(drawn(form, width, height))
    assert (picture.format, picture.media_type) == (form, f"image/{form}")
    assert (picture.width, picture.height) == (width, height) == picture.to_pil().size


VARIANTS = {
    "WebP without loss": drawn("webp", 300, 200, lossless=True),
    "WebP with transparency": drawn("webp", 300, 200, "RGBA"),
    "WebP with metadata": drawn("webp", 300, 200, exif=b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0"),
    "JPEG in grey": drawn("jpeg", 300, 200, "L"),
    "progressive JPEG": drawn("jpeg", 300, 200, progressive=True),
    "JPEG with a profile before its frame": drawn("jpeg", 300, 200, icc_profile=bytes(200_000)),
    "JPEG with fill bytes": drawn("jpeg", 300, 200).replace(b"\xff\xdb", b"\xff\xff\xff\xdb", 1),
    "JPEG with a restart marker": drawn("jpeg", 300, 200).replace(b"\xff\xdb", b"\xff\xd0\xff\xdb", 1),
    "interlaced PNG of colours": drawn("png", 300, 200, "P"),
    "PNG of 16 bits": drawn("png", 300, 200, "I;16"),
    "older GIF": b"GIF87a" + drawn("gif", 300, 200)[6:],
}


@pytest.mark.parametrize("content", VARIANTS.values(), ids=VARIANTS)
def test_variants_are_measured_too(content):
    assert dimensions(content) == (300, 200)


NOT_MEASURED = {
    "nothing": b"",
    "words": b"just some words",
    "a PNG without its header": b"\x89PNG\r\n\x1a\n\0\0\0\rIDAT" + bytes(8),
    "a PNG that is 0 wide": drawn("png").replace(b"IHDR\0\0\0(", b"IHDR\0\0\0\0"),
    "a JPEG whose pixels come first": b"\xff\xd8\xff\xda\0\x08",
    "a JPEG that ends at once": b"\xff\xd8\xff\xd9",
    "a JPEG with noise in it": b"\xff\xd8noise",
    "a WebP of another kind": b"RIFF\0\0\0\0WEBPVP9 " + bytes(30),
    "a WebP with a wrong start": b"RIFF\0\0\0\0WEBPVP8 " + bytes(30),
    "a lossless WebP with a wrong start": b"RIFF\0\0\0\0WEBPVP8L" + bytes(30),
    "half a WebP": b"RIFF\0\0\0\0WEBPVP8X" + bytes(10),
}


@pytest.mark.parametrize("content", NOT_MEASURED.values(), ids=NOT_MEASURED)
def test_what_cannot_be_measured_is_not_guessed(content):
    assert dimensions(content) is None


WHOLE = {form: drawn(form, 321, 123) for form in FORMATS}


@given(st.sampled_from(FORMATS), st.data())
def test_truncated_and_broken_headers_are_tolerated(form, data):
    whole = WHOLE[form]
    cut = whole[: data.draw(st.integers(0, len(whole)))]
    assert dimensions(cut) in (None, (321, 123))
    at = data.draw(st.integers(0, len(whole)))
    found = dimensions(whole[:at] + data.draw(st.binary(max_size=20)) + whole[at:])
    assert found is None or min(found) > 0


@given(st.binary(max_size=60))
def test_whatever_follows_a_signature_is_no_accident(rest):
    for start in (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF89a", b"RIFF\0\0\0\0WEBPVP8X", b"RIFF\0\0\0\0WEBPVP8L"):
        found = dimensions(start + rest)
        assert found is None or min(found) > 0


@pytest.mark.parametrize("content", [SVG, HTML, b"%PDF-1.7", b"", b"words", b"BM"], ids=str)
def test_what_is_no_picture_is_refused(content):
    with pytest.raises(InvalidParameterError, match="no picture: a Picture is a PNG, JPEG, WebP or GIF") as caught:
        Picture.of(content)
    assert caught.value.param == "content"


def test_facts_are_kept():
    facts = {"seed": 0, "finish_reason": "success", "model": "m", "prompt": "p", "trace_id": "t", "created": 7}
    picture = Picture.of(memoryview(WHOLE["png"]), url="https://example.com/a.png", **facts)
    assert {name: getattr(picture, name) for name in facts} == facts
    assert picture.url == "https://example.com/a.png"
    assert bytes(picture) == picture.content == WHOLE["png"]


# What it does


def test_base64_and_data_uri():
    picture = Picture.of(WHOLE["jpeg"])
    assert base64.b64decode(picture.base64()) == WHOLE["jpeg"]
    assert picture.data_uri() == f"data:image/jpeg;base64,{picture.base64()}"


def test_repr_is_short_and_without_the_content():
    picture = Picture.of(WHOLE["png"], model="step-2x-large", seed=0, prompt="a secret wish")
    assert repr(picture) == f"Picture(step-2x-large, png, 321x123, seed 0, {len(WHOLE['png'])} bytes)"
    assert repr(Picture(url="https://example.com/a")) == "Picture(at https://example.com/a)"


def test_copies_and_pickles_and_is_true():
    picture = Picture.of(WHOLE["png"], seed=1)
    assert pickle.loads(pickle.dumps(picture)) == copy.deepcopy(picture) == picture
    assert hash(copy.copy(picture)) == hash(picture)
    assert picture
    assert Picture(url="https://example.com/a")


@pytest.mark.parametrize(
    "use",
    [bytes, Picture.base64, Picture.data_uri, Picture.to_pil, lambda picture: picture.save("a.png")],
    ids=["bytes", "base64", "data_uri", "to_pil", "save"],
)
def test_a_picture_known_by_its_url_only_says_how_to_get_it(use, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidParameterError, match=r"fetch it with client.images.fetch\(picture\)") as caught:
        use(Picture(url="https://example.com/a.png"))
    assert caught.value.param == "content"
    assert list(tmp_path.iterdir()) == []


def test_to_pil_without_pillow_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(InvalidParameterError, match="pip install pillow"):
        Picture.of(WHOLE["png"]).to_pil()


def test_to_pil_of_a_broken_file_or_a_bomb_is_an_error_of_ours():
    with pytest.raises(InvalidParameterError, match="Pillow cannot read this gif file"):
        Picture.of(b"GIF89a").to_pil()
    bomb = WHOLE["png"].replace((321).to_bytes(4, "big"), (60_000).to_bytes(4, "big"), 1)
    bomb = bomb.replace((123).to_bytes(4, "big"), (60_000).to_bytes(4, "big"), 1)
    assert (Picture.of(bomb).width, Picture.of(bomb).height) == (60_000, 60_000)
    with pytest.raises(InvalidParameterError, match="Pillow cannot read this png file"):
        Picture.of(bomb).to_pil()


# In a notebook


def test_a_notebook_shows_it_and_what_it_is():
    picture = Picture.of(WHOLE["webp"], model="<b>me</b>", prompt='"><script>alert(1)</script>', seed=5)
    shown = picture._repr_html_()
    assert f'<img src="{picture.data_uri()}"' in shown
    assert "&lt;b&gt;me&lt;/b&gt; · webp · 321x123 · seed 5" in shown
    assert "<b>" not in shown
    assert "<script>" not in shown


@pytest.mark.parametrize("form", ["png", "jpeg"])
def test_png_and_jpeg_are_shown_as_themselves_which_every_viewer_of_notebooks_shows(form):
    picture, kind = Picture.of(WHOLE[form], seed=5), f"image/{form}"
    assert picture._repr_mimebundle_() == {kind: picture.base64(), "text/plain": repr(picture)}
    assert set(DisplayFormatter().format(picture)[0]) == {kind, "text/plain"}  # IPython adds no HTML, which would win
    assert set(picture._repr_mimebundle_(exclude=[kind])) == {"text/plain"}
    assert set(picture._repr_mimebundle_(include=["text/html", kind])) == {"text/html", kind}
    assert set(picture._repr_mimebundle_(include=["text/html"])) == {"text/html"}


@pytest.mark.parametrize(
    "picture",
    [
        Picture.of(WHOLE["webp"]),
        Picture(url="https://example.com/a.png"),
        Picture(url="https://example.com/a.png", media_type="image/png"),
        Picture(bytes(33 << 20), media_type="image/png"),
    ],
    ids=["webp", "url", "url of a kind", "too large"],
)
def test_all_else_is_shown_as_html(picture):
    assert picture._repr_mimebundle_() == {"text/html": picture._repr_html_(), "text/plain": repr(picture)}
    assert set(picture._repr_mimebundle_(exclude=["text/html"])) == {"text/plain"}
    assert set(picture._repr_mimebundle_(include=["text/html", "image/png"])) == {"text/html"}


def test_urls_last_about_30_days_and_the_notebook_says_so():
    shown = Picture(url="https://example.com/a?b=1&c=2")._repr_html_()
    assert '<a href="https://example.com/a?b=1&amp;c=2" rel="noreferrer">' in shown
    assert "about 30 days" in shown
    assert "client.images.fetch(picture)" in shown


def test_what_somebody_calls_a_url_becomes_no_script():
    shown = Picture(url="javascript:alert('<b>')")._repr_html_()
    assert "href" not in shown
    assert "<b>" not in shown


def test_what_is_too_large_for_a_cell_says_so():
    shown = Picture(bytes(33 << 20), media_type="image/png")._repr_html_()
    assert ".save(path)" in shown
    assert len(shown) < 200


# On the disk


@pytest.mark.parametrize("as_text", [True, False])
def test_save_writes_the_content_and_returns_the_path(tmp_path, as_text):
    path = tmp_path / "lake.png"
    path.write_bytes(b"older")
    assert Picture.of(WHOLE["png"]).save(str(path) if as_text else path) == path
    assert path.read_bytes() == WHOLE["png"]
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["a", "a.bin", "a.JPG", "a.jpeg", "v1.2"])
def test_other_endings_and_none_are_left_alone(tmp_path, name):
    assert Picture.of(WHOLE["jpeg"]).save(tmp_path / name).name == name


@pytest.mark.parametrize("name", ["a.jpg", "a.PNG", "a.svg", "a.tiff", "a.wav"])
def test_an_ending_that_contradicts_the_format_is_refused(tmp_path, name):
    with pytest.raises(InvalidParameterError, match=r"this is webp, and saving does not convert. End it with .webp"):
        Picture.of(WHOLE["webp"]).save(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_saving_fails_whole(tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        save_whole(tmp_path / "nowhere" / "a", b"..")
    (tmp_path / "a").write_bytes(b"older")
    monkeypatch.setattr("pathlib.Path.replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        save_whole(tmp_path / "a", b"..")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a", b"older")]


# Its place


def test_it_is_public_and_loaded_at_first_use_and_pillow_is_not():
    assert "Picture" in stepfun_client.__all__
    program = (
        "import sys, stepfun_client; assert 'stepfun_client.picture' not in sys.modules; "
        "assert stepfun_client.Picture.__module__ == 'stepfun_client.picture'; assert 'PIL' not in sys.modules"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
