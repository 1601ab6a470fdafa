"""`StepFunImageEdit`: a tool that changes a picture as words say."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel, Field, SecretStr, create_model, field_validator

from langchain_stepfun.tools.naming import Runtime
from langchain_stepfun.tools.painting import TRIAL, TRIAL_PICTURE, RepaintingTool
from langchain_stepfun.tools.picture_choices import choice_fields, longest_prompt
from langchain_stepfun.tools.pictures import picture_field
from stepfun_client.api.images import edit
from stepfun_client.api.modelverse import is_elsewhere
from stepfun_client.core.settings import check_no_credentials

if TYPE_CHECKING:
    from stepfun_client.core.call import Flow
    from stepfun_client.picture import Picture


class StepFunImageEdit(RepaintingTool):
    """Changes a picture: the model names the picture and says what to change; the program gets the new picture.

    The model may name a picture of the conversation (`"last"`, the id another tool told, the id of the tool call that
    made it, or the id of the message it came with), an https URL of a public host, or, with `root_dir`, a file of that
    folder. In an agent the conversation is the agent's state; no more than langchain's `create_agent` or a `ToolNode`
    is needed. A program may also pass the picture itself: `tool.invoke({"image": block, "prompt": ...})` with a
    standard image block, a `Picture`, or bytes. The new picture is handed over as `StepFunImageGen` does it.

    `stepfun-ai/step1x-edit` runs on modelverse, another company's host: it has a key of its own, and StepFun's does not
    go there.

    Args:
        model: `"step-image-edit-2"`, `"step-1x-edit"` or `"stepfun-ai/step1x-edit"`.
        width: In pixels, together with `height`; on `step-1x-edit`. `step-image-edit-2` keeps the picture's own size.
        height: In pixels, together with `width`.
        size: Instead of both: `"WIDTHxHEIGHT"`.
        seed: A whole number; the same one makes the same picture again.
        steps: How often the picture is refined; by default 8 on `step-image-edit-2`, 28 on the others.
        cfg_scale: How closely the prompt is followed, 1 to 10; on StepFun's own models.
        guidance_scale: The same on `stepfun-ai/step1x-edit`; 2.5 by default.
        negative_prompt: What is not to be seen; on `step-image-edit-2` (only with a `cfg_scale` above 1) and
            `stepfun-ai/step1x-edit`.
        text_mode: Whether there is to be writing; on `step-image-edit-2`.
        extra_body: Anything else for the service, unchecked.
        modelverse_api_key: modelverse's key; without one, `MODELVERSE_API_KEY` is read.
        modelverse_base_url: Another address of modelverse; without one, `MODELVERSE_BASE_URL`, then its own.
        root_dir: A folder whose files the model may name; none by default. Links that lead out of it are not followed.
        max_bytes: The largest picture taken; 50 MB by default. Its sides may have 4096 pixels.
        output_dir: A folder the picture is also written to; by default nothing is written.
        show_to_model: Whether the model that called gets to see the picture.
        model_may_set: What the model may choose beside picture and prompt: any of `"seed"`, `"negative_prompt"`,
            `"text_mode"`, `"steps"`, `"cfg_scale"` and `"model"` (StepFun's own); by default the seed, unless one is
            set here.
        api_key: StepFun's key; this and what follows as for `StepFunImageGen`.
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
        >>> draw, edit = StepFunImageGen(), StepFunImageEdit()
        >>> drawn = draw.invoke({"type": "tool_call", "id": "1", "name": draw.name, "args": {"prompt": "a lake"}})
        >>> args = {"image": drawn.artifact, "prompt": "make it night"}
        >>> edited = edit.invoke({"type": "tool_call", "id": "2", "name": edit.name, "args": args})
        >>> edited.artifact["extras"]["width"] == drawn.artifact["extras"]["width"]
        True
    """

    operation: ClassVar = "edit"
    done: ClassVar = "Edited"
    choices: ClassVar = ("seed", "negative_prompt", "text_mode", "steps", "cfg_scale", "model")
    sent: ClassVar = (*RepaintingTool.sent, "guidance_scale")

    name: str = "stepfun_edit_image"
    description: str = (
        "Change a picture as you say, and hand the new picture to the user; what you do not mention stays as it is. "
        "You get the new picture's id."
    )

    model: str = "step-image-edit-2"
    guidance_scale: float | None = None
    modelverse_api_key: SecretStr | None = Field(default=None, repr=False)
    modelverse_base_url: str | None = Field(default=None, repr=False)

    @field_validator("modelverse_base_url")
    @classmethod
    def _check_modelverse_base_url(cls, given: str | None) -> str | None:
        check_no_credentials(given, param="modelverse_base_url")
        return given

    def __getstate__(self) -> dict[Any, Any]:
        """Leave modelverse's key out of pickles too."""
        state = super().__getstate__()
        return {**state, "__dict__": {**state["__dict__"], "modelverse_api_key": None}}

    def _arguments(self) -> type[BaseModel]:
        prompt = (str, Field(min_length=1, description=f"What to change.{longest_prompt(self.model)}"))
        fields = {"prompt": prompt, "image": picture_field(self.root_dir), **choice_fields(self)}
        return create_model("StepFunImageEditInput", **fields, runtime=(Runtime, None))

    def _request(self, prompt: str, chosen: Mapping[str, Any]) -> dict[str, Any]:
        request = super()._request(prompt, chosen)
        if is_elsewhere(request["model"]):
            request |= {"api_key": self.modelverse_api_key, "base_url": self.modelverse_base_url}
        return request

    def _trial(self, params: dict[str, Any]) -> Flow[Picture]:
        job = partial(edit, TRIAL_PICTURE, model=self.model, prompt=TRIAL, fetch=True)
        return job(api_key=None, base_url=None, params=params)
