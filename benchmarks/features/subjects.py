"""The tables: who is compared with whom, what they are asked, and where it stands in the READMEs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module

from benchmarks import peers
from benchmarks.features.probing import Contender, Probe


@dataclass(frozen=True)
class Subject:
    """A table.

    Attributes:
        name: What `--table` calls it, and its place in a document.
        us: The first column.
        peers: The others.
        environment: Where the peers are installed.
        asked: The module with the rows; only who has the framework can import it.
    """

    name: str
    us: Contender
    peers: Sequence[Contender]
    environment: peers.Environment
    asked: str

    @property
    def contenders(self) -> list[Contender]:
        """Everybody."""
        return [self.us, *self.peers]

    @property
    def rows(self) -> Sequence[Probe]:
        """What everybody is asked."""
        rows: Sequence[Probe] = import_module(self.asked).ROWS
        return rows

    @property
    def markers(self) -> tuple[str, str]:
        """The lines a document has around the table."""
        return f"<!-- {self.name}:begin -->", f"<!-- {self.name}:end -->"


# A tool called `web_search` makes them turn to the Responses API otherwise, where StepFun documents functions only.
_CHAT_COMPLETIONS = {"use_responses_api": False}

LANGCHAIN = Subject(
    "features",
    us=Contender("ChatStepFun", "langchain_stepfun", "stepfun-integrations"),
    peers=(
        Contender("ChatOpenAI", "langchain_openai", "langchain-openai", _CHAT_COMPLETIONS),
        Contender("ChatDeepSeek", "langchain_deepseek", "langchain-deepseek", _CHAT_COMPLETIONS),
    ),
    environment=peers.LANGCHAIN,
    asked="benchmarks.features.rows",
)
LLAMA_INDEX = Subject(
    "llama-index-features",
    us=Contender("StepFun (this package)", "llama_index_stepfun", "stepfun-integrations", made="StepFun"),
    peers=(
        Contender(
            "StepFun (llama-index-llms-stepfun)",
            "llama_index.llms.stepfun",
            "llama-index-llms-stepfun",
            settings={"is_function_calling_model": True},  # off by default, and nothing with tools would work
            words={"base_url": "api_base", "audio": "audio_config"},
            made="StepFun",
        ),
    ),
    environment=peers.LLAMA_INDEX,
    asked="benchmarks.features.llama_index.rows",
)
SUBJECTS = {subject.name: subject for subject in (LANGCHAIN, LLAMA_INDEX)}
