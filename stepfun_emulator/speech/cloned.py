"""The cloned voices, and which voices there are at all (WIRE.md section 7)."""

from __future__ import annotations

import hashlib
import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from stepfun_emulator import sound
from stepfun_emulator.errors import invalid
from stepfun_emulator.speech.official import OFFICIAL

if TYPE_CHECKING:
    from stepfun_emulator.files import Cabinet, Stored

_ENDINGS = ("wav", "mp3")
_SHORTEST, _LONGEST = 5.0, 10.0  # seconds


@dataclass(frozen=True)
class Cloned:
    """One cloned voice."""

    file_id: str
    fingerprint: str
    id: str = field(default_factory=lambda: f"voice-tone-{secrets.token_hex(5)}")
    created_at: int = field(default_factory=lambda: int(time.time()))

    def entry(self) -> dict[str, Any]:
        """The voice as a list shows it."""
        return {"id": self.id, "file_id": self.file_id, "created_at": self.created_at}


class Clone(NamedTuple):
    """What cloning gave: the voice, and whether there was such a one already."""

    voice: Cloned
    duplicated: bool


class Voices:
    """All voices of one emulator."""

    def __init__(self, files: Cabinet) -> None:
        self._files = files
        self._cloned: dict[str, Cloned] = {}

    def check(self, voice: str, param: str) -> None:
        """Refuse a voice that does not exist.

        Raises:
            Refusal: It is neither an official nor a cloned one.
        """
        if voice not in OFFICIAL and voice not in self._cloned:
            raise invalid(
                param, f"{param} {voice!r} does not exist: it is neither an official nor one of your cloned voices"
            )

    def entries(self) -> list[dict[str, Any]]:
        """The cloned voices, the oldest first."""
        return [voice.entry() for voice in self._cloned.values()]

    def clone(self, file: Stored, model: str) -> Clone:
        """Make a voice of a checked sample; the same sample gives the same voice again."""
        fingerprint = hashlib.sha256(model.encode() + b"\0" + file.data).hexdigest()
        for voice in self._cloned.values():
            if voice.fingerprint == fingerprint:
                return Clone(voice, duplicated=True)
        voice = Cloned(file.id, fingerprint)
        self._cloned[voice.id] = voice
        return Clone(voice, duplicated=False)

    def sample(self, file_id: str) -> Stored:
        """The file of a sample.

        Raises:
            Refusal: It is not there, is no wav or mp3 of purpose ``storage``, or does not last 5 to 10 seconds.
        """
        file = self._files.get(file_id)
        if file is None:
            raise invalid("file_id", f"No such file: {file_id}")
        if file.purpose != "storage":
            raise invalid("file_id", f"a sample is a file of purpose storage, this one is {file.purpose}")
        if file.ending not in _ENDINGS:
            raise invalid("file_id", f"a sample is a {' or '.join(_ENDINGS)} file, this one is {file.filename!r}")
        try:
            seconds = sound.decode(file.data).seconds
        except ValueError as error:
            raise invalid("file_id", f"the sample cannot be read: {error}") from None
        if not _SHORTEST <= seconds <= _LONGEST:
            raise invalid("file_id", f"a sample lasts 5 to 10 seconds, this one {seconds:.2f}")
        return file
