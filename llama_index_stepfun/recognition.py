"""What the models that listen can do, as far as the catalogue knows."""

from __future__ import annotations

from stepfun_client.catalog import find

DEFAULT_MODEL = "stepaudio-2.5-asr"


def asks_for_times(model: str, *, wanted: bool | None) -> bool:
    """Say whether to ask for the times of segments: as it is wanted, and by default wherever the model tells them."""
    if wanted is not None:
        return wanted
    info = find(model)
    return info is None or info.transports != ("multipart",)


def takes_urls_only(model: str) -> bool:
    """Say whether StepFun fetches this model's recordings itself, and takes none that are sent."""
    info = find(model)
    return info is not None and info.transports == ("async",)
