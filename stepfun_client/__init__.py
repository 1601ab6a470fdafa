"""StepFun's API on httpx and pydantic: speaks the wire, knows no framework.

>>> from stepfun_client import StepFunClient
>>> client = StepFunClient(region="global")
"""

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"  # before the imports: the transport names it

from stepfun_client.client import AsyncStepFunClient, StepFunClient
from stepfun_client.core.concurrency import ConcurrencyLimit
from stepfun_client.errors import (
    APIConnectionError,
    APIResponseError,
    APIStatusError,
    APITimeoutError,
    AuthenticationError,
    BadRequestError,
    ContentFilteredError,
    ContentModerationError,
    InsufficientBalanceError,
    InvalidParameterError,
    MissingAPIKeyError,
    NotFoundError,
    RateLimitError,
    ServerError,
    StepFunError,
    StreamInterruptedError,
    StreamTimeoutError,
)

if TYPE_CHECKING:
    from stepfun_client.api.knowledge import retrieval_tool
    from stepfun_client.api.transcript import Transcript
    from stepfun_client.audio.clip import Audio
    from stepfun_client.picture import Picture

__all__ = [
    "APIConnectionError",
    "APIResponseError",
    "APIStatusError",
    "APITimeoutError",
    "AsyncStepFunClient",
    "Audio",
    "AuthenticationError",
    "BadRequestError",
    "ConcurrencyLimit",
    "ContentFilteredError",
    "ContentModerationError",
    "InsufficientBalanceError",
    "InvalidParameterError",
    "MissingAPIKeyError",
    "NotFoundError",
    "Picture",
    "RateLimitError",
    "ServerError",
    "StepFunClient",
    "StepFunError",
    "StreamInterruptedError",
    "StreamTimeoutError",
    "Transcript",
    "retrieval_tool",
]


def __getattr__(name: str) -> Any:
    """Load what needs a module of its own when it is first asked for."""
    if name == "retrieval_tool":
        from stepfun_client.api.knowledge import retrieval_tool  # noqa: PLC0415 - resources load at first use

        return retrieval_tool
    if name == "Audio":
        from stepfun_client.audio.clip import Audio  # noqa: PLC0415 - most programs make no sound

        return Audio
    if name == "Picture":
        from stepfun_client.picture import Picture  # noqa: PLC0415 - as above

        return Picture
    if name == "Transcript":
        from stepfun_client.api.transcript import Transcript  # noqa: PLC0415 - as above

        return Transcript
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
