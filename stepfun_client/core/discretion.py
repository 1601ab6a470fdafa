"""What keeps the key out of errors, should the service have quoted it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepfun_client.errors import StepFunError, without_frames

if TYPE_CHECKING:
    from stepfun_client.core.settings import Settings


class Discretion:
    """Takes the key out of errors that leave the block, and the frames off that hold the service's words."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        if isinstance(error, StepFunError):
            error.redact(self._settings.redact)
            raise without_frames(error) from error.__cause__
