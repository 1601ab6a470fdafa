"""How fast and how small StepFun, the LLM for LlamaIndex, is: ratios to the floor and to llama-index-llms-stepfun.

`python -m benchmarks.llama_index` (or `make bench`) measures as `benchmarks.chat` does. Each response of a LlamaIndex
stream holds the whole message so far, so its text is copied for each chunk: `copies` is a loop that does nothing else,
and says how much dearer that alone makes the end of a long answer than its beginning.
"""

from __future__ import annotations

import sys

from benchmarks import llama_index_contenders, peers
from benchmarks.llama_index_contenders import COPIES, PEER, US
from benchmarks.results import FLOOR, IMPORT, INVOKE, MEMORY, STREAM, STREAMS, Bound, Growth, Measure
from benchmarks.running import Suite, run

_EARLY = Measure("its first 300 that speak", "early", chunks=3000, weight=3, shown=False)
_LATE = Measure("its last 300", "late", chunks=3000, weight=3, shown=False)

_SUITE = Suite(
    us=US,
    contenders=llama_index_contenders,
    environment=peers.LLAMA_INDEX,
    speed=(INVOKE, STREAM, _EARLY, _LATE, STREAMS),
    imported=IMPORT,
    memory=MEMORY,
    bounds=(
        Bound(STREAM, FLOOR, 1.5, "stream at most 1.5 x the floor"),
        Bound(STREAM, PEER, 1 / 3, f"stream at least 3 x faster than {PEER}"),
        Growth(_EARLY, _LATE, COPIES, 1.1, "last chunks, less copying, at most 1.1 x the first"),
        Bound(IMPORT, FLOOR, 1.1, "import at most 1.1 x core's llms and httpx"),
    ),
)

if __name__ == "__main__":
    sys.exit(run(_SUITE, "python -m benchmarks.llama_index", __doc__))
