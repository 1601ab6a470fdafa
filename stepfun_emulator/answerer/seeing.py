"""Saying what pictures, films and sounds are: measured, never guessed."""

from __future__ import annotations

from stepfun_emulator.media import Medium
from stepfun_emulator.sound import wav_seconds


def describe(medium: Medium, *, chinese: bool = False) -> str:
    """One or two sentences about a medium."""
    if medium.url:
        return f"{medium.kind} {medium.url}"
    return f"{medium.kind} {medium.form} {len(medium.data)} bytes {wav_seconds(medium.data) if medium.form == 'wav' else ''}"
