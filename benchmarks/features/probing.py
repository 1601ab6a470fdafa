"""What a probe is: one question about a model, asked of it as its users would, with a short answer."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from threading import Thread
from typing import Any, NamedTuple

import httpx


@dataclass(frozen=True)
class Contender:
    """A class of models.

    Attributes:
        name: What the table calls it.
        package: Where it comes from, as it is imported.
        distribution: And as it is installed.
        settings: What it needs beside `model`, `base_url` and `api_key` to be pointed at StepFun.
        words: Its own names for settings, where they are others.
        made: The class, where the table calls it otherwise.
    """

    name: str
    package: str
    distribution: str
    settings: Mapping[str, Any] = field(default_factory=dict, hash=False)
    words: Mapping[str, str] = field(default_factory=dict, hash=False)
    made: str = ""


# Where they look for their key: a model that was pickled without one finds it there again.
KEY_VARIABLES = ("STEP_API_KEY", "OPENAI_API_KEY", "DEEPSEEK_API_KEY")
KEY = "sk-of-the-loopback"

MODEL = "step-3.7-flash"

_SECONDS = 30.0
_LONGEST_NOTE = 24


@dataclass(frozen=True)
class Case:
    """A class of models, and an emulator of StepFun to point it at.

    Attributes:
        contender: The class.
        base_url: The emulator's address.
    """

    contender: Contender
    base_url: str

    @property
    def made(self) -> Any:
        """The class itself."""
        return getattr(import_module(self.contender.package), self.contender.made or self.contender.name)

    def model(self, *, fault: str = "none", **settings: Any) -> Any:
        """Make a model of the class, with settings of its own; `fault` is what shall befall its requests."""
        usual = {
            "model": MODEL,
            "api_key": KEY,
            "max_retries": 0,
            "timeout": _SECONDS,
            "default_headers": {"x-emulator-fault": fault},
        }
        return self.bare(**{**usual, **self.contender.settings, **settings})

    def bare(self, **settings: Any) -> Any:
        """Make a model with nothing but its address and these settings."""
        given = {"base_url": self.base_url, **settings}
        return self.made(**{self.contender.words.get(name, name): value for name, value in given.items()})

    def wire(self, question: str, **body: Any) -> dict[str, Any]:
        """Ask without any of them, and return the reply as it is on the wire: the truth."""
        messages = [{"role": "user", "content": question}]
        return self.post("chat/completions", json={"model": MODEL, "messages": messages, **body})

    def post(self, path: str, **content: Any) -> dict[str, Any]:
        """Send anything to the emulator."""
        with httpx.Client(trust_env=False, timeout=_SECONDS) as client:
            reply = client.post(f"{self.base_url}/{path}", headers={"authorization": f"Bearer {KEY}"}, **content)
        return reply.raise_for_status().json()


class Outcome(NamedTuple):
    """What a probe found.

    Attributes:
        good: Whether the user gets what the row says.
        note: A figure, or the error that came instead.
    """

    good: bool
    note: str = ""


Ask = Callable[[Case], "Outcome | bool"]


@dataclass(frozen=True)
class Probe:
    """A row of the table.

    Attributes:
        label: What it is about.
        label_zh: The same in Chinese.
        ask: Finds out; what it raises means no.
    """

    label: str
    label_zh: str
    ask: Ask

    def run(self, case: Case) -> Outcome:
        """Find out, within the time a probe has."""
        found = [Outcome(good=False, note=f"no end in {_SECONDS:.0f} s")]

        def run() -> None:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found.append(self._run(case))

        thread = Thread(target=run, name=self.ask.__name__, daemon=True)
        thread.start()
        thread.join(_SECONDS)
        return found[-1]

    def _run(self, case: Case) -> Outcome:
        try:
            outcome = self.ask(case)
        except Exception as error:  # noqa: BLE001 - whatever it is, the user would meet it
            return Outcome(good=False, note=in_short(error))
        return outcome if isinstance(outcome, Outcome) else Outcome(outcome)


class Probes(list[Probe]):
    """Rows that belong together."""

    def add(self, label: str, label_zh: str) -> Callable[[Ask], Ask]:
        """Decorate a function that finds something out."""

        def added(ask: Ask) -> Ask:
            self.append(Probe(label, label_zh, ask))
            return ask

        return added


def in_short(error: Exception) -> str:
    """Name an error in as little room as a table has."""
    status = getattr(error, "status_code", None)
    if status:
        return f"HTTP {status}"
    name, said = type(error).__name__, str(error)
    return f"{name} {said}" if 0 < len(said) <= _LONGEST_NOTE and said.isprintable() else name


def times(told: float | None, truth: float) -> Outcome:
    """Compare a figure with the truth: right, missing, or so many times as large."""
    if not told:
        return Outcome(good=False, note=str(told))
    return Outcome(told == truth, "" if told == truth else f"{told / truth:.1f}x")
