"""Life in programs: errors, keys, histories, events, and what a framework asks about a model."""

from __future__ import annotations

import pickle
import re
from typing import TYPE_CHECKING

from langchain_core.exceptions import ModelError
from langchain_core.load import dumps
from langchain_core.messages import AIMessage, HumanMessage

from benchmarks.features.probing import Case, Outcome, Probes, times
from benchmarks.features.samples import CHINESE, LONG_ANSWER, QUESTION

if TYPE_CHECKING:
    from langchain_core.language_models.chat_models import BaseChatModel

PROBES = Probes()

_SECRET = "sk-nobody-may-read-this"  # noqa: S105 - it opens nothing
_TRACE_ID = re.compile(r"\b[0-9a-f]{32}\b")


@PROBES.add("401 (key) typed, not retried", "401（密钥错误）有类型，不重试")
def wrong_key(case: Case) -> Outcome:
    """An error of langchain-core's that says whether a retry is worth it."""
    return _typed(_error(case.model(api_key="invalid")))


@PROBES.add("402 (balance) and 451 (moderation) typed, not retried", "402（余额不足）和 451（内容审核）有类型，不重试")
def refused(case: Case) -> Outcome:
    """Otherwise retry middleware tries again and again."""
    errors = _error(case.model(api_key="broke")), _error(case.model(), "censored-by-emulator")
    return min(map(_typed, errors))  # no comes before yes


@PROBES.add("Errors tell the trace id", "报错中带有 trace id")
def trace_id(case: Case) -> bool:
    """It is in the words a log shows; StepFun's support asks for it."""
    return bool(_TRACE_ID.search(str(_error(case.model(api_key="broke")))))


@PROBES.add("A misspelt parameter is noticed", "拼错的参数会被发现")
def misspelt(case: Case) -> bool:
    """Before it is sent: StepFun ignores what it does not know."""
    try:
        case.model(temprature=0).invoke(QUESTION)
    except Exception as error:  # noqa: BLE001 - any error is a notice, but one of the service's comes too late
        return not hasattr(error, "status_code")
    return False


def _error(model: BaseChatModel, question: str = QUESTION) -> Exception:
    try:
        model.invoke(question)
    except Exception as error:  # noqa: BLE001 - it is what was asked for
        return error
    message = "no error"
    raise AssertionError(message)


def _typed(error: Exception) -> Outcome:
    good = isinstance(error, ModelError) and not error.is_retryable
    return Outcome(good, "" if good else type(error).__name__)


@PROBES.add("Pickles, before and after use", "使用前后都能 pickle")
def pickles(case: Case) -> bool:
    """And what comes back answers."""
    model = case.model()
    again = pickle.loads(pickle.dumps(model))  # noqa: S301 - just made
    again.invoke(QUESTION)
    return bool(pickle.loads(pickle.dumps(again)).invoke(QUESTION).text)  # noqa: S301 - just made


@PROBES.add("Key hidden in repr, dumps, pickle", "repr、dumps、pickle 不含密钥")
def key_hidden(case: Case) -> Outcome:
    """Who cannot be pickled gives nothing away."""
    model = case.model(api_key=_SECRET)
    model.invoke(QUESTION)
    places = {"repr": repr(model), "dumps": dumps(model), "pickle": _pickled(model)}
    found = [place for place, text in places.items() if _SECRET in text]
    return Outcome(not found, ", ".join(found))


def _pickled(model: BaseChatModel) -> str:
    try:
        return pickle.dumps(model).decode("latin-1")
    except Exception:  # noqa: BLE001 - whyever it cannot
        return ""


@PROBES.add("Model profile", "模型能力信息（profile）")
def profile(case: Case) -> bool:
    """What agents and middleware plan with."""
    known = case.model().profile or {}
    return bool(known.get("max_input_tokens") and known.get("image_inputs"))


@PROBES.add("Tokens of a Chinese prompt counted", "中文提示的 token 计数")
def chinese_tokens(case: Case) -> Outcome:
    """Counted before anything is asked, beside what the service will charge."""
    told = case.model().get_num_tokens_from_messages([HumanMessage(CHINESE)])
    return times(told, case.wire(CHINESE)["usage"]["prompt_tokens"])


@PROBES.add("v1 answers as history", "v1 回答作为历史")
def history(case: Case) -> bool:
    """What it said in standard blocks itself, and what another provider said."""
    blocks = [{"type": "reasoning", "reasoning": "Light scatters."}, {"type": "text", "text": "It scatters."}]
    foreign = AIMessage(blocks, response_metadata={"output_version": "v1", "model_provider": "anthropic"})
    model = case.model(output_version="v1")
    said = (model.invoke(QUESTION), foreign)
    return all(model.invoke([HumanMessage(QUESTION), one, HumanMessage("And at night?")]).text for one in said)


@PROBES.add("Tokens of v3 events counted once", "v3 事件的用量只计一次")
def events(case: Case) -> Outcome:
    """As the message that the events make tells them."""
    message = case.model().stream_events(LONG_ANSWER, version="v3").output
    told = message.usage_metadata or {}
    return times(told.get("total_tokens"), case.wire(LONG_ANSWER)["usage"]["total_tokens"])
