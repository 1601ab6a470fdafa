"""What importing the package costs, that its examples are true, and that it gets on with a server nobody here wrote."""

from __future__ import annotations

import asyncio
import doctest
import importlib
import pkgutil
import subprocess
import sys

import pytest

import stepfun_client
import stepfun_emulator
from tests.chat_faults import CHAT_FAULTS

MODULES = [
    "stepfun_client",
    *(found.name for found in pkgutil.walk_packages(stepfun_client.__path__, "stepfun_client.") if not found.ispkg),
]


@pytest.fixture(scope="module")
def emulator():
    with stepfun_emulator.running() as base_url:
        yield base_url


@pytest.fixture
def environment(emulator, monkeypatch):
    """The environment of a developer who points everything at the emulator."""
    monkeypatch.setenv("STEPFUN_BASE_URL", emulator)
    monkeypatch.setenv("STEP_API_KEY", "any")


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("name", MODULES)
def test_the_examples_are_true(name):
    module = importlib.import_module(name)
    with stepfun_client.StepFunClient() as client:
        names = {**vars(stepfun_client), **vars(module), "client": client, "asyncio": asyncio}
        failed, _ = doctest.testmod(module, extraglobs=names, optionflags=doctest.ELLIPSIS)
    assert failed == 0, "see the captured output"


def test_there_are_examples_to_run():
    finder = doctest.DocTestFinder(exclude_empty=True)
    with_examples = [
        name for name in MODULES if any(test.examples for test in finder.find(importlib.import_module(name)))
    ]
    assert {"stepfun_client.client", "stepfun_client.api.chat", "stepfun_client.api.files"} <= set(with_examples)


HEAVY = (
    "httpx",
    "websockets",
    "PIL",
    "langchain",
    "langchain_core",
    "llama_index",
    "stepfun_emulator",
    "rich",
    "click",
)


@pytest.mark.parametrize(
    "statement", ["import stepfun_client", "from stepfun_client import StepFunClient; StepFunClient()"]
)
def test_importing_it_loads_nothing_heavy(statement):
    program = f"{statement}; import sys; print(*(name for name in {HEAVY} if name in sys.modules))"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ended.stdout.split() == []


ANSWER = "6 * 7 = 42"
INTERRUPTED = stepfun_client.StreamInterruptedError
NEVER_WHOLE = (stepfun_client.APIConnectionError, INTERRUPTED)
FAULTS = {  # what a user sees: of a whole reply, and of a stream
    "rate-limit": (stepfun_client.RateLimitError,) * 2,
    "rate-limit-retry-after": (stepfun_client.RateLimitError,) * 2,
    "flaky": (ANSWER, ANSWER),
    "overloaded": (stepfun_client.ServerError,) * 2,
    "timeout-503": (stepfun_client.ServerError,) * 2,
    "html-error": (stepfun_client.ServerError,) * 2,
    "drop-connection": (stepfun_client.APIConnectionError,) * 2,
    "cut-stream": NEVER_WHOLE,
    "cut-connection": NEVER_WHOLE,
    "cut-before-first": NEVER_WHOLE,
    "garbage": (stepfun_client.APIResponseError,) * 2,
    "error-in-stream": (stepfun_client.ServerError,) * 2,
    "no-done": (ANSWER, ANSWER),
    "slow": (ANSWER, ANSWER),
    "stall": (stepfun_client.APITimeoutError, stepfun_client.StreamTimeoutError),
    "stall-after-first": (stepfun_client.APITimeoutError, stepfun_client.StreamTimeoutError),
    "one-byte": (ANSWER, ANSWER),
    "odd-chunks": (ANSWER, ANSWER),
    "crlf": (ANSWER, ANSWER),
    "tool-whole": (ANSWER, ANSWER),
    "tool-no-index": (ANSWER, ANSWER),
    "tool-repeated-id": (ANSWER, ANSWER),
    "finish-empty": (ANSWER, ANSWER),
    "reasoning-only": (ANSWER, ANSWER),
}


@pytest.mark.usefixtures("environment")
class TestAgainstTheEmulator:
    """It was written from the wire description alone, so a mistake in the client cannot hide in it."""

    async def test_chat(self, both, wire):
        client = both.client(api_key=None)
        ask = {"model": "step-3.7-flash", "messages": [{"role": "user", "content": "What is 6 * 7?"}]}
        whole = await both.get(client.chat.create(**ask))
        streamed = await both.get(client.chat.stream(**ask).completion())
        assert "42" in whole.text
        assert (streamed.text, streamed.reasoning) == (whole.text, whole.reasoning)
        assert streamed.usage.total_tokens == whole.usage.total_tokens > 0
        assert len(streamed.trace_id) == 32

    async def test_a_file_from_its_upload_to_its_end(self, both):
        files = both.client(api_key=None).files
        file = await both.get(files.create(b"# Minutes", purpose="file-extract", filename="minutes.md"))
        ready = await both.get(files.wait(file.id, poll=0.02))
        assert ready.status == "success"
        assert await both.get(files.content(file.id)) == "# Minutes"
        assert file.id in [one.id for one in await both.get(files.list())]
        assert (await both.get(files.delete(file.id))).deleted
        with pytest.raises(stepfun_client.NotFoundError):
            await both.get(files.retrieve(file.id))

    async def test_the_account(self, both):
        client = both.client(api_key=None)
        models = await both.get(client.models.list())
        assert (await both.get(client.models.retrieve(models[0].id))).id == models[0].id
        assert (await both.get(client.account.retrieve())).balance >= 0
        counted = await both.get(client.tokens.count(model=models[0].id, messages=[{"role": "user", "content": "Hi"}]))
        assert counted.total_tokens > 0

    @pytest.mark.parametrize(
        ("key", "cls"),
        [
            ("invalid-key", stepfun_client.AuthenticationError),
            ("broke-key", stepfun_client.InsufficientBalanceError),
        ],
    )
    async def test_refusals(self, both, wire, key, cls):
        with pytest.raises(cls):
            await both.get(both.client(api_key=key).chat.create(**wire.ask))

    @pytest.mark.parametrize(("fault", "outcomes"), FAULTS.items())
    async def test_faults(self, both, naps, fault, outcomes):
        chat = both.client(api_key=None, timeout=0.3).chat
        ask = {"model": "step-3.7-flash", "messages": [{"role": "user", "content": "What is 6 * 7?"}]}
        options = {"extra_headers": {stepfun_emulator.faults.HEADER: fault}}
        calls = (lambda: chat.create(**ask, **options), lambda: chat.stream(**ask, **options).completion())
        for call, outcome in zip(calls, outcomes, strict=True):
            if isinstance(outcome, str):
                assert (await both.get(call())).text == outcome
            else:
                with pytest.raises(outcome):
                    await both.get(call())

    def test_no_fault_is_forgotten(self):
        assert set(FAULTS) == CHAT_FAULTS
