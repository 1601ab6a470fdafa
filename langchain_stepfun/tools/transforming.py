"""`StepFunImageToImage`: a tool that draws a picture over another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel, Field, create_model

from langchain_stepfun.tools.naming import Runtime
from langchain_stepfun.tools.painting import TRIAL, TRIAL_PICTURE, RepaintingTool, trial_style
from langchain_stepfun.tools.picture_choices import choice_fields, longest_prompt
from langchain_stepfun.tools.pictures import picture_field
from stepfun_client.api.images import transform

if TYPE_CHECKING:
    from stepfun_client.core.call import Flow
    from stepfun_client.picture import Picture


class StepFunImageToImage(RepaintingTool):
    """Draws a new picture over another: the model names the picture and describes the new one.

    Pictures are named as `StepFunImageEdit` takes them, and handed over as `StepFunImageGen` does it. StepFun takes PNG
    and JPEG of up to 10 MB and 2048x2048 here. To change one thing and keep the rest, use `StepFunImageEdit`.

    Args:
        model: `"step-2x-large"` or `"step-1x-medium"`.
        source_weight: Above 0, at most 1. **StepFun's documents disagree**: one says that more follows the source more
            closely, the other that less does. It is passed on as it is; try both ends with your picture.
        width: In pixels, together with `height`, one of the model's sizes; the service's own by default.
        height: In pixels, together with `width`.
        size: Instead of both: `"WIDTHxHEIGHT"`.
        seed: A whole number; the same one makes the same picture again.
        steps: How often the picture is refined, 1 to 100; 50 by default.
        cfg_scale: How closely the prompt is followed, 1 to 10.
        style_reference: A picture whose style is taken over, `{"source_url": ..., "weight": ...}`; on
            `step-1x-medium`.
        extra_body: Anything else for StepFun, unchecked.
        root_dir: A folder whose files the model may name; none by default. Links that lead out of it are not followed.
        max_bytes: The largest picture taken; 10 MB, which is StepFun's own limit here.
        output_dir: A folder the picture is also written to; by default nothing is written.
        show_to_model: Whether the model that called gets to see the picture.
        model_may_set: What the model may choose beside picture and prompt: any of `"shape"`, `"seed"`,
            `"source_weight"`, `"steps"`, `"cfg_scale"` and `"model"`; by default as for `StepFunImageGen`.
        api_key: The key; this and what follows as for `StepFunImageGen`.
        region: `"cn"` or `"global"`.
        plan: True to call Step Plan's paths.
        base_url: Another address.
        timeout: Seconds between two bytes; 120 by default.
        max_retries: How often a call is repeated after a lost connection, 408, 429 or 5xx.
        default_headers: Headers of every call.
        http_client: An `httpx.Client` of your own.
        http_async_client: An `httpx.AsyncClient` of your own.

    Raises:
        ToolException: For what a model can put right: a picture that is not there, is none, is too large, or lies where
            the model may not look; a prompt that is too long or that moderation refuses.
        StepFunError: For everything else that fails.

    Example:
        >>> draw, redraw = StepFunImageGen(size="1024x1024"), StepFunImageToImage(model="step-1x-medium")
        >>> call = {"type": "tool_call", "id": "1", "name": draw.name, "args": {"prompt": "a harbour"}}
        >>> redraw.invoke({"image": draw.invoke(call).artifact, "prompt": "in watercolours", "seed": 3})[:26]
        'Drawn: “in watercolours” ('
    """

    operation: ClassVar = "transform"
    choices: ClassVar = ("shape", "seed", "source_weight", "steps", "cfg_scale", "model")
    sent: ClassVar = (*RepaintingTool.sent, "style_reference")

    name: str = "stepfun_transform_image"
    description: str = (
        "Draw a new picture that follows the composition of another one, in another style or of another subject, and "
        "hand it to the user. You get the new picture's id. Describe the whole new picture."
    )

    model: str = "step-2x-large"
    source_weight: float = Field(default=0.5, gt=0, le=1)
    style_reference: Mapping[str, Any] | None = None
    max_bytes: int = Field(default=10 * 1024 * 1024, gt=0)

    def _arguments(self) -> type[BaseModel]:
        prompt = (str, Field(min_length=1, description=f"The new picture.{longest_prompt(self.model)}"))
        fields = {"prompt": prompt, "image": picture_field(self.root_dir), **choice_fields(self)}
        return create_model("StepFunImageToImageInput", **fields, runtime=(Runtime, None))

    def _request(self, prompt: str, chosen: Mapping[str, Any]) -> dict[str, Any]:
        return {"source_weight": self.source_weight, **super()._request(prompt, chosen)}

    def _trial(self, params: dict[str, Any]) -> Flow[Picture]:
        return transform(
            TRIAL_PICTURE,
            model=self.model,
            prompt=TRIAL,
            source_weight=self.source_weight,
            fetch=True,
            params=trial_style(params),
        )
