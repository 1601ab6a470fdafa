"""How something is to be said: what the endpoint, the WebSocket and the previews read alike (WIRE.md section 6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from stepfun_emulator import sound
from stepfun_emulator.errors import Refusal, invalid
from stepfun_emulator.speech.wording import spoken

if TYPE_CHECKING:
    from stepfun_emulator.fields import Fields
    from stepfun_emulator.speech.models import SpeechModel

RATES = (8000, 16_000, 22_050, 24_000, 48_000)
_OPUS_INSTEAD = {22_050: 24_000}  # Opus does not know this rate
MOST_TEXT = 1000  # characters
_MOST_INSTRUCTION = 200
MODERATED = "censored-by-emulator"

_LANGUAGES = ("粤语", "四川话", "日语")
_EMOTIONS = ("高兴", "非常高兴", "悲伤", "生气", "非常生气", "撒娇", "恐惧", "惊讶", "兴奋", "钦佩", "困惑")
_STYLES = ("慢速", "极慢", "快速", "极快", "冷漠", "尴尬", "沮丧")
_MORE_STYLES = ("骄傲", "温柔", "甜美", "豪爽", "严肃", "傲慢", "老年", "吼叫", "阴阳怪气", "磕巴")


class Names(NamedTuple):
    """What an interface calls the fields whose names differ."""

    speed: str
    volume: str


HTTP = Names("speed", "volume")
SOCKET = Names("speed_ratio", "volume_ratio")
SHARED = ("sample_rate", "instruction", "voice_label", "pronunciation_map", "markdown_filter")


@dataclass(frozen=True)
class Manner:
    """How something is to be said.

    Attributes:
        rate: Samples a second.
        speed: 0.5 to 2.
        volume: 0.1 to 2.
        markdown: Leave the marks of Markdown out.
        directions: Leave out what stands in brackets.
    """

    rate: int
    speed: float
    volume: float
    markdown: bool
    directions: bool

    def wording(self, text: str) -> str:
        """What of a text is spoken."""
        return spoken(text, directions=self.directions, markdown=self.markdown)

    def say(self, text: str, form: str) -> tuple[bytes, int]:
        """The samples of a text, and how many there are a second in this format."""
        rate = _OPUS_INSTEAD.get(self.rate, self.rate) if form.startswith("opus") else self.rate
        return sound.utter(self.wording(text), rate=rate, speed=self.speed, volume=self.volume), rate


def read_manner(fields: Fields, model: SpeechModel, names: Names) -> Manner:
    """Check what is said about the manner.

    Raises:
        Refusal: A value is out of range, or the model does not know such a thing.
    """
    _check_instruction(fields, model)
    if fields.given("voice_label"):
        _check_label(fields, model)
    if fields.given("pronunciation_map"):
        _check_pronunciation(fields)
    rate = fields.whole("sample_rate", RATES[0], RATES[-1], sound.RATE)
    if rate not in RATES:
        raise invalid(fields.path("sample_rate"), f"sample_rate must be one of {', '.join(map(str, RATES))}")
    return Manner(
        rate=rate,
        speed=fields.number(names.speed, 0.5, 2, 1.0),
        volume=fields.number(names.volume, 0.1, 2, 1.0),
        markdown=fields.flag("markdown_filter"),
        directions=model.directions,
    )


def check_text(text: str, param: str) -> None:
    """Refuse a text that is too long.

    Raises:
        Refusal: It has more than a thousand characters.
    """
    if len(text) > MOST_TEXT:
        raise invalid(param, f"{param} has {len(text)} characters, at most {MOST_TEXT} are allowed")


def moderated() -> Refusal:
    """The refusal of a text that moderation does not let pass: here, one that holds ``censored-by-emulator``."""
    return Refusal(451, "censorship_blocked", "The content you provided or machine outputted is blocked.")


def _check_instruction(fields: Fields, model: SpeechModel) -> None:
    if not fields.given("instruction"):
        return
    if not model.instructs:
        raise invalid(fields.path("instruction"), f"instruction is not supported by {model.id}")
    if len(fields.text("instruction")) > _MOST_INSTRUCTION:
        raise invalid(fields.path("instruction"), f"instruction must have at most {_MOST_INSTRUCTION} characters")


def _check_label(fields: Fields, model: SpeechModel) -> None:
    if not model.labels:
        raise invalid(fields.path("voice_label"), f"voice_label is not supported by {model.id}")
    known = {
        "language": _LANGUAGES,
        "emotion": _EMOTIONS,
        "style": (*_STYLES, *_MORE_STYLES) if model.styles else _STYLES,
    }
    label = fields.object("voice_label", *known)
    given = [name for name in known if label.given(name)]
    if len(given) != 1:
        raise invalid(fields.path("voice_label"), f"voice_label takes exactly one of {', '.join(known)}")
    label.choice(given[0], known[given[0]])


def _check_pronunciation(fields: Fields) -> None:
    for tone in fields.object("pronunciation_map", "tone").texts("tone"):
        word, slash, said = tone.partition("/")
        if not (word and slash and said):
            raise invalid(fields.path("pronunciation_map.tone"), f"a tone is written word/pronunciation, not {tone!r}")
