"""StepFunToolSpec's pictures: drawn, edited and transformed, as well-behaved models ask for them and as hostile ones
do."""

from __future__ import annotations

import base64
import copy
import json
import os
import pickle
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from llama_index.core.agent.workflow import FunctionAgent, ToolCallResult
from llama_index.core.base.llms.types import ImageBlock, TextBlock
from llama_index.core.llms import ChatMessage

from demo.picture import BLUE, RED, bar_chart
from llama_index_stepfun import StepFunToolSpec
from stepfun_client import APIResponseError, APITimeoutError, ContentFilteredError, InvalidParameterError, Picture
from tests.unit_tests.llama_index_stepfun.conftest import call, reply
from tests.unit_tests.llama_index_stepfun.test_agents import run
from tests.unit_tests.llama_index_stepfun.tooling import KEY, tool_of

if TYPE_CHECKING:
    from llama_index.core.tools import ToolOutput

SERVICE = "https://service.test/v1"
CHART = bar_chart([(RED, 30), (BLUE, 90)], width=320, height=200)
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
CHANGING = ("edit_image", "transform_image")


class Service:
    """StepFun at an https address of its own, which is as public as any; every picture it makes is the chart."""

    def __init__(self) -> None:
        self.files: dict[str, Callable[[], httpx.Response]] = {}
        self.sent: list[httpx.Request] = []
        transport = httpx.MockTransport(self._answer)
        self.spec = StepFunToolSpec(
            api_key=KEY,
            base_url=SERVICE,
            max_retries=0,
            max_bytes=100_000,
            http_client=httpx.Client(transport=transport),
            http_async_client=httpx.AsyncClient(transport=transport),
        )

    @property
    def asked(self) -> list[str]:
        return [f"{request.method} {request.url}" for request in self.sent]

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(request)
        if request.method == "GET":
            return self.files[request.url.path]()
        entry = {"b64_json": base64.b64encode(CHART).decode(), "finish_reason": "success"}
        return httpx.Response(200, json={"created": 1, "data": [entry]})


@pytest.fixture
def service() -> Service:
    return Service()


def id_in(output: ToolOutput) -> str:
    return re.search(r"image-[0-9a-f]{12}", output.content)[0]


def seed_in(output: ToolOutput) -> int:
    return int(re.search(r"seed (\d+)", output.content)[1])


def picture_of(output: ToolOutput) -> Picture:
    (block,) = (block for block in output.blocks if isinstance(block, ImageBlock))
    picture = Picture.of(block.resolve_image().read())
    assert block.image_mimetype == picture.media_type
    return picture


def size_of(output: ToolOutput) -> tuple[int | None, int | None]:
    picture = picture_of(output)
    return picture.width, picture.height


# --- Drawing ---------------------------------------------------------------------------------------------------------


async def test_a_drawn_picture_is_a_note_and_the_picture(use, spec, emulator):
    output = await use(spec(), "draw", prompt="a lighthouse at dusk", shape="wide", seed=7)

    note, block = output.blocks
    assert isinstance(note, TextBlock)
    told = r"Drawn and handed to the user's application: image-[0-9a-f]{12} \(png, 1360x768, seed 7\)\."
    assert re.fullmatch(told, note.text)
    assert isinstance(block, ImageBlock)
    assert size_of(output) == (1360, 768)
    assert emulator.requests[-1].body == {
        "model": "step-image-edit-2",
        "prompt": "a lighthouse at dusk",
        "size": "768x1360",
        "seed": 7,
        "response_format": "b64_json",
    }


@pytest.mark.parametrize(
    ("model", "shape", "size"),
    [
        ("step-image-edit-2", None, (1024, 1024)),
        ("step-image-edit-2", "square", (1024, 1024)),
        ("step-image-edit-2", "landscape", (1184, 896)),
        ("step-image-edit-2", "portrait", (896, 1184)),
        ("step-image-edit-2", "9:16", (768, 1360)),
        ("step-2x-large", "wide", (1280, 800)),
        ("step-2x-large", "tall", (800, 1280)),
        ("step-1x-medium", "500x500", (512, 512)),
    ],
)
async def test_a_shape_is_the_pictures_own_pixels(use, spec, model, shape, size):
    output = await use(spec(image_model=model), "draw", prompt="a lake", shape=shape)

    assert size_of(output) == size
    assert f"{size[0]}x{size[1]}" in output.content


async def test_the_seed_that_is_told_makes_the_same_picture(use, spec):
    first = await use(spec(), "draw", prompt="a lake")
    second = await use(spec(), "draw", prompt="a lake", seed=seed_in(first))
    other = await use(spec(), "draw", prompt="a lake", seed=seed_in(first) + 1)

    assert picture_of(first).content == picture_of(second).content != picture_of(other).content


async def test_the_developers_settings_of_drawing(use, spec, emulator):
    options = {"steps": 12, "cfg_scale": 4, "negative_prompt": "people", "size": "768x1360", "seed": 3, "fetch": False}
    one = spec(image_options=options)

    usual, chosen = [await use(one, "draw", prompt="a lake", **model) for model in ({}, {"shape": "wide", "seed": 4})]

    asked = emulator.requests[0].body
    assert (asked["steps"], asked["cfg_scale"], asked["negative_prompt"]) == (12, 4, "people")
    assert (size_of(usual), seed_in(usual)) == ((768, 1360), 3)
    assert (size_of(chosen), seed_in(chosen)) == ((1360, 768), 4)  # what a model chooses wins


async def test_a_model_whose_sizes_are_not_known_has_its_own(use, service):
    service.spec.image_model = "a-model-of-tomorrow"

    with pytest.raises(InvalidParameterError, match=r"sizes of a-model-of-tomorrow are not known.*without a shape"):
        await use(service.spec, "draw", prompt="a lake", shape="wide")
    output = await use(service.spec, "draw", prompt="a lake")

    assert "size" not in json.loads(service.sent[0].content)
    assert picture_of(output).content == CHART
    assert re.search(r"\(png, 320x200\)", output.content)  # this service tells no seed


@pytest.mark.parametrize("tool", ["draw", *CHANGING])
async def test_results_are_saved_where_the_developer_says(use, spec, tmp_path, tool):
    one = spec(output_dir=tmp_path / "made" / "today")
    drawn = await use(one, "draw", prompt="a lake")
    output = await use(one, tool, prompt="at night", **({} if tool == "draw" else {"image": id_in(drawn)}))

    name = f"{id_in(output)}.png"
    assert (tmp_path / "made" / "today" / name).read_bytes() == picture_of(output).content
    assert output.content.partition("\n")[0].endswith(f", saved as {name}).")
    assert str(tmp_path) not in str(output.blocks[0])


async def test_a_jpeg_is_named_as_one(use, spec, tmp_path, monkeypatch):
    jpeg = bytes.fromhex("ffd8ffc0000b080010002001") + bytes(100)
    entry = {"b64_json": base64.b64encode(jpeg).decode(), "seed": 1, "finish_reason": "success"}
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json={"data": [entry]}))
    clients = {"http_client": httpx.Client(transport=transport)}
    clients["http_async_client"] = httpx.AsyncClient(transport=transport)

    output = await use(spec(output_dir=tmp_path, **clients), "draw", prompt="a lake")

    assert [path.suffix for path in tmp_path.iterdir()] == [".jpg"]
    assert "(jpeg, 32x16, seed 1, saved as " in output.content
    assert picture_of(output).content == jpeg


async def test_what_cannot_be_saved_is_not_lost(use, spec, tmp_path, monkeypatch):
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device", "/secret")

    monkeypatch.setattr(Path, "write_bytes", full)

    output = await use(spec(output_dir=tmp_path), "draw", prompt="a lake")

    assert "not saved: No space left on device)" in output.content
    assert size_of(output) == (1024, 1024)


@pytest.mark.parametrize("tool", ["draw", *CHANGING])
async def test_a_place_that_cannot_be_is_found_out_before_paying(use, spec, tmp_path, emulator, tool):
    (tmp_path / "file").touch()
    (tmp_path / "chart.png").write_bytes(CHART)
    source = {} if tool == "draw" else {"image": "chart.png"}

    with pytest.raises(OSError, match="file"):
        await use(spec(root_dir=tmp_path, output_dir=tmp_path / "file"), tool, prompt="a lake", **source)

    assert emulator.requests == []


# --- Editing and transforming ----------------------------------------------------------------------------------------


async def test_a_drawn_picture_is_edited(use, spec, emulator):
    one = spec()
    drawn = await use(one, "draw", prompt="a lake", shape="portrait", seed=1)

    output = await use(one, "edit_image", image=f" {id_in(drawn)} ", prompt="at night", seed=5)

    told = r"Changed and handed to the user's application: image-[0-9a-f]{12} \(png, 896x1184, seed 5\)\."
    assert re.fullmatch(told, output.blocks[0].text)
    assert id_in(output) != id_in(drawn)
    by_hand = one.client.images.edit(
        picture_of(drawn), model="step-image-edit-2", prompt="at night", seed=5, fetch=True
    )
    assert picture_of(output).content == by_hand.content != picture_of(drawn).content
    assert [request.path for request in emulator.requests[:2]] == ["/v1/images/generations", "/v1/images/edits"]


@pytest.mark.parametrize(
    ("settings", "size"),
    [
        ({}, (1280, 800)),  # the nearest to the chart's
        ({"transform_options": {"size": "512x512"}}, (512, 512)),
        ({"transform_options": {"width": 256, "height": 256}}, (256, 256)),
        ({"transform_model": "step-2x-large"}, (1280, 800)),
    ],
)
async def test_a_picture_is_drawn_over(use, spec, emulator, tmp_path, *, settings, size):
    (tmp_path / "chart.png").write_bytes(CHART)

    output = await use(
        spec(root_dir=tmp_path, source_weight=0.3, **settings), "transform_image", image="chart.png", prompt="ink"
    )

    asked = emulator.requests[-1].body
    assert (asked["source_weight"], asked["prompt"]) == (0.3, "ink")
    assert asked["model"] == settings.get("transform_model", "step-1x-medium")
    assert size_of(output) == size
    assert output.content.startswith("Redrawn and handed to the user's application: image-")


async def test_a_model_of_tomorrow_is_given_no_size(use, service, tmp_path):
    (tmp_path / "chart.png").write_bytes(CHART)
    service.spec.transform_model, service.spec.root_dir = "a-model-of-tomorrow", tmp_path

    await use(service.spec, "transform_image", image="chart.png", prompt="ink")

    assert "size" not in json.loads(service.sent[0].content)


@pytest.mark.parametrize("tool", CHANGING)
async def test_a_url_is_fetched_here_and_sent(use, service, tool):
    service.files["/chart.png"] = lambda: httpx.Response(200, content=CHART)

    output = await use(service.spec, tool, image="https://service.test/chart.png", prompt="in ink")

    assert picture_of(output).content == CHART
    assert [request.method for request in service.sent] == ["GET", "POST"]
    assert "authorization" not in service.sent[0].headers
    sent = service.sent[1].content
    assert CHART in sent if tool == "edit_image" else base64.b64encode(CHART) in sent


async def test_a_file_in_the_opened_folder(use, spec, tmp_path):
    one = spec(output_dir=tmp_path / "a", root_dir=tmp_path)
    name = id_in(await use(one, "draw", prompt="a lake", shape="wide"))
    (tmp_path / "link.png").symlink_to(tmp_path / "a" / f"{name}.png")  # it leads nowhere else

    for path in (f"a/{name}.png", str(tmp_path / "a" / f"{name}.png"), "link.png", "a/../link.png"):
        assert size_of(await use(one, "edit_image", image=path, prompt="at night")) == (1360, 768)


async def test_modelverse_edits(use, spec, emulator, monkeypatch, tmp_path):
    monkeypatch.setenv("MODELVERSE_API_KEY", "mv-key")
    monkeypatch.setenv("MODELVERSE_BASE_URL", emulator.modelverse_url)
    (tmp_path / "chart.png").write_bytes(CHART)
    one = spec(edit_model="stepfun-ai/step1x-edit", edit_options={"guidance_scale": 4}, root_dir=tmp_path)

    output = await use(one, "edit_image", image="chart.png", prompt="in ink", seed=2)

    assert picture_of(output).content != CHART
    assert emulator.requests[-1].path == "/modelverse/v1/images/generations"
    assert emulator.requests[-1].body["guidance_scale"] == 4
    with pytest.raises(InvalidParameterError, match="1,025 characters; allowed are 1,024"):
        await use(one, "edit_image", image="chart.png", prompt="x" * 1025)


def test_a_key_has_no_place_among_options():
    with pytest.raises(ValueError, match=r"options are shown in to_dict.*MODELVERSE_API_KEY") as refused:
        StepFunToolSpec(edit_options={"api_key": KEY})

    assert KEY not in str(refused.value)


async def test_a_withheld_picture_is_an_error(use, spec, tmp_path):
    with pytest.raises(ContentFilteredError, match="withheld") as refused:
        await use(spec(output_dir=tmp_path), "draw", prompt="filtered-by-emulator")

    assert refused.value.trace_id
    assert list(tmp_path.iterdir()) == []


# --- Hostile models --------------------------------------------------------------------------------------------------


@pytest.fixture
def opened(tmp_path: Path) -> Path:
    """A folder opened to models, full of traps, with something to find outside."""
    root = tmp_path / "opened"
    root.mkdir()
    (tmp_path / "outside.png").write_bytes(CHART)
    (root / "good.png").write_bytes(CHART)
    (root / "link.png").symlink_to(tmp_path / "outside.png")
    (root / "up").symlink_to(tmp_path)
    (root / "device").symlink_to("/dev/zero")
    os.mkfifo(root / "pipe.png")
    (root / "drawing.png").write_bytes(SVG)
    (root / "declared.png").write_bytes(b'<?xml version="1.0"?>\n<!DOCTYPE svg>\n' + SVG)
    (root / "page.png").write_text("<!doctype html><html></html>")
    (root / "notes.png").write_text("These are notes.")
    (root / "sound.png").write_bytes(b"RIFF\0\0\0\0WAVEfmt ")
    (root / "empty.png").touch()
    with (root / "huge.png").open("wb") as file:
        file.write(CHART)
        file.truncate(10**9)
    return root


OUTSIDE, SCHEME, PRIVATE = "not in the folder", "only https:// is allowed", "no public address|is not fetched"

HOSTILE_NAMES = {
    "": "empty",
    "good.png\x00.txt": "control characters",
    "good\ud800.png": "control characters",
    "a" * 3000: "too long",
    "../outside.png": OUTSIDE,
    "x/../../outside.png": OUTSIDE,
    "/etc/passwd": OUTSIDE,
    "link.png": OUTSIDE,
    "up/outside.png": OUTSIDE,
    "device": OUTSIDE,
    "~/.ssh/id_rsa": "no such file",
    "no-such.png": "no such file",
    "pipe.png": "no file",
    ".": "no file|no such file",
    "empty.png": "0 bytes",
    "huge.png": "1,000,000,000 bytes",
    "drawing.png": r"no image \(image/svg\+xml",
    "declared.png": r"no image \(image/svg\+xml",
    "page.png": r"no image \(text/html",
    "notes.png": "no image",
    "sound.png": r"no image \(audio/wav",
    "file:///etc/passwd": SCHEME,
    "FILE:///opened/good.png": SCHEME,
    "http://127.0.0.1/a.png": SCHEME,
    "http://169.254.169.254/latest/meta-data": SCHEME,
    "http://example.com/a.png": SCHEME,
    "data:image/png;base64,iVBORw0KGgo=": SCHEME,
    "stepfile://file-1": SCHEME,
    "//example.com/a.png": SCHEME,
    "https://127.0.0.1/a.png": PRIVATE,
    "https://localhost/a.png": PRIVATE,
    "https://[::ffff:169.254.169.254]/a.png": PRIVATE,
    "https://169.254.169.254/latest/meta-data": PRIVATE,
    "https://user:password@example.com/a.png": PRIVATE,
    "image-000000000000": "nothing of that name is kept",
    "audio-000000000000": "no such file",
}


@pytest.mark.skipif(os.name == "nt", reason="pipes and links as POSIX has them")
@pytest.mark.parametrize("name", list(HOSTILE_NAMES))
@pytest.mark.parametrize("tool", CHANGING)
async def test_a_hostile_name_is_refused_unread_unwritten_and_unpaid(use, spec, emulator, opened, *, tool, name):
    one = spec(root_dir=opened, output_dir=opened.parent / "made", max_bytes=10**6)

    with pytest.raises(InvalidParameterError, match=HOSTILE_NAMES[name]) as refused:
        await use(one, tool, image=name, prompt="at night")

    assert refused.value.param == "image"
    assert not re.search("base_url|pathlib|max_bytes=", str(refused.value))  # advice for programmers
    assert emulator.requests == []
    assert not (opened.parent / "made").exists()
    assert str(opened) not in str(refused.value)


@pytest.mark.parametrize("name", [None, 3, ["good.png"], {"path": "good.png"}, b"good.png", CHART])
@pytest.mark.parametrize("tool", CHANGING)
async def test_what_is_no_name_is_refused(use, spec, emulator, opened, *, tool, name):
    with pytest.raises(InvalidParameterError, match="empty"):
        await use(spec(root_dir=opened), tool, image=name, prompt="at night")

    assert emulator.requests == []


@pytest.mark.parametrize("name", ["good.png", "/etc/passwd", "../outside.png"])
async def test_without_a_folder_no_file_is_looked_at(use, spec, opened, monkeypatch, name):
    monkeypatch.chdir(opened)

    with pytest.raises(InvalidParameterError, match="no folder has been opened to you"):
        await use(spec(), "edit_image", image=name, prompt="at night")


HOSTILE_WORDS = [
    ({"prompt": "x" * 10_000}, "prompt", "10,000 characters; allowed are"),
    ({"prompt": ""}, "prompt", "empty"),
    ({"prompt": " \n"}, "prompt", "empty"),
    ({"prompt": None}, "prompt", "empty"),
    ({"prompt": ["a lake"]}, "prompt", "empty"),
    ({"seed": -1}, "seed", "whole number from 0 to 9999999999"),
    ({"seed": 10**5000}, "seed", "whole number"),
    ({"seed": "7"}, "seed", "whole number"),
    ({"seed": 1.5}, "seed", "whole number"),
    ({"seed": True}, "seed", "whole number"),
]


@pytest.mark.parametrize(("sent", "param", "said"), HOSTILE_WORDS)
@pytest.mark.parametrize("tool", ["draw", *CHANGING])
async def test_hostile_words_are_refused_before_anything_is_fetched(use, service, tmp_path, *, tool, sent, param, said):
    service.spec.output_dir = tmp_path / "made"
    source = {} if tool == "draw" else {"image": "https://service.test/chart.png"}

    with pytest.raises(InvalidParameterError, match=said) as refused:
        await use(service.spec, tool, **{"prompt": "a lake", **source, **sent})

    assert refused.value.param == param
    assert len(str(refused.value)) < 200
    assert service.sent == []
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("shape", ["round", "0:1", "x" * 10_000, 7, ["wide"], ""])
async def test_a_shape_that_is_none(use, service, tmp_path, shape):
    service.spec.output_dir = tmp_path / "made"

    with pytest.raises(InvalidParameterError, match="say square, landscape") as refused:
        await use(service.spec, "draw", prompt="a lake", shape=shape)

    assert len(str(refused.value)) < 250
    assert service.sent == []
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("name", ["output_dir", "path", "model", "size", "extra_body", "api_key", "self"])
@pytest.mark.parametrize("tool", ["draw", *CHANGING])
async def test_there_is_no_other_way_in(use, spec, emulator, tool, name):
    source = {} if tool == "draw" else {"image": "good.png"}

    with pytest.raises(TypeError, match=name):
        await use(spec(), tool, prompt="a lake", **source, **{name: "/tmp/x"})

    assert emulator.requests == []


class Flood(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A picture of a gigabyte, which counts what is taken of it."""

    def __init__(self) -> None:
        self.taken = 0

    def __iter__(self) -> Iterator[bytes]:
        yield CHART
        while self.taken < 10**9:
            self.taken += 65536
            yield bytes(65536)

    async def __aiter__(self) -> Any:
        for block in self:
            yield block


@pytest.mark.parametrize("headers", [{"content-length": str(10**9)}, {}])
@pytest.mark.parametrize("tool", CHANGING)
async def test_a_gigabyte_is_not_read(use, service, tool, headers):
    flood = Flood()
    service.files["/a.png"] = lambda: httpx.Response(200, headers=headers, stream=flood)

    with pytest.raises(InvalidParameterError, match="more than 100,000 bytes"):
        await use(service.spec, tool, image="https://service.test/a.png", prompt="at night")

    assert service.asked == ["GET https://service.test/a.png"]
    assert flood.taken < 500_000


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda: httpx.Response(200, content=SVG, headers={"content-type": "image/png"}), r"no image \(image/svg\+xml"),
        (lambda: httpx.Response(200, content=b"<html></html>"), r"no image \(text/html"),
        (lambda: httpx.Response(200, content=b"%PDF-1.7"), "no image"),
        (lambda: httpx.Response(302, headers={"location": "http://169.254.169.254/latest/meta-data"}), PRIVATE),
        (lambda: httpx.Response(307, headers={"location": "https://127.0.0.1/a.png"}), PRIVATE),
        (lambda: httpx.Response(301, headers={"location": "file:///etc/passwd"}), PRIVATE),
    ],
    ids=["svg", "html", "pdf", "to-metadata", "to-loopback", "to-file"],
)
@pytest.mark.parametrize("tool", CHANGING)
async def test_what_a_url_leads_to_is_looked_at_before_paying(use, service, tmp_path, *, tool, answer, said):
    service.files["/a.png"] = answer
    service.spec.output_dir = tmp_path / "made"

    with pytest.raises(InvalidParameterError, match=said):
        await use(service.spec, tool, image="https://service.test/a.png", prompt="at night")

    assert service.asked == ["GET https://service.test/a.png"]
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("tool", CHANGING)
async def test_a_url_that_cannot_be_reached_is_told_without_advice_for_programmers(use, service, tool):
    def gone() -> httpx.Response:
        raise httpx.ReadTimeout("gone")

    service.files["/a.png"] = gone

    with pytest.raises(APITimeoutError, match=r"\(gone\)$"):
        await use(service.spec, tool, image="https://service.test/a.png", prompt="at night")


@pytest.mark.parametrize(
    ("picture", "said"),
    [
        (bar_chart([(RED, 1)], width=2100, height=100), "2100x100 pixels"),
        (b"GIF89a" + bytes.fromhex("40 01 c8 00"), "image/gif; StepFun takes PNG and JPEG"),
    ],
)
async def test_what_stepfun_does_not_transform_is_not_paid_for(use, spec, emulator, tmp_path, *, picture, said):
    (tmp_path / "picture.png").write_bytes(picture)

    with pytest.raises(InvalidParameterError, match=said):
        await use(spec(root_dir=tmp_path), "transform_image", image="picture.png", prompt="ink")

    assert emulator.requests == []


@pytest.mark.parametrize("fault", ["hostile-svg", "hostile-html", "hostile-redirect", "hostile-huge"])
async def test_a_result_that_is_no_picture_is_not_kept(use, spec, tmp_path, fault):
    one = spec(
        default_headers={"x-emulator-fault": fault}, image_options={"response_format": "url"}, output_dir=tmp_path
    )

    with pytest.raises((APIResponseError, InvalidParameterError), match=r"the picture was made \(seed \d+\)"):
        await use(one, "draw", prompt="a lake")

    assert list(tmp_path.iterdir()) == []


# --- What is kept ----------------------------------------------------------------------------------------------------


async def test_only_the_last_pictures_are_kept(use, spec):
    one = spec(keep=2)
    ids = [id_in(await use(one, "draw", prompt="a lake")) for _ in range(3)]

    with pytest.raises(InvalidParameterError, match="nothing of that name is kept any more; make it again"):
        await use(one, "edit_image", image=ids[0], prompt="at night")
    for name in ids[1:]:
        assert (await use(one, "edit_image", image=ids[2], prompt=f"at night, {name}")).blocks


async def test_the_last_picture_is_kept_however_large(use, spec):
    one = spec(keep_bytes=0)
    first, last = [id_in(await use(one, "draw", prompt="a lake")) for _ in range(2)]

    assert size_of(await use(one, "edit_image", image=last, prompt="at night")) == (1024, 1024)
    with pytest.raises(InvalidParameterError, match="kept"):
        await use(one, "edit_image", image=first, prompt="at night")


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
async def test_a_copy_works_and_begins_without_pictures(use, spec, monkeypatch, again):
    monkeypatch.setenv("STEP_API_KEY", KEY)
    one = spec(image_model="step-2x-large", image_options={"steps": 5}, transform_options={"steps": 6})
    name = id_in(await use(one, "draw", prompt="a lake"))

    copied = again(one)

    try:
        assert copied.to_dict() == one.to_dict()
        with pytest.raises(InvalidParameterError, match="kept"):
            await use(copied, "edit_image", image=name, prompt="at night")
        drawn = await use(copied, "draw", prompt="a lake")
        assert size_of(await use(copied, "transform_image", image=id_in(drawn), prompt="ink")) == (1024, 1024)
    finally:
        copied.client.close()
        await copied.async_client.aclose()


async def test_the_object_is_rebuilt_from_its_dict_without_key(use, spec):
    one = spec(edit_model="step-1x-edit", edit_options={"steps": 20}, source_weight=0.25, max_prompt_characters=100)
    await use(one, "draw", prompt="a lake")

    rebuilt = StepFunToolSpec.from_dict(one.to_dict())

    assert rebuilt.to_dict() == one.to_dict()
    assert (rebuilt.edit_model, rebuilt.source_weight, rebuilt.api_key) == ("step-1x-edit", 0.25, None)
    assert KEY not in repr(one) + str(one) + one.to_json() + str(one.to_tool_list())
    assert KEY.encode() not in pickle.dumps(one)


# --- In an agent -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("streaming", [True, False])
async def test_an_agent_draws_looks_at_its_picture_and_edits_it(stepfun, spec, emulator, streaming):
    one = spec(image_options={"seed": 1}, edit_options={"seed": 2})
    agent = FunctionAgent(tools=one.to_tool_list(), llm=stepfun("step-3.7-flash"), streaming=streaming)

    done = await run(agent, 'Draw "a red lighthouse". What colours has it? Then edit it: "make everything blue".')

    drawn, edited = done.of(ToolCallResult)
    assert drawn.tool_name == "draw"
    assert drawn.tool_kwargs == {"prompt": "a red lighthouse"}
    assert edited.tool_name == "edit_image"
    assert edited.tool_kwargs == {"image": id_in(drawn.tool_output), "prompt": "make everything blue"}
    assert picture_of(edited.tool_output).content != picture_of(drawn.tool_output).content
    assert re.search(r"Main colours: red.*Main colours: blue", done.answer, re.DOTALL)  # it saw both


async def test_the_picture_follows_the_tools_answer_in_a_message_of_its_own(spec, wire):
    def edit() -> dict[str, Any]:
        name = re.search(r"image-\w+", wire.messages[2]["content"])[0]
        return reply(None, tool_calls=[call("edit_image", json.dumps({"image": name, "prompt": "at night"}), "call_2")])

    draw = reply(None, tool_calls=[call("draw", '{"prompt": "a lake", "seed": 1}')])
    llm = wire.says(draw, edit, reply("Done.")).llm()

    done = await run(FunctionAgent(tools=spec().to_tool_list(), llm=llm, streaming=False), "Draw a lake at night.")

    assert done.called == ["draw", "edit_image"]
    assert [message["role"] for message in wire.messages] == [
        "user",
        "assistant",
        "tool",
        "user",
        "assistant",
        "tool",
        "user",
    ]
    shown = wire.messages[3]["content"]
    assert [part["type"] for part in shown] == ["text", "image_url"]
    sent = base64.b64decode(shown[1]["image_url"]["url"].partition("base64,")[2])
    assert sent == picture_of(done.of(ToolCallResult)[0].tool_output).content


@pytest.mark.parametrize(
    ("model", "sees"), [("step-3.7-flash", True), ("step-3.5-flash", False), ("a-model-of-tomorrow", True)]
)
async def test_pictures_of_a_tool_reach_models_that_see(ask, wire, model, sees):
    history = [
        ChatMessage(role="user", content="Draw."),
        ChatMessage(role="assistant", content="", additional_kwargs={"tool_calls": [call("draw", "{}")]}),
        ChatMessage(
            role="tool",
            content=[TextBlock(text="Drawn."), ImageBlock(image=CHART)],
            additional_kwargs={"tool_call_id": "call_1"},
        ),
    ]

    await ask(wire.llm(model), history)

    kinds = [part["type"] for one in wire.messages if isinstance(one["content"], list) for part in one["content"]]
    assert ("image_url" in kinds) is sees
    assert (
        "[the tool returned a picture; the application has it, you do not see it]" in str(wire.messages)
    ) is not sees
    assert isinstance(history[2].blocks[1], ImageBlock)  # the caller's message stays as it is


async def test_an_agent_that_does_not_see_still_draws(stepfun, spec, emulator):
    agent = FunctionAgent(tools=spec().to_tool_list(), llm=stepfun("step-3.5-flash"))

    done = await run(agent, 'Draw "a red lighthouse".')

    assert done.called == ["draw"]
    (told,) = (one for one in emulator.requests[-1].body["messages"] if one["role"] == "tool")
    assert told["content"].endswith("the application has it, you do not see it]")
    assert len(str(emulator.requests[-1].body)) < 10_000


async def test_an_agents_model_reads_what_was_wrong(spec, wire):
    calls = [call("edit_image", '{"image": "http://169.254.169.254/", "prompt": "x"}')]
    llm = wire.says(reply(None, tool_calls=calls), reply("I may not.")).llm()

    done = await run(FunctionAgent(tools=spec().to_tool_list(), llm=llm), "Edit the metadata.")

    (result,) = done.of(ToolCallResult)
    assert result.tool_output.is_error
    assert wire.messages[-1]["content"].startswith("'http://169.254.169.254/' is not taken: of URLs only https:// is")


async def test_asynchronous_tools_need_no_thread(spec, monkeypatch):
    def refused(*_: Any) -> None:
        raise AssertionError("a thread")

    one = spec()
    monkeypatch.setattr("asyncio.to_thread", refused)

    drawn = await tool_of(one, "draw").acall(prompt="a lake")

    for name in CHANGING:
        assert (await tool_of(one, name).acall(image=id_in(drawn), prompt="at night")).blocks
