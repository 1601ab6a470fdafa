"""The recognition jobs that were submitted (WIRE.md section 8)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

from stepfun_emulator.errors import Refusal

_MOST_JOBS = 1000


@dataclass
class Job:
    """One job; ``polls`` counts down to its end."""

    reply: dict[str, Any]
    polls: int


class Jobs:
    """The recognition jobs of one emulator; the oldest are forgotten."""

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}

    def add(self, reply: dict[str, Any], polls: int) -> str:
        """Keep what will be answered after a number of queries; gives the task's id."""
        task_id = secrets.token_hex(16)
        self._jobs[task_id] = Job(reply, polls)
        if len(self._jobs) > _MOST_JOBS:
            del self._jobs[next(iter(self._jobs))]
        return task_id

    def poll(self, task_id: str) -> dict[str, Any]:
        """How far a task is; asking moves it on.

        Raises:
            Refusal: There is no such task.
        """
        job = self._jobs.get(task_id)
        if job is None:
            raise Refusal(404, "invalid_request_error", f"No such task: {task_id}", param="task_id")
        if job.polls:
            job.polls -= 1
            return {"status": "RUNNING"}
        return job.reply
