"""How fast and how small ChatStepFun is: ratios to the floor and to its peers, all measured in this one run.

`python -m benchmarks.chat` (or `make bench`) starts a loopback server and one process for each contender, and asks them
for the same in turn, round after round. The floor is what no integration can do without (see `benchmarks.floor`). The
peers are installed into an environment of their own; where that cannot be done, they are left out.
"""

from __future__ import annotations

import sys

from benchmarks import contenders, peers
from benchmarks.results import FLOOR, IMPORT, INVOKE, MEMORY, STREAM, STREAMS, Bound, Measure
from benchmarks.running import Suite, run

_EVENTS = Measure("v3 events of 3,000, per chunk", "events", chunks=3000, weight=2)

_SUITE = Suite(
    us="ChatStepFun",
    contenders=contenders,
    environment=peers.LANGCHAIN,
    speed=(INVOKE, STREAM, _EVENTS, STREAMS),
    imported=IMPORT,
    memory=MEMORY,
    bounds=(
        Bound(INVOKE, FLOOR, 1.3, "invoke at most 1.3 x the floor"),
        Bound(STREAM, FLOOR, 1.5, "stream at most 1.5 x the floor"),
        Bound(STREAM, "ChatOpenAI", 1 / 6, "stream at least 6 x faster than ChatOpenAI"),
        Bound(STREAM, "ChatMistralAI", 1, "stream ahead of ChatMistralAI"),
        Bound(_EVENTS, FLOOR, 1.5, "v3 events at most 1.5 x the floor"),
        Bound(STREAMS, FLOOR, 1.3, "200 streams at most 1.3 x the floor"),
        Bound(IMPORT, FLOOR, 1.15, "import at most 1.15 x core's chat models and httpx"),
    ),
)

if __name__ == "__main__":
    sys.exit(run(_SUITE, "python -m benchmarks.chat", __doc__))
