"""What the Step Plan subscription offers and what it does not: a table, and the two checks that read it.

The facts are those of WIRE.md sections 1 and 3. What is listed as missing is refused before it is sent, since the
service answers it with a bare 404; a path or a model that is not known here goes through.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from stepfun_client.catalog import find
from stepfun_client.errors import InvalidParameterError

if TYPE_CHECKING:
    from collections.abc import Mapping

PLAN_PATHS = (
    "/chat/completions",
    "/messages",
    "/messages/count_tokens",
    "/audio/speech",
    "/audio/asr/sse",
    "/audio/voices",
    "/audio/voices/preview",
    "/images/generations",
    "/images/edits",
    "/realtime",
    "/realtime/audio",
)
"""Every path of the plan, below its prefix."""

PLAN_LACKS: Mapping[str, str] = MappingProxyType(
    {
        "/files": "pictures, videos and recordings can go into the request itself, as bytes or by their address",
        "/vector_stores": "",
        "/search": "a chat model can search by itself, with the tool {'type': 'web_search'}",
        "/models": "stepfun_client.catalog.MODELS describes the models that are known",
        "/accounts": "",
        "/token/count": "client.messages.count_tokens(...) counts there",
        "/responses": "client.chat and client.messages answer there",
        "/audio/transcriptions": "model='stepaudio-2.5-asr' transcribes there",
        "/audio/asr/file/submit": "model='stepaudio-2.5-asr' transcribes there",
        "/audio/asr/file/query": "model='stepaudio-2.5-asr' transcribes there",
        "/realtime/asr/stream": "model='stepaudio-2.5-asr' transcribes whole recordings there",
        "/audio/asr/stream": "model='stepaudio-2.5-asr' transcribes whole recordings there",
        "/audio/system_voices": "",
        "/images/image2image": "client.images.edit(...) with model='step-image-edit-2' changes a picture there",
    }
)
"""The documented paths that the plan lacks, with those below them; and what does the job there, where anything does."""

_OPEN = "plan=False, with a key of the open platform, does it"


def check_plan_path(path: str) -> None:
    """Refuse a documented path that Step Plan does not offer.

    Args:
        path: The path below the base URL, with its leading slash.

    Raises:
        InvalidParameterError: If the plan lacks it.
    """
    lacking = next((known for known in PLAN_LACKS if path == known or path.startswith(known + "/")), None)
    if lacking is None:
        return
    instead = f"; {PLAN_LACKS[lacking]}" if PLAN_LACKS[lacking] else ""
    raise InvalidParameterError(
        f"Step Plan does not offer {lacking}; it offers {', '.join(PLAN_PATHS)}{instead}; {_OPEN}", param="plan"
    )


def check_plan_model(model: str, *, on_plan: bool) -> None:
    """Refuse a model where it certainly is not served; one the catalogue does not know goes through.

    Args:
        model: A model id.
        on_plan: Whether Step Plan is asked, or the open platform.

    Raises:
        InvalidParameterError: If the plan does not serve it, or nothing but the plan does.
    """
    info = find(model)
    if info is None:
        return
    if info.plan_only and not on_plan:
        raise InvalidParameterError(
            f"{model} is served on Step Plan only; use plan=True, with a key of the plan", param="model"
        )
    if on_plan and info.on_plan is False:
        instead = "; it serves step-image-edit-2" if "image" in info.kinds else ""
        raise InvalidParameterError(f"Step Plan does not serve {model}{instead}; {_OPEN}", param="model")
