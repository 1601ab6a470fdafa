"""A transcript: what was said, when, and by which channel; and the four forms it is written in."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from pydantic import Field

from stepfun_client.api.resource import WireModel, WirePart
from stepfun_client.audio.subtitles import srt, vtt
from stepfun_client.catalog import MODELS
from stepfun_client.errors import InvalidParameterError

_WIDE = re.compile(r"[\u2e80-\ua4cf\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef]")


class Word(WirePart):
    """A word (in Chinese a character or a few) and when it is said.

    Attributes:
        text: The word, with the punctuation behind it.
        start: When it begins, in seconds from the beginning of the audio; None where the service does not say.
        end: When it ends.
    """

    text: str
    start: float | None = None
    end: float | None = None


class Segment(WirePart):
    """A sentence or so: an utterance of the service's, or what stands between two ends of sentences.

    Attributes:
        text: What is said.
        start: When it begins, in seconds from the beginning of the audio; None where the service does not say.
        end: When it ends.
        words: Its words; empty where only the whole has times.
        channel: Which channel of the audio, from 0, where channels were recognised apart.
    """

    text: str
    start: float | None = None
    end: float | None = None
    words: list[Word] = Field(default_factory=list)
    channel: int | None = None


class Transcript(WireModel):
    """What was said. Fields of the service's reply that are not known here are kept.

    Attributes:
        text: All of it, in the service's own words: segments may differ where it corrected itself at the end.
        language: The language that was asked for; the service does not name the one it heard.
        segments: Sentences with their times; empty where none were asked for.
        duration_seconds: How long the audio is, where the service or the file says so.
        usage: What it cost, as the service counts.
        model: The model that listened.
        trace_id: The exchange's trace id; quote it to StepFun's support.

    Example:
        >>> said = Transcript(text="Good morning.", segments=[Segment(text="Good morning.", start=0.5, end=1.25)])
        >>> print(said.to_srt())
        1
        00:00:00,500 --> 00:00:01,250
        Good morning.
        <BLANKLINE>
    """

    text: str
    language: str | None = None
    segments: list[Segment] = Field(default_factory=list)
    duration_seconds: float | None = None
    usage: dict[str, Any] | None = None
    model: str | None = None

    @property
    def words(self) -> list[Word]:
        """The words of all segments."""
        return [word for segment in self.segments for word in segment.words]

    @property
    def has_times(self) -> bool:
        """Whether it says when things were said, so that subtitles can be made of it."""
        return any(segment.start is not None for segment in self.segments)

    def to_text(self) -> str:
        """The text alone."""
        return self.text

    def to_json(self) -> str:
        """Everything, as JSON: times in seconds, what is not known left out."""
        return json.dumps(self.model_dump(exclude_none=True), ensure_ascii=False, indent=2)

    def to_srt(self) -> str:
        """SubRip subtitles (`.srt`): at most two lines a cue, about 42 Latin or 20 Chinese characters a line.

        Raises:
            InvalidParameterError: If the transcript has no times.
        """
        return srt(self._timed())

    def to_vtt(self) -> str:
        """WebVTT subtitles (`.vtt`), for the `<track>` of a web page; see `to_srt`.

        Raises:
            InvalidParameterError: If the transcript has no times.
        """
        return vtt(self._timed())

    def _timed(self) -> list[Segment]:
        if self.text.strip() and not self.has_times:
            models = [name for name, info in MODELS.items() if {"sse", "async"} & set(info.transports)]
            raise InvalidParameterError(
                "this transcript does not say when things were said, so it makes no subtitles. Transcribe with "
                f"timestamps=True and one of the models that give times: {', '.join(models)}",
                param="timestamps",
            )
        return self.segments


def joined(texts: Iterable[str]) -> str:
    """Join sentences: with a blank between them, unless the writing of either has none.

    >>> joined(["Good morning.", "How are you?", "早上好。", "你好吗？"])
    'Good morning. How are you?早上好。你好吗？'
    """
    parts: list[str] = []
    for text in filter(None, map(str.strip, texts)):
        if parts and not (is_wide(parts[-1][-1]) or is_wide(text[0])):
            parts.append(" ")
        parts.append(text)
    return "".join(parts)


def is_wide(character: str) -> bool:
    """Whether a character belongs to a writing without blanks: Chinese, Japanese, their punctuation."""
    return bool(_WIDE.match(character))
