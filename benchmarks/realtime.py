"""How small a long conversation in realtime is: ten minutes of talk, with functions and interruptions.

`python -m benchmarks.realtime` (or `make bench`) measures against the emulator, as `benchmarks.speech` does.
"""

from __future__ import annotations

import sys

from benchmarks.speech import Figure, main

_TALKATIVE = ("--delay", "0.004")  # so that an answer lasts long enough to be interrupted

FIGURES = (
    Figure("talk", "ten minutes of conversation grow the process by at most 16 MB", "MB", most=16, emulator=_TALKATIVE),
    Figure("talk_async", "the same, asynchronously", "MB", most=16, emulator=_TALKATIVE),
)

if __name__ == "__main__":
    sys.exit(main(FIGURES, "realtime", __doc__))
