"""Pictures that a model names: what is hostile is refused before anything is read, written or paid."""

from __future__ import annotations

import base64
import os
import re
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.tools import ToolException
from pydantic import ValidationError

from langchain_stepfun import StepFunImageEdit, StepFunImageGen, StepFunImageToImage
from langchain_stepfun.tools.artifacts import picture_artifact
from langchain_stepfun.tools.naming import Address
from langchain_stepfun.tools.pictures import find_picture
from stepfun_client import APIResponseError, InvalidParameterError, Picture
from tests.unit_tests.langchain_stepfun.tooling import MEADOW, PublicService, SecureEmulator, Use

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from stepfun_emulator import Emulator

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
SECRET = b"\x89PNG\r\n\x1a\n the developer's own"
BLOCK = picture_artifact(Picture.of(MEADOW))
each_kind = pytest.mark.parametrize("kind", [StepFunImageEdit, StepFunImageToImage])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a picture, beside a secret, and links out of it."""
    open_one = tmp_path / "open"
    (open_one / "sub").mkdir(parents=True)
    for name in ("meadow.png", "sub/meadow.png"):
        (open_one / name).write_bytes(MEADOW)
    (open_one / "vector.png").write_bytes(SVG)
    (open_one / "notes.txt").write_text("not a picture")
    (open_one / "huge.png").write_bytes(MEADOW + bytes(1_000_000))
    (tmp_path / "secret.png").write_bytes(SECRET)
    (tmp_path / "open-too").mkdir()
    (tmp_path / "open-too" / "secret.png").write_bytes(SECRET)
    (open_one / "link.png").symlink_to(tmp_path / "secret.png")
    (open_one / "linked").symlink_to(tmp_path, target_is_directory=True)
    os.mkfifo(open_one / "pipe.png")
    return open_one


@pytest.fixture
async def secure(emulator: Emulator) -> AsyncIterator[SecureEmulator]:
    """The emulator as a public https service."""
    service = SecureEmulator(emulator)
    yield service
    await service.aclose()


def contents(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*"))


def read_files(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Keep which files are opened, whatever way."""
    read: list[str] = []
    opened = os.open

    def watched(path: Any, flags: int, *args: Any, **kwargs: Any) -> int:
        if not flags & os.O_DIRECTORY:
            read.append(str(path))
        return opened(path, flags, *args, **kwargs)

    monkeypatch.setattr(os, "open", watched)
    monkeypatch.setattr(os, "supports_dir_fd", {*os.supports_dir_fd, watched})
    monkeypatch.setattr(Path, "open", lambda path, *_, **__: pytest.fail(f"{path} is opened another way"))
    return read


# --- The table -------------------------------------------------------------------------------------------------------

# What a model says, what it is told, and what was visited for it: a picture's address at most, never what is paid.
HOSTILE: dict[str, tuple[dict[str, Any], str, list[str]]] = {
    "path traversal": ({"image": "../secret.png"}, "it is not in the folder", []),
    "path traversal from below": ({"image": "sub/../../secret.png"}, "it is not in the folder", []),
    "absolute path": ({"image": "/etc/passwd"}, "no picture '/etc/passwd'", []),
    "link out of the folder": ({"image": "link.png"}, "no picture 'link.png'", []),
    "linked folder": ({"image": "linked/secret.png"}, "no picture 'linked/secret.png'", []),
    "pipe": ({"image": "pipe.png"}, "no picture 'pipe.png'", []),
    "zero byte": ({"image": "meadow.png\x00.jpg"}, "no picture", []),
    "file": ({"image": "file:///etc/passwd"}, "file: addresses are not visited", []),
    "loopback by http": ({"image": "http://127.0.0.1:8080/a.png"}, "http: addresses are not visited", []),
    "metadata by http": ({"image": "http://169.254.169.254/latest/meta-data/"}, "http: addresses are not visited", []),
    "loopback": ({"image": "https://127.0.0.1/a.png"}, "127.0.0.1 is no public address", []),
    "metadata": ({"image": "https://169.254.169.254/latest/meta-data/"}, "is no public address", []),
    "number": ({"image": "https://2130706433/"}, "no public address", []),
    "password": ({"image": "https://user:password@example.com/a.png"}, "user name or a password", []),
    "data URI": ({"image": "data:image/png;base64,iVBORw0KGgo="}, "data: addresses are not visited", []),
    "script": ({"image": "javascript:alert(1)"}, "javascript: addresses are not visited", []),
    "redirect to a private address": (
        {"image": "https://service.test/hostile/redirect"},
        "169.254.169.254 is no public address",
        ["/hostile/redirect"],
    ),
    "redirect to the loopback": (
        {"image": "https://service.test/hostile/redirect?to=http://127.0.0.1:8080/"},
        "127.0.0.1 is no public address",
        ["/hostile/redirect"],
    ),
    "redirect to a file": (
        {"image": "https://service.test/hostile/redirect?to=file:///etc/passwd"},
        "its scheme is file",
        ["/hostile/redirect"],
    ),
    "a reply of 1 GB": (
        {"image": "https://service.test/hostile/huge.png"},
        "more than 1,000,000 bytes",
        ["/hostile/huge.png"],
    ),
    "a reply without end": (
        {"image": "https://service.test/hostile/endless.png"},
        "more than 1,000,000 bytes",
        ["/hostile/endless.png"],
    ),
    "SVG posing as PNG": (
        {"image": "https://service.test/hostile/svg.png"},
        "no picture but image/svg",
        ["/hostile/svg.png"],
    ),
    "a page posing as PNG": (
        {"image": "https://service.test/hostile/html.png"},
        "no picture but text/html",
        ["/hostile/html.png"],
    ),
    "SVG posing as PNG in the folder": ({"image": "vector.png"}, "no picture but image/svg", []),
    "text in the folder": ({"image": "notes.txt"}, "no picture but something unknown", []),
    "too large in the folder": ({"image": "huge.png"}, "allowed are 1 to 1,000,000", []),
    "SVG posing as PNG in a block": (
        {"image": {"type": "image", "base64": base64.b64encode(SVG).decode(), "mime_type": "image/png"}},
        "no picture but image/svg",
        [],
    ),
    "long prompt": ({"image": BLOCK, "prompt": "x" * 10_000}, "prompt has 10000 characters", []),
    "long prompt and an address": (
        {"image": "https://service.test/hostile/svg.png", "prompt": "x" * 10_000},
        "prompt has 10000 characters",
        [],
    ),
    "long prompt and a file": ({"image": "meadow.png", "prompt": "x" * 10_000}, "prompt has 10000 characters", []),
    "empty prompt": ({"image": BLOCK, "prompt": " \n"}, "prompt", []),
}


@each_kind
@pytest.mark.parametrize("case", HOSTILE)
async def test_a_hostile_call_is_refused_before_anything_is_paid_or_written(
    use: Use, secure: SecureEmulator, folder: Path, kind: type, case: str
) -> None:
    said, told, visited = HOSTILE[case]
    output = folder.parent / "output"
    tool = kind(**secure.settings(), root_dir=folder, output_dir=output, max_bytes=1_000_000)
    before = contents(folder.parent)

    with pytest.raises(ToolException, match=told) as refused:
        await use(tool, **{"prompt": "at night", **said})
    assert not re.search("base_url|pathlib|max_bytes=", str(refused.value))  # advice for programmers

    assert secure.asked == [("GET", path) for path in visited]
    assert set(secure.hosts) <= {"service.test"}
    assert contents(folder.parent) == before


async def test_a_hostile_prompt_to_draw_is_refused_too(use: Use, secure: SecureEmulator, tmp_path: Path) -> None:
    tool = StepFunImageGen(**secure.settings(), output_dir=tmp_path / "output")

    with pytest.raises(ToolException, match="prompt has 10000 characters; step-image-edit-2 takes 512 at most"):
        await use(tool, prompt="x" * 10_000)

    assert (secure.asked, secure.hosts, contents(tmp_path)) == ([], [], [])


@each_kind
@pytest.mark.parametrize("name", ["../secret.png", "link.png", "linked/secret.png", "/etc/passwd"])
async def test_nothing_outside_the_folder_is_opened(use: Use, folder, monkeypatch, kind: type, name: str) -> None:
    read = read_files(monkeypatch)
    service = PublicService()
    tool = kind(**service.settings(), root_dir=folder)

    with pytest.raises(ToolException):
        await use(tool, image=name, prompt="at night")
    assert (read, service.sent) == ([], [])

    await use(tool, image="meadow.png", prompt="at night")
    assert read == ["meadow.png"]


@each_kind
@pytest.mark.parametrize("name", ["meadow.png", "/etc/passwd", "~/.ssh/id_rsa", "."])
async def test_without_a_folder_there_are_no_files(use: Use, folder, monkeypatch, kind: type, name: str) -> None:
    monkeypatch.chdir(folder)
    service = PublicService()

    with pytest.raises(ToolException, match=r"There is no picture .* none so far"):
        await use(kind(**service.settings()), image=name, prompt="at night")

    assert service.sent == []


@given(
    name=st.text()
    | st.lists(st.sampled_from(["..", "/", ".", "secret.png", "linked", "sub", "\x00", "~"])).map("".join)
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300, deadline=None)
def test_whatever_a_model_says_nothing_of_the_outside_comes_in(folder: Path, name: str) -> None:
    try:
        found = find_picture(name, runtime=None, root_dir=folder, max_bytes=200_000)
    except ToolException:
        return

    assert found == MEADOW or (isinstance(found, Address) and found.url.lower().startswith("https://"))


# --- What may be named -----------------------------------------------------------------------------------------------


@each_kind
@pytest.mark.parametrize("name", ["meadow.png", "sub/meadow.png", "./sub/../meadow.png", "{root}/meadow.png"])
async def test_a_file_of_the_folder_is_taken(use: Use, folder: Path, kind: type, name: str) -> None:
    service = PublicService()

    await use(kind(**service.settings(), root_dir=folder), image=name.format(root=folder), prompt="at night")

    assert len(service.sent) == 1
    assert MEADOW in service.sent[0].content or base64.b64encode(MEADOW) in service.sent[0].content


@pytest.mark.parametrize("model", ["step-image-edit-2", "stepfun-ai/step1x-edit"])
async def test_a_public_address_is_fetched_and_its_picture_sent(use: Use, model: str) -> None:
    service = PublicService(meadow_png=MEADOW)
    there = {"modelverse_api_key": "theirs", "modelverse_base_url": "https://modelverse.test/v1"}
    tool = StepFunImageEdit(**service.settings(), model=model, **there)

    await use(tool, image="https://service.test/v1/meadow.png", prompt="at night")

    assert service.paths[0] == "/v1/meadow.png"
    assert len(service.paths) == 2
    assert MEADOW in service.sent[1].content or base64.b64encode(MEADOW) in service.sent[1].content


async def test_a_picture_known_by_its_url_is_fetched(use: Use) -> None:
    service = PublicService(meadow_png=MEADOW)
    tool = StepFunImageToImage(**service.settings())

    await use(tool, image=Picture(url="https://service.test/v1/meadow.png"), prompt="at night")
    with pytest.raises(ToolException, match="no public address"):
        await use(tool, image=Picture(url="http://10.0.0.1/a.png"), prompt="at night")

    assert service.paths == ["/v1/meadow.png", "/v1/images/image2image"]


@each_kind
async def test_an_address_that_serves_nothing_is_told_to_the_model(use: Use, kind: type) -> None:
    tool = kind(**PublicService().settings(), handle_tool_error=True)

    message = await use(tool, image="https://service.test/v1/nothing.png", prompt="at night")

    assert message.status == "error"
    assert "The picture could not be fetched: 404" in message.content


@pytest.mark.parametrize("failure", [httpx.ReadTimeout, httpx.ConnectError])
async def test_an_address_out_of_reach_is_told_without_advice_for_programmers(use: Use, failure: type) -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise failure("gone", request=request)

    settings = PublicService().settings()
    transport = httpx.MockTransport(fail)
    clients = {"http_client": httpx.Client(transport=transport)}
    tool = StepFunImageEdit(**{**settings, **clients, "http_async_client": httpx.AsyncClient(transport=transport)})

    with pytest.raises(ToolException, match=r"could not be fetched: .*\(gone\)$"):
        await use(tool, image="https://service.test/v1/a.png", prompt="at night")


async def test_pictures_go_by_their_id_and_the_last_is_the_newest() -> None:
    first, second, third = ({**picture_artifact(Picture.of(MEADOW + bytes(more)))} for more in (1, 2, 3))
    shown = {"type": "image", "base64": base64.b64encode(MEADOW + bytes(4)).decode(), "mime_type": "image/png"}
    runtime = SimpleNamespace(
        state={
            "messages": [
                HumanMessage([{"type": "text", "text": "Look"}, shown], id="mine"),
                ToolMessage("x", tool_call_id="a", artifact=first),
                ToolMessage([{"type": "text", "text": "x"}, second], tool_call_id="b", artifact={"rows": 3}),
                ToolMessage("x", tool_call_id="c", artifact=[{"type": "audio", "base64": ""}, third]),
                AIMessage("I see."),
            ]
        }
    )

    def found(name: str) -> int:
        content = find_picture(name, runtime=runtime, root_dir=None, max_bytes=10_000_000)
        return len(content) - len(MEADOW)

    first["extras"]["path"], second["extras"] = "/out/picture-1.png", "none"
    named = {
        "last": 3,
        "/out/picture-1.png": 1,
        "picture-1.png": 1,
        "c": 3,
        third["id"]: 3,
        "b": 2,
        second["id"]: 2,
        "a": 1,
        first["id"]: 1,
        "mine": 4,
    }
    assert {name: found(name) for name in named} == named
    with pytest.raises(ToolException, match=f"the newest first: {third['id']}, {second['id']}, {first['id']}, mine"):
        found("other")


@each_kind
@pytest.mark.parametrize(
    ("image", "said"),
    [
        ({"type": "audio", "base64": "AAAA"}, "type 'audio' holds no picture"),
        ({"type": "image"}, "neither base64 nor a url"),
        ({"type": "image", "base64": "not base64!"}, "no base64"),
        ({"type": "image", "url": "http://example.com/a.png"}, "http: addresses are not visited"),
        (MEADOW + bytes(1_000_000), "at most 1,000,000 are taken"),
        (Picture(b"plain text", media_type="image/png"), "no picture but something unknown"),
    ],
)
async def test_a_block_without_a_picture_is_refused(use: Use, kind: type, image: Any, said: str) -> None:
    service = PublicService()

    with pytest.raises(ToolException, match=said):
        await use(kind(**service.settings(), max_bytes=1_000_000), image=image, prompt="at night")

    assert service.sent == []


@each_kind
@pytest.mark.parametrize("image", [None, 7, ["last"], Path("meadow.png"), object()])
async def test_what_is_no_picture_at_all_is_a_validation_error(use: Use, kind: type, image: Any) -> None:
    with pytest.raises(ValidationError):
        await use(kind(**PublicService().settings()), image=image, prompt="at night")


async def test_a_schema_of_ones_own_opens_no_way_to_files(use: Use, folder: Path) -> None:
    service = PublicService()
    anything = {"type": "object", "properties": {"image": {}, "prompt": {}}}
    tool = StepFunImageEdit(**service.settings(), args_schema=anything)

    for passed in (folder / "meadow.png", 7):
        with pytest.raises(ToolException, match="is no picture"):
            await use(tool, image=passed, prompt="at night")

    assert service.sent == []


async def test_what_the_image_model_does_not_take_is_told(use: Use) -> None:
    service = PublicService()
    wide = MEADOW[:16] + (3000).to_bytes(4, "big") + MEADOW[20:]

    with pytest.raises(ToolException, match=r"3000x.* 2048x2048 at most"):
        await use(StepFunImageToImage(**service.settings()), image=wide, prompt="at night")
    with pytest.raises(ToolException, match="image/gif; StepFun takes PNG and JPEG"):
        await use(StepFunImageToImage(**service.settings()), image=b"GIF89a\1\0\1\0", prompt="at night")

    assert service.sent == []


# --- What the service answers with -----------------------------------------------------------------------------------


RESULTS: dict[str, tuple[type[Exception], str]] = {
    "hostile-redirect": (InvalidParameterError, "169.254.169.254 is no public address"),
    "hostile-svg": (APIResponseError, "image/svg"),
    "hostile-html": (APIResponseError, "text/html"),
    "hostile-endless": (InvalidParameterError, "more than 52,428,800 bytes"),
    "hostile-huge": (InvalidParameterError, "more than 52,428,800 bytes"),
}


@pytest.mark.parametrize("fault", RESULTS)
@pytest.mark.parametrize("kind", [StepFunImageGen, StepFunImageEdit, StepFunImageToImage])
async def test_a_hostile_result_is_neither_written_nor_handed_over(
    tools, use: Use, tmp_path: Path, kind: type, fault: str
) -> None:
    error, said = RESULTS[fault]
    by_url = {"extra_body": {"response_format": "url"}, "default_headers": {"x-emulator-fault": fault}}
    tool = tools(kind, output_dir=tmp_path, handle_tool_error=True, **by_url)
    source = {} if kind is StepFunImageGen else {"image": MEADOW}

    with pytest.raises(error, match=said):
        await use(tool, prompt="a red house", **source)

    assert contents(tmp_path) == []
