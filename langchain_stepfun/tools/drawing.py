"""`StepFunImageGen`: a tool that draws a picture from words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel, Field, create_model

from langchain_stepfun.tools.painting import TRIAL, Made, PaintingTool, trial_style
from langchain_stepfun.tools.picture_choices import choice_fields, longest_prompt
from stepfun_client.api.images import generate

if TYPE_CHECKING:
    from stepfun_client.core.call import Flow
    from stepfun_client.picture import Picture


class StepFunImageGen(PaintingTool):
    """Draws a picture: the model sends a description, a shape and perhaps a seed; the program gets the picture.

    The model reads a sentence with the picture's size, seed and id, by which `StepFunImageEdit` takes it; the picture
    itself is the artifact, a standard image block with its bytes: `{"type": "image", "id": ..., "base64": ...,
    "mime_type": ..., "extras": {"width": ..., "height": ..., "seed": ..., ...}}`. What a tool returns is not shown to a
    model: `show_to_model=True` puts the picture into the tool message too, and `ChatStepFun` sends it on in a user
    message, so that a model which sees can look at its own work. Each picture costs money.

    Args:
        model: `"step-image-edit-2"` (the cheapest by StepFun's list of June 2026, and the one on Step Plan),
            `"step-2x-large"` or `"step-1x-medium"`.
        width: In pixels, together with `height`, one of the model's sizes; the service's own by default.
        height: In pixels, together with `width`.
        size: Instead of both: `"WIDTHxHEIGHT"`, width first for every model.
        seed: A whole number; the same one makes the same picture again.
        steps: How often the picture is refined: 1 to 50 on `step-image-edit-2` (default 8), else 1 to 100 (50).
        cfg_scale: How closely the prompt is followed, 1 to 10.
        negative_prompt: What is not to be seen; on `step-image-edit-2`, and only with a `cfg_scale` above 1.
        text_mode: Whether there is to be writing; on `step-image-edit-2`.
        style_reference: A picture whose style is taken over, `{"source_url": ..., "weight": ...}`; on
            `step-1x-medium`.
        extra_body: Anything else for StepFun, unchecked.
        output_dir: A folder the picture is also written to, made if it is not there; the tool makes the file's name.
            By default nothing is written.
        show_to_model: Whether the model that called gets to see the picture. It then stands twice in the conversation.
        model_may_set: What the model may choose beside the prompt: any of `"shape"`, `"seed"`, `"negative_prompt"`,
            `"text_mode"`, `"steps"`, `"cfg_scale"` and `"model"`. By default the shape, unless a size is set here, and
            the seed, unless one is. What it chooses wins over the setting here. A shape is a word (square, landscape,
            portrait, wide, tall) or a ratio; the nearest size the model draws is taken.
        api_key: The key; without one, `STEP_API_KEY` and then `STEPFUN_API_KEY` are read.
        region: `"cn"` for api.stepfun.com, `"global"` for api.stepfun.ai.
        plan: True to call Step Plan's paths.
        base_url: Another address; without one, `STEPFUN_BASE_URL`, then the region's.
        timeout: Seconds between two bytes; 120 by default.
        max_retries: How often a call is repeated after a lost connection, 408, 429 or 5xx; a lost reply may so be paid
            twice.
        default_headers: Headers of every call.
        http_client: An `httpx.Client` of your own, used as it is and never closed here.
        http_async_client: An `httpx.AsyncClient` of your own, likewise.

    Raises:
        ToolException: For what a model can put right: a prompt that is empty or too long, one that moderation refuses.
        StepFunError: For everything else that fails.

    Example:
        >>> draw = StepFunImageGen()
        >>> args = {"prompt": "a lighthouse at dawn", "shape": "wide", "seed": 7}
        >>> message = draw.invoke({"type": "tool_call", "id": "1", "name": draw.name, "args": args})
        >>> message.artifact["mime_type"], message.artifact["extras"]["width"], message.artifact["extras"]["height"]
        ('image/png', 1360, 768)
    """

    operation: ClassVar = "generate"
    choices: ClassVar = ("shape", "seed", "negative_prompt", "text_mode", "steps", "cfg_scale", "model")
    sent: ClassVar = (*PaintingTool.sent, "style_reference")

    name: str = "stepfun_generate_image"
    description: str = (
        "Draw a new picture from a description and hand it to the user. You get the picture's id, by which other tools "
        "take it. Describe everything that is to be seen: subject, setting, style, light, colours."
    )

    model: str = "step-image-edit-2"
    style_reference: Mapping[str, Any] | None = None

    def _arguments(self) -> type[BaseModel]:
        prompt = (str, Field(min_length=1, description=f"What to draw.{longest_prompt(self.model)}"))
        return create_model("StepFunImageGenInput", prompt=prompt, **choice_fields(self))

    def _trial(self, params: dict[str, Any]) -> Flow[Picture]:
        return generate(model=self.model, prompt=TRIAL, fetch=True, params=trial_style(params))

    def _run(self, prompt: str, **chosen: Any) -> Made:
        request = self._request(prompt, chosen)
        with self._at_work():
            picture = self.client.images.generate(**request)
        return self._handed_over(picture)

    async def _arun(self, prompt: str, **chosen: Any) -> Made:
        request = self._request(prompt, chosen)
        with self._at_work():
            picture = await self.async_client.images.generate(**request)
        return self._handed_over(picture)
