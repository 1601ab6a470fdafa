"""Live tests: they talk to StepFun with the developer's key, cost next to nothing, and are skipped without a key.

They hold for the emulator too: `STEP_API_KEY=any STEPFUN_BASE_URL=http://127.0.0.1:8765/v1`.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from langchain_stepfun import ChatStepFun

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give these tests, and no others, the network; skip them without a key."""
    has_key = any(os.environ.get(name) for name in ("STEP_API_KEY", "STEPFUN_API_KEY"))
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.enable_socket)
            item.add_marker(pytest.mark.skipif(not has_key, reason="live: set STEP_API_KEY"))


@pytest.fixture
async def model() -> AsyncIterator[ChatStepFun]:
    """The cheapest model that thinks, calls tools and sees."""
    made = ChatStepFun(model="step-3.7-flash", reasoning_effort="low", max_tokens=1000)
    yield made
    made.client.close()
    await made.async_client.aclose()
