"""Makes objects of a configuration's models: any class whose fields are named as the client's parameters are."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from stepfun_client.config.checks import is_elsewhere
from stepfun_client.config.document import listed
from stepfun_client.config.providers import CONNECTION
from stepfun_client.errors import InvalidParameterError

if TYPE_CHECKING:
    from stepfun_client.config.models import Model
    from stepfun_client.core.concurrency import ConcurrencyLimit

_ELSEWHERE = {"api_key": "modelverse_api_key", "base_url": "modelverse_base_url"}

MadeT = TypeVar("MadeT", bound=BaseModel)


@dataclass(frozen=True)
class Recipe(Generic[MadeT]):
    """How a class takes what a configuration says.

    Attributes:
        kind: The class.
        names: Its own names for some parameters, by the client's; `model` is one of them.
        rest: Its field, a mapping, for parameters it has no field of its own for; None where such are refused.
    """

    kind: type[MadeT]
    names: Mapping[str, str] = field(default_factory=dict)
    rest: str | None = None


def make(recipe: Recipe[MadeT], model: Model, *, limit: ConcurrencyLimit | None, overrides: Mapping[str, Any]) -> MadeT:
    """Make an object of a model.

    Args:
        recipe: The class, and how it takes parameters.
        model: The model.
        limit: How many calls may run at once; a class that cannot keep it is made with a warning.
        overrides: Arguments of the class, which win over the configuration.

    Raises:
        InvalidParameterError: With file and line if the class refuses what stands there, or a variable is missing; for
            an override that is no argument of the class.
    """
    given = _by_field(recipe.kind, overrides)
    settings = _settings(recipe, model, given)
    if limit is not None and "concurrency_limit" not in given:
        settings.update(_limited(recipe.kind, model, limit))
    merged = {**settings, **given}
    if recipe.rest and isinstance(given.get(recipe.rest), Mapping):
        merged[recipe.rest] = {**settings.get(recipe.rest, {}), **given[recipe.rest]}
    try:
        return recipe.kind(**merged)
    except ValidationError as error:
        refused = _located(error, recipe, model, given)
        if refused is None:
            raise
    raise refused


def _by_field(kind: type[BaseModel], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Name overrides as the fields are named, whichever of its names each was given by."""
    names = {held.alias: name for name, held in kind.model_fields.items() if held.alias}
    given = {names.get(name, name): value for name, value in overrides.items()}
    if unknown := [name for name in given if name not in kind.model_fields]:
        raise InvalidParameterError(
            f"{kind.__name__} takes no {listed(unknown)}; it takes {listed(sorted(kind.model_fields))}",
            param=unknown[0],
        )
    return given


def _settings(recipe: Recipe[MadeT], model: Model, given: Collection[str]) -> dict[str, Any]:
    """Name the model, how it is reached, and its parameters, as the class names them."""
    names = _connection_names(recipe.kind, model)
    skipped = [key for key in CONNECTION if names.get(key, key) in given]
    reached = {names.get(key, key): value for key, value in model.settings(without=skipped).items()}
    settings: dict[str, Any] = {recipe.names.get("model", "model"): model.id, **reached}
    for param, value in model.parameters.items():
        name = recipe.names.get(param, param)
        if name in recipe.kind.model_fields:
            settings[name] = value
        elif recipe.rest:
            settings.setdefault(recipe.rest, {})[param] = value
        else:
            raise model.places[param].refused(f"is nothing that {recipe.kind.__name__} takes; leave it out")
    if model.streams is False and "disable_streaming" in recipe.kind.model_fields:
        settings["disable_streaming"] = True
    return settings


def _connection_names(kind: type[BaseModel], model: Model) -> Mapping[str, str]:
    """Return a class's own names for the key and the address of another company's host."""
    names = _ELSEWHERE if is_elsewhere(model.id) else {}
    return {name: own for name, own in names.items() if own in kind.model_fields}


def _limited(kind: type[BaseModel], model: Model, limit: ConcurrencyLimit) -> dict[str, Any]:
    if "concurrency_limit" in kind.model_fields:
        return {"concurrency_limit": limit}
    warnings.warn(
        f"{model.place}: {model.place.key}: {kind.__name__} does not keep its provider's max_concurrency by itself; "
        "hold config.limit() around its calls",
        stacklevel=4,
    )
    return {}


def _located(
    error: ValidationError, recipe: Recipe[MadeT], model: Model, given: Collection[str]
) -> InvalidParameterError | None:
    """Say where in the configuration that stands which was refused; None where an override is to blame."""
    params = {recipe.names.get(param, param): param for param in model.places}
    aliases = {held.alias: name for name, held in recipe.kind.model_fields.items() if held.alias}
    for culprit, reason in _reasons(error):
        name = aliases.get(culprit, culprit)
        param = params.get(name, name)
        if param in model.places and recipe.names.get(param, param) not in given:
            return model.places[param].refused(f"is refused: {reason}")
    return None if given else model.place.refused(f"is refused: {_reasons(error)[0][1]}")


def _reasons(error: ValidationError) -> list[tuple[str, str]]:
    """List what was refused and why, without what was refused."""
    found = []
    for detail in error.errors(include_input=False, include_url=False):
        cause = detail.get("ctx", {}).get("error")
        where = str(detail["loc"][0]) if detail["loc"] else ""
        if isinstance(cause, InvalidParameterError):
            found.append((where or cause.param or "", cause.message))
        else:
            found.append((where, detail["msg"]))
    return found
