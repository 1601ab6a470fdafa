"""All rows, in the order of the table."""

from __future__ import annotations

from benchmarks.features.llama_index import agents, answers, media, programs

ROWS = (*agents.PROBES, *answers.PROBES, *media.PROBES, *programs.PROBES)
