"""Our errors that are also langchain-core's.

Code that catches either tree works, and retry policies know what may pass. langchain-core names no class for 402 and
451; `ModelError` with `is_retryable = False` says what they are, since an error outside its tree would be retried by
middleware.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from langchain_core.exceptions import (
    ContextOverflowError,
    ModelAPIError,
    ModelAuthenticationError,
    ModelConnectionError,
    ModelError,
    ModelInvalidRequestError,
    ModelNotFoundError,
    ModelPermissionDeniedError,
    ModelRateLimitError,
    ModelTimeoutError,
)

import stepfun_client as stepfun
from stepfun_client.errors import APIStatusError, StepFunError, is_messages_only


class ChatBadRequestError(stepfun.BadRequestError, ModelInvalidRequestError):
    """400: a parameter is wrong."""


class ChatContextOverflowError(ChatBadRequestError, ContextOverflowError):
    """400, since the conversation is longer than the model's context; shorten it."""


class ChatAuthenticationError(stepfun.AuthenticationError, ModelAuthenticationError):
    """401: the key is wrong, or belongs to the other region."""


class ChatInsufficientBalanceError(stepfun.InsufficientBalanceError, ModelError):
    """402: the balance or the quota is used up; trying again changes nothing."""


class ChatPermissionDeniedError(APIStatusError, ModelPermissionDeniedError):
    """403: the key may not do this."""


class ChatNotFoundError(stepfun.NotFoundError, ModelNotFoundError):
    """404: no such model, or no such path."""


class ChatRateLimitError(stepfun.RateLimitError, ModelRateLimitError):
    """429: too much at once; it passes."""


class ChatContentModerationError(stepfun.ContentModerationError, ModelError):
    """451: content moderation blocked it; trying again changes nothing."""


class ChatServerError(stepfun.ServerError, ModelAPIError):
    """5xx: the service failed; it may pass."""


class ChatStatusError(APIStatusError, ModelError):
    """Any other refusal; trying again changes nothing."""


class ChatConnectionError(stepfun.APIConnectionError, ModelConnectionError):
    """The service could not be reached."""


class ChatTimeoutError(stepfun.APITimeoutError, ModelTimeoutError):
    """Nothing was heard for longer than the timeout allows."""


class ChatStreamInterruptedError(stepfun.StreamInterruptedError, ModelConnectionError):
    """A stream was cut: what came is not an answer, and the same request may succeed."""


class ChatStreamTimeoutError(stepfun.StreamTimeoutError, ModelTimeoutError):
    """A stream fell silent in its middle."""


class ChatResponseError(stepfun.APIResponseError, ModelAPIError):
    """A reply that cannot be read; the next one may be better."""


class ChatInvalidParameterError(stepfun.InvalidParameterError, ModelInvalidRequestError):
    """An argument breaks a rule that is certain; nothing was sent."""


class ChatMissingAPIKeyError(stepfun.MissingAPIKeyError, ModelAuthenticationError):
    """No API key was given and none stands in the environment."""


class AnswerCutError(StepFunError, ModelError):
    """The answer was cut at `max_tokens` where only a whole one is of use; the same request ends the same way."""


# By our class, the most special first: what a StreamTimeoutError is, an APITimeoutError is not yet.
_TWINS: dict[type[StepFunError], type[StepFunError]] = {
    stepfun.BadRequestError: ChatBadRequestError,
    stepfun.AuthenticationError: ChatAuthenticationError,
    stepfun.InsufficientBalanceError: ChatInsufficientBalanceError,
    stepfun.NotFoundError: ChatNotFoundError,
    stepfun.RateLimitError: ChatRateLimitError,
    stepfun.ContentModerationError: ChatContentModerationError,
    stepfun.ServerError: ChatServerError,
    stepfun.StreamTimeoutError: ChatStreamTimeoutError,
    stepfun.StreamInterruptedError: ChatStreamInterruptedError,
    stepfun.APITimeoutError: ChatTimeoutError,
    stepfun.APIConnectionError: ChatConnectionError,
    stepfun.APIResponseError: ChatResponseError,
    stepfun.InvalidParameterError: ChatInvalidParameterError,
    stepfun.MissingAPIKeyError: ChatMissingAPIKeyError,
}


# No source says how StepFun words it; these are the words such services use, in English and Chinese.
_OVERFLOW = re.compile(
    r"context.{0,20}(length|window|limit|size)|maximum context|(prompt|input|messages?) (is|are) too long"
    r"|exceed.{0,40}(context|token)|too many (input )?tokens|(上下文|输入|提示词|消息|对话).{0,10}(超|过长|太长)"
    r"|超.{0,10}(上下文|输入)",
    re.IGNORECASE,
)
_ABOUT_THE_ANSWER = re.compile(r"^\W*max_(completion_)?tokens\b", re.IGNORECASE)


def as_model_error(error: StepFunError) -> StepFunError:
    """Return the error's twin in both trees, with all it holds; an error without a twin as it is."""
    if isinstance(error, ModelError):
        return error
    twin = _TWINS.get(type(error))
    if isinstance(error, stepfun.BadRequestError) and twin is ChatBadRequestError and _is_overflow(error):
        twin = ChatContextOverflowError
    if twin is None and isinstance(error, APIStatusError):
        twin = ChatPermissionDeniedError if error.status_code == 403 else ChatStatusError
    if twin is None:
        return error
    made = twin.__new__(twin, *error.args)
    made.__dict__.update(error.__dict__)
    if isinstance(made, stepfun.BadRequestError) and is_messages_only(made.message):
        made.hint = 'make the model with api="messages": ChatStepFun(model=..., api="messages")'
    return made


def _is_overflow(error: stepfun.BadRequestError) -> bool:
    """Whether the conversation is too long; an answer that was asked for too long is another matter."""
    if error.param == "max_tokens" or _ABOUT_THE_ANSWER.search(error.message):
        return False
    return bool(_OVERFLOW.search(f"{error.message} {error.code or ''}"))


@contextmanager
def model_errors() -> Iterator[None]:
    """Raise StepFun's errors inside as their twins in both trees."""
    try:
        yield
    except StepFunError as error:
        raise as_model_error(error) from error.__cause__
