"""Life in programs: keys, parameters, copies."""

from __future__ import annotations

import pickle
from typing import Any

from benchmarks.features.llama_index.asking import asked
from benchmarks.features.probing import Case, Outcome, Probes
from benchmarks.features.samples import QUESTION

PROBES = Probes()

_SECRET = "sk-nobody-may-read-this"  # noqa: S105 - it opens nothing


@PROBES.add("`STEP_API_KEY` read", "读取 `STEP_API_KEY`")
def key_found(case: Case) -> bool:
    """Where StepFun's own documents say it is."""
    return bool(case.bare(model="step-3.7-flash").chat(asked(question=QUESTION)).message.content)


@PROBES.add("Key hidden in to_dict, repr, pickle", "to_dict、repr、pickle 不含密钥")
def key_hidden(case: Case) -> Outcome:
    """Who cannot be pickled gives nothing away."""
    llm = case.model(api_key=_SECRET)
    places = {"to_dict": str(llm.to_dict()), "repr": repr(llm), "pickle": _pickled(llm)}
    found = [place for place, text in places.items() if _SECRET in text]
    return Outcome(not found, ", ".join(found))


def _pickled(llm: Any) -> str:
    try:
        return pickle.dumps(llm).decode("latin-1")
    except Exception:  # noqa: BLE001 - whyever it cannot
        return ""


@PROBES.add("Pickles, before and after use", "使用前后都能 pickle")
def pickles(case: Case) -> bool:
    """And what comes back answers."""
    again = pickle.loads(pickle.dumps(case.model()))  # noqa: S301 - just made
    again.chat(asked(question=QUESTION))
    once_more = pickle.loads(pickle.dumps(again))  # noqa: S301 - just made
    return bool(once_more.chat(asked(question=QUESTION)).message.content)


@PROBES.add("A misspelt parameter is noticed", "拼错的参数会被发现")
def misspelt(case: Case) -> bool:
    """Before it is sent: StepFun ignores what it does not know."""
    try:
        case.model(temprature=0).chat(asked(question=QUESTION))
    except Exception as error:  # noqa: BLE001 - any error is a notice, but one of the service's comes too late
        return not hasattr(error, "status_code")
    return False
