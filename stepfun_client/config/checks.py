"""The client's own rules, asked before anything is sent: what a call would refuse is refused where it is written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from stepfun_client.api.chat import chat_call
from stepfun_client.api.image_params import EditParams, GenerateParams, checked_picture
from stepfun_client.api.speech_params import checked_speech
from stepfun_client.api.transcription_params import checked_params, way_of
from stepfun_client.catalog import find
from stepfun_client.errors import InvalidParameterError

if TYPE_CHECKING:
    from stepfun_client.config.kinds import Role

_SOMETHING = "?"  # what each call brings along: a message, a voice, a prompt


def check_parameters(role: Role, model: str, params: Mapping[str, Any]) -> None:
    """Check parameters as the call they are for does.

    Args:
        role: What the model is used as.
        model: The model's id.
        params: The parameters, by the client's names.

    Raises:
        InvalidParameterError: If the call would refuse one; its `param` is that one's name.
    """
    given = dict(params)
    if role == "chat":
        chat_call(model=model, messages=[{"role": "user", "content": _SOMETHING}], stream=False, params=given)
    elif role == "tts":
        checked_speech(model, given.pop("voice", _SOMETHING), given)
    elif role == "asr":
        checked_params(way_of(model, None), given)
    elif not is_elsewhere(model):
        given.pop("source_weight", None)  # checked by what is made of the model
        if "guidance_scale" in given:
            raise InvalidParameterError(
                f"{model} takes no guidance_scale; cfg_scale is its name here", param="guidance_scale"
            )
        shape = EditParams if role == "edit" else GenerateParams
        checked_picture(role, model, _SOMETHING, given, shape=shape)


def is_elsewhere(model: str) -> bool:
    """Say whether another company hosts a model: its rules are checked by what is made of the model."""
    info = find(model)
    return info is not None and info.third_party
