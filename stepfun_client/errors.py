"""The error tree: what went wrong, what to do next, and the trace id StepFun's support asks for.

`status_error` turns a reply's status and body into the right class; `stream_error` does the same for an error that
arrives inside a 200 stream (WIRE.md section 2). Every error pickles, and none holds the API key: what the service
quotes is redacted.
"""

from __future__ import annotations

import html
import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

KEY_PAGE = "https://platform.stepfun.com/interface-key"
GLOBAL_KEY_PAGE = "https://platform.stepfun.ai/interface-key"

_EXCERPT_CHARACTERS = 300


class StepFunError(Exception):
    """Base of every error this package raises.

    Attributes:
        message: What went wrong, without advice or trace id.
        trace_id: The 32 hex digits StepFun gave the exchange, or None where it never answered.
        hint: What the programmer may do about it, or None; nothing for a model's eyes.
    """

    def __init__(self, message: str = "", *, trace_id: str | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.trace_id = trace_id
        self.hint = hint

    def redact(self, redact: Callable[[str], str]) -> None:
        """Take the key out of every text this error and its causes hold, should the service have quoted it."""
        self.__dict__.update(_redacted(self.__dict__, redact))
        link: BaseException | None = self
        while link is not None:
            link.args = _redacted(link.args, redact)
            link = link.__cause__ or link.__context__

    def __str__(self) -> str:
        """Return the message, what to do next, and the trace id, where there are any."""
        text = f"{self.message}. {self.hint}" if self.hint else self.message
        return f"{text} (trace id {self.trace_id})" if self.trace_id else text


def _redacted(value: Any, redact: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, dict):
        return {_redacted(name, redact): _redacted(item, redact) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_redacted(item, redact) for item in value)
    return value


class MissingAPIKeyError(StepFunError):
    """No API key was given and none stands in the environment."""


class InvalidParameterError(StepFunError, ValueError):
    """An argument breaks a rule that is certain, so nothing was sent and nothing was paid.

    Attributes:
        param: The argument's name, e.g. `"temperature"`.
    """

    def __init__(self, message: str = "", *, param: str | None = None, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.param = param


class APIConnectionError(StepFunError):
    """The service could not be reached, or the connection broke before a whole reply had come."""


class APITimeoutError(APIConnectionError):
    """Nothing was heard for longer than the timeout allows."""


class StreamInterruptedError(StepFunError):
    """A stream ended before the service said it was complete: what came so far is a fragment, never an answer."""


class StreamTimeoutError(StreamInterruptedError, APITimeoutError):
    """A stream fell silent in its middle: both an interruption and a timeout."""


class APIResponseError(StepFunError):
    """A reply with a good status that cannot be read.

    Attributes:
        body: The beginning of what came instead.
    """

    def __init__(self, message: str = "", *, trace_id: str | None = None, body: str | None = None) -> None:
        super().__init__(message, trace_id=trace_id)
        self.body = body


class APIStatusError(StepFunError):
    """The service refused or failed, and said so.

    Attributes:
        status_code: The HTTP status; 200 for an error that came inside a stream.
        message: The service's own words.
        type: The service's error type, e.g. `"rate_limit_exceeded"`.
        code: The service's error code, seldom given.
        param: The parameter at fault, seldom given.
        trace_id: What support asks for.
        body: The parsed JSON body, else its text.
        hint: What to do next, or None.
    """

    def __init__(
        self,
        message: str = "",
        *,
        status_code: int = 0,
        type: str | None = None,  # noqa: A002 - the wire's own name, fixed in the public interface
        code: str | None = None,
        param: str | None = None,
        trace_id: str | None = None,
        body: Any = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, trace_id=trace_id, hint=hint)
        self.status_code = status_code
        self.type = type
        self.code = code
        self.param = param
        self.body = body

    def __str__(self) -> str:
        """Return status, type, the service's words, what to do next, and the trace id."""
        kind = f" {self.type}" if self.type else ""
        text = f"{self.status_code}{kind}: {self.message}"
        if self.hint:
            text += f" -> {self.hint}"
        return f"{text} (trace id {self.trace_id})" if self.trace_id else text


class BadRequestError(APIStatusError):
    """400: a parameter is wrong. Sending the same again fails the same way."""


class AuthenticationError(APIStatusError):
    """401: the key is wrong, or belongs to the other region."""


class InsufficientBalanceError(APIStatusError):
    """402: the balance or the quota is used up."""


class NotFoundError(APIStatusError):
    """404: no such model, no such path, or a path that Step Plan does not offer."""


class RateLimitError(APIStatusError):
    """429: too many requests, tokens or open streams at once."""


class ContentModerationError(APIStatusError):
    """451: the request or the answer was blocked by content moderation."""


class ContentFilteredError(ContentModerationError):
    """A picture was withheld: its `finish_reason` is `content_filtered`, the status 200 (WIRE.md section 9)."""


class ServerError(APIStatusError):
    """5xx: the service failed, is overloaded, or ended the request at its 10-minute limit."""


_CLASS_BY_STATUS: dict[int, type[APIStatusError]] = {
    400: BadRequestError,
    401: AuthenticationError,
    402: InsufficientBalanceError,
    404: NotFoundError,
    429: RateLimitError,
    451: ContentModerationError,
}

# WIRE.md section 2. Only needed where there is no status to go by: inside a stream.
_CLASS_BY_TYPE: dict[str, type[APIStatusError]] = {
    "request_params_invalid": BadRequestError,
    "input_invalid": BadRequestError,
    "unsupported_content_type": BadRequestError,
    "invalid_api_key": AuthenticationError,
    "quota_exceeded": InsufficientBalanceError,
    "invalid_request_error": NotFoundError,
    "model_invalid": NotFoundError,
    "rate_limit_exceeded": RateLimitError,
    "rate_limited": RateLimitError,
    "censorship_blocked": ContentModerationError,
}


def _class_for_status(status: int) -> type[APIStatusError]:
    return ServerError if status >= 500 else _CLASS_BY_STATUS.get(status, APIStatusError)


def status_error(
    status: int,
    headers: Mapping[str, str],
    content: bytes,
    *,
    url: str,
    redact: Callable[[str], str] = str,
) -> APIStatusError:
    """Build the error for a reply whose status is not 2xx.

    Args:
        status: The HTTP status.
        headers: The reply's headers; names in lower case, or a case-insensitive mapping.
        content: The body: JSON, plain text or HTML (WIRE.md section 2).
        url: The address that was asked, for advice about region and plan.
        redact: Takes the key out of a text, should the service have quoted it.

    Returns:
        The error, ready to raise.
    """
    text = redact(content.decode("utf-8", "replace"))
    body = _json_or_text(text)
    detail = _error_detail(body)
    return _class_for_status(status)(
        detail.get("message") or _readable(text) or "the reply has no body",
        status_code=status,
        type=detail.get("type"),
        code=detail.get("code"),
        param=detail.get("param"),
        trace_id=trace_id_of(headers, body),
        body=body,
        hint=_hint(status, url, detail.get("message", ""), is_json=isinstance(body, dict)),
    )


def stream_error(error: Any, *, trace_id: str | None, ends: bool = True) -> APIStatusError:
    """Build the error for a `{"error": ...}` that came with status 200, as inside a stream.

    Args:
        error: The value under `"error"`: an object with `message` and `type`, or a text.
        trace_id: The stream's trace id.
        ends: Whether it ends an answer; in a conversation it refuses one event, and the conversation goes on.

    Returns:
        The class its type belongs to; `ServerError` where the type is unknown.
    """
    detail = _error_detail({"error": error})
    kind = detail.get("type")
    cls = _CLASS_BY_TYPE.get(kind or "", ServerError)
    return cls(
        detail.get("message") or json.dumps(error, ensure_ascii=False),
        status_code=200,
        type=kind,
        code=detail.get("code"),
        param=detail.get("param"),
        trace_id=trace_id,
        body=error,
        hint="the service broke off while it answered; what came before it is not an answer" if ends else None,
    )


def trace_id_of(headers: Mapping[str, str], body: Any = None) -> str | None:
    """Read the trace id: the `x-trace-id` header, else the part of the body's id that embeds it.

    The id is `chatcmpl-<trace>.<hex>` without stream and `<trace>.<hex>` in streams (WIRE.md section 1).

    >>> trace_id_of({"x-trace-id": "373279f754863eccda439d90e5c06dfa"})
    '373279f754863eccda439d90e5c06dfa'
    >>> trace_id_of({}, {"id": "chatcmpl-373279f754863eccda439d90e5c06dfa.01a1"})
    '373279f754863eccda439d90e5c06dfa'
    """
    if trace_id := headers.get("x-trace-id"):
        return trace_id
    identifier = body.get("id") if isinstance(body, dict) else None
    if isinstance(identifier, str) and (match := _TRACE_IN_ID.match(identifier)):
        return match.group(1)
    return None


def without_frames(error: BaseException) -> BaseException:
    """Drop the tracebacks of an error and of what caused it: a library's frames hold the request with its headers."""
    link: BaseException | None = error
    while link is not None:
        link.__traceback__ = None
        link = link.__cause__ or link.__context__
    return error


_TRACE_IN_ID = re.compile(r"(?:chatcmpl-)?([0-9a-f]{32})(?:\.|$)")
_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<(?:script|style)\b.*?</(?:script|style)>|<[^>]*>", re.IGNORECASE | re.DOTALL)


def _json_or_text(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _error_detail(body: Any) -> dict[str, str]:
    error = body.get("error", body) if isinstance(body, dict) else None
    if isinstance(error, str):
        return {"message": error}
    if not isinstance(error, dict):
        return {}
    return {key: str(value) for key, value in error.items() if value not in (None, "")}


def _readable(text: str) -> str:
    """One line out of a text/plain or HTML body: an HTML page's title, else its words."""
    if "<" in text and (title := _TITLE.search(text)):
        text = title.group(1)
    words = " ".join(html.unescape(_TAG.sub(" ", text)).split())
    return words if len(words) <= _EXCERPT_CHARACTERS else words[:_EXCERPT_CHARACTERS] + "…"


def is_messages_only(message: str) -> bool:
    """Whether the service says that a model is served on the Messages API alone (WIRE.md section 2).

    >>> is_messages_only("this model is not enabled for the Chat Completions API, please use the Messages API")
    True
    """
    return "please use the Messages API" in message


def _hint(status: int, url: str, message: str, *, is_json: bool) -> str | None:
    if status == 400 and is_messages_only(message):
        return "call it with client.messages.create(model=..., messages=..., max_tokens=...)"
    if status == 404 and "/step_plan/" in url and not is_json:
        return "Step Plan does not offer this path; use plan=False, with a key of the open platform"
    if status == 401:
        return (
            "check the key, and that it belongs to this region: region='cn' talks to api.stepfun.com "
            f"(keys: {KEY_PAGE}), region='global' to api.stepfun.ai (keys: {GLOBAL_KEY_PAGE}); this call went to {url}"
        )
    if status >= 500:
        return "try again later; the service also ends any request at 10 minutes, so stream long answers"
    return _HINTS.get(status)


_HINTS: dict[int, str] = {
    402: "top up the balance or wait for the quota to renew: https://platform.stepfun.com/account-info",
    404: "check the model's name and the base URL; `client.models.list()` shows what this key may use",
    429: "wait, or run fewer calls at once: a concurrency slot is held until a stream is read to its end or closed",
    451: "content moderation blocked the request; change the input, sending it again changes nothing",
}
