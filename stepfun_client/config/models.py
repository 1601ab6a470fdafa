"""Models of a configuration: what each is for, whose it is, and its parameters by the names the client has for them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from stepfun_client.catalog import ModelInfo, find
from stepfun_client.config.checks import check_parameters, is_elsewhere
from stepfun_client.config.document import Entry, Place, listed, shown
from stepfun_client.config.kinds import ROLES, Role, default_type, role_of, takes_more_than_text, types_of
from stepfun_client.config.rules import (
    FLAG,
    FROM_ONE,
    FROM_ZERO,
    NUMBER,
    SECONDS,
    TABLE,
    TEXT,
    TEXT_OR_TEXTS,
    TEXTS,
    WHOLE,
    Rule,
    check,
    checked,
    entries,
)
from stepfun_client.errors import InvalidParameterError

if TYPE_CHECKING:
    from stepfun_client.config.providers import Provider

_ABOUT = {"vendor": TEXT, "type": TEXT, "model": TEXT, "supports_streaming": FLAG, "supports_multimodal": FLAG}
_PATIENCE = {"timeout": SECONDS, "max_retries": FROM_ZERO}

_CHAT: dict[str, Rule] = {
    "temperature": NUMBER,
    "top_p": NUMBER,
    "max_tokens": FROM_ONE,
    "stop": TEXT_OR_TEXTS,
    "frequency_penalty": NUMBER,
    "n": FROM_ONE,
    "reasoning_effort": TEXT,
    "reasoning_format": TEXT,
    "modalities": TEXTS,
    "audio": TABLE,
    "extra_body": TABLE,
}
_TTS: dict[str, Rule] = {
    "voice": TEXT,
    "response_format": TEXT,
    "speed": NUMBER,
    "volume": NUMBER,
    "sample_rate": FROM_ONE,
    "voice_label": TABLE,
    "instruction": TEXT,
    "pronunciation_map": TABLE,
    "markdown_filter": FLAG,
    "language": TEXT,
    "extra_body": TABLE,
}
_ASR: dict[str, Rule] = {
    "language": TEXT,
    "hotwords": TEXTS,
    "enable_itn": FLAG,
    "timestamps": FLAG,
    "extra_body": TABLE,
}
_IMAGE: dict[str, Rule] = {
    "width": FROM_ONE,
    "height": FROM_ONE,
    "size": TEXT,
    "seed": WHOLE,
    "steps": FROM_ONE,
    "cfg_scale": NUMBER,
    "negative_prompt": TEXT,
    "text_mode": FLAG,
    "extra_body": TABLE,
}
_STYLED = {**_IMAGE, "style_reference": TABLE}

PARAMETERS: Mapping[Role, Mapping[str, Rule]] = {
    "chat": _CHAT,
    "tts": _TTS,
    "asr": _ASR,
    "generate": _STYLED,
    "transform": {**_STYLED, "source_weight": NUMBER},
    "edit": {**_IMAGE, "guidance_scale": NUMBER},
}
"""What a model of each role may be given."""

_UNREACHABLE = "is spoken with in realtime only, and nothing here is made of it; use client.realtime"


@dataclass(frozen=True)
class Model:
    """A model of a configuration, or of the catalogue where there is none.

    Attributes:
        name: Its name in the configuration.
        id: The model's id as it is sent.
        role: What is made of it.
        place: Where it stands.
        provider: Where it is reached; None for the environment's key and the usual address.
        params: Its parameters, by the client's names.
        places: Where each of them stands.
        streams: Whether it streams, where the configuration says so.
    """

    name: str
    id: str
    role: Role
    place: Place
    provider: Provider | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    places: Mapping[str, Place] = field(default_factory=dict)
    streams: bool | None = None

    def settings(self, *, without: Collection[str] = ()) -> dict[str, Any]:
        """Return how it is reached, as arguments of a client: the provider's, and over them its own patience.

        Args:
            without: What is not needed, so that its variables need not be set.

        Raises:
            InvalidParameterError: If a variable is missing.
        """
        own = {name: value for name, value in self.params.items() if name in _PATIENCE and name not in without}
        skipped = {*without, *own}
        return {**(self.provider.settings(without=skipped) if self.provider else {}), **own}

    @property
    def parameters(self) -> dict[str, Any]:
        """What is sent with each call, by the client's names."""
        return {name: value for name, value in self.params.items() if name not in _PATIENCE}


def catalogued(name: str) -> Model:
    """Make a model of the catalogue's.

    Raises:
        InvalidParameterError: If the catalogue does not know it, or nothing can be made of it.
    """
    info, place = find(name), Place("the catalogue", key=name)
    if info is None:
        raise place.refused(
            "is not in it, so that its type is not known; say it in a configuration: "
            f"config={{'models': {{{name!r}: {{'type': 'text'}}}}}}. Types are {listed(ROLES)}"
        )
    kind = default_type(info)
    if kind is None:
        raise place.refused(_UNREACHABLE)
    return Model(name, name, role_of(kind, info), place)


def read_models(entry: Entry | None, providers: Mapping[str, Provider]) -> dict[str, Model]:
    """Read the table of models.

    Raises:
        InvalidParameterError: For a key that is not allowed, a value that does not fit, a vendor there is not, and a
            type the model is certainly not of.
    """
    return {name: _model(name, held, providers) for name, held in entries(entry).items()} if entry else {}


def _model(name: str, entry: Entry, providers: Mapping[str, Provider]) -> Model:
    found = entries(entry)
    for key in ("model", "type"):
        if key in found:
            check(found[key], TEXT)
    model_id: str = found["model"].value if "model" in found else name
    info = find(model_id)
    role = role_of(_type(entry, found.get("type"), model_id, info), info)
    checked(entry, {**_ABOUT, **_PATIENCE, **PARAMETERS[role]})
    _check_statements(found, role, model_id, info)
    given = {key: held for key, held in found.items() if key not in _ABOUT}
    for held in given.values():
        _refuse_variables(held)
    model = Model(
        name,
        model_id,
        role,
        entry.place,
        provider=_provider(entry, found.get("vendor"), providers, model_id),
        params={key: held.plain for key, held in given.items()},
        places={key: held.place for key, held in given.items()},
        streams=found["supports_streaming"].value if "supports_streaming" in found else None,
    )
    _check_parameters(model)
    return model


def _check_parameters(model: Model) -> None:
    """Say where that stands which a call would refuse."""
    try:
        check_parameters(model.role, model.id, model.parameters)
    except InvalidParameterError as error:
        place = model.places.get(error.param or "", model.place)
        refused = place.refused(f"is refused: {error.message}")
    else:
        return
    raise refused


def _type(entry: Entry, given: Entry | None, model_id: str, info: ModelInfo | None) -> str:
    allowed = types_of(info)
    if not allowed:
        raise entry.place.refused(f"names {model_id}, which {_UNREACHABLE}")
    if given is None:
        known = default_type(info)
        if known is None:
            raise entry.place.refused(
                f"needs a type, since the catalogue does not know this model; allowed are {listed(allowed)}"
            )
        return known
    if given.value in allowed:
        return str(given.value)
    if given.value in ROLES:
        raise given.place.refused(f"is {given.value!r}, which {model_id} is not; allowed are {listed(allowed)}")
    raise given.place.refused(f"is {shown(given.value)}, which is no type; allowed are {listed(allowed)}")


def _check_statements(found: Mapping[str, Entry], role: Role, model_id: str, info: ModelInfo | None) -> None:
    """Refuse to believe that a model sees or hears which is known to take texts only."""
    said = found.get("supports_multimodal")
    if said and said.value and role == "chat" and info and not takes_more_than_text(info):
        raise said.place.refused(f"is true, but {model_id} takes texts only; allowed is false, or leave it out")


def _refuse_variables(held: Entry) -> None:
    if isinstance(held.value, str) and "${" in held.value:
        raise held.place.refused("holds a ${...}; variables are filled in under providers only")


def _provider(entry: Entry, given: Entry | None, providers: Mapping[str, Provider], model_id: str) -> Provider | None:
    if given is None:
        if len(providers) > 1:
            raise entry.place.refused(f"needs a vendor; allowed are {listed(providers)}")
        chosen = next(iter(providers.values()), None)
    elif given.value in providers:
        chosen = providers[given.value]
    else:
        what = f"is {shown(given.value)}, which is no provider of this configuration"
        known = f"allowed are {listed(providers)}" if providers else "add it under providers, or leave vendor out"
        raise given.place.refused(f"{what}; {known}")
    if chosen and chosen.api_key and not chosen.base_url and is_elsewhere(model_id):
        raise entry.place.refused(
            f"is hosted by another company than StepFun, and its provider ({chosen.name}) has a key but no address; "
            "give it a provider of its own with a base_url such as https://api.modelverse.cn/v1"
        )
    return chosen
