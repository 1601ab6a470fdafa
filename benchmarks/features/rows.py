"""All rows, in the order of the table."""

from __future__ import annotations

from benchmarks.features import answers, media, programs, tools

ROWS = (*answers.PROBES, *tools.PROBES, *media.PROBES, *programs.PROBES)
