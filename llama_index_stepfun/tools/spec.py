"""`StepFunToolSpec`: StepFun's services as tools for LlamaIndex's agents."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from llama_index.core.bridge.pydantic import model_validator
from llama_index.core.tools.tool_spec.base import SPEC_FUNCTION_TYPE, BaseToolSpec
from typing_extensions import Self

from llama_index_stepfun.tools import images, search, speech, voices
from llama_index_stepfun.tools.images import ImageTools
from llama_index_stepfun.tools.part import Arguments, metadata
from llama_index_stepfun.tools.search import SearchTools
from llama_index_stepfun.tools.voices import VoiceTools

if TYPE_CHECKING:
    from llama_index.core.tools.function_tool import FunctionTool
    from llama_index.core.tools.types import ToolMetadata

_ARGUMENTS: Arguments = {**speech.ARGUMENTS, **voices.ARGUMENTS, **search.ARGUMENTS, **images.ARGUMENTS}
_CHOICES = speech.CHOICES


class StepFunToolSpec(VoiceTools, SearchTools, ImageTools, BaseToolSpec):
    """Tools to speak, to listen, to search the web and to make pictures, synchronous and asynchronous.

    A model chooses what to say, which recording to listen to, what to search for, and what to draw. Voices, models,
    formats and places of files are the developer's. `speak` returns a `TextBlock` for the model and an `AudioBlock` for
    the application; it keeps the sound, too, so that `transcribe` can be given its id. `draw`, `edit_image` and
    `transform_image` return a `TextBlock` and an `ImageBlock`, which a model that sees is shown; their pictures are
    kept likewise, to be edited and transformed.

    A recording or a picture is named by such an id, by an https URL of a public host, or by a path in `root_dir`. Ids
    are random, so that users who share a spec do not reach each other's sounds and pictures; a copy of the spec begins
    without any.

    Args:
        root_dir: The folder whose files a model may name; none by default.
        output_dir: A folder to save what was made to, under names that are not the model's; none by default.
        model_may_set: What a model may choose beside: `"voice"`, `"speed"`, `"volume"`, `"instruction"`.
        max_bytes: The largest recording or picture to read or fetch.
        keep: How many sounds, and how many pictures, are kept for later calls; 0 for none.
        keep_bytes: How many bytes of each are kept together; the last one is, however large it is.
        speech_model: The model that speaks.
        voice: The voice: an official one, or the id of a cloned one.
        response_format: `"mp3"`, `"wav"`, `"flac"`, `"opus"` or `"pcm"`. Texts above 1,000 characters need mp3, wav or
            pcm.
        speech_options: Further parameters of `client.speech.create`, e.g. `{"speed": 1.2}`.
        max_characters: The longest text a model may have spoken at once.
        asr_model: The model that listens. `step-asr-1.1` takes URLs only, which StepFun fetches itself.
        timestamps: Whether to ask for the times of segments; by default where the model tells them.
        asr_options: Further parameters of `client.transcription.create`, e.g. `{"language": "zh"}`.
        clone_voices: Whether to offer `clone_voice`, which costs money each time. A model speaks with what it cloned if
            `model_may_set` lists `"voice"`.
        clone_model: The model voices are cloned for.
        search_results: How many pages a search shows, 1 to 20.
        search_category: Where to search: `"programming"`, `"research"`, `"gov"` or `"business"`; everywhere by default.
        image_model: The model that draws.
        image_options: Further parameters of `client.images.generate`, e.g. `{"steps": 20, "size": "1360x768"}`; a
            `shape` that a model chooses wins over the size here.
        edit_model: The model that edits. `stepfun-ai/step1x-edit` is on modelverse and has that host's key, from
            `MODELVERSE_API_KEY`.
        edit_options: Further parameters of `client.images.edit`.
        transform_model: The model that draws over another picture.
        transform_options: Further parameters of `client.images.transform`. Without a size there, the new picture gets
            the size that is nearest to the old one's.
        source_weight: How much the old picture counts where another is drawn over it, above 0 to 1. StepFun's documents
            disagree which way; see `client.images.transform`.
        max_prompt_characters: The longest prompt of a picture; a model's own limit counts where it is lower.
        api_key: The key; without one, `STEP_API_KEY` and then `STEPFUN_API_KEY` are read at the first call. It is in no
            `to_dict`, `repr` or pickle.
        region: `"cn"` for api.stepfun.com, `"global"` for api.stepfun.ai; a key works in its own region only.
        plan: True to call Step Plan's paths.
        base_url: Another address; `api_base` is another name of it. Without one, `STEPFUN_BASE_URL`, then the region's.
        timeout: Seconds between two bytes.
        max_retries: How often a call is repeated after a lost connection, 408, 429 or 5xx.
        default_headers: Headers of every call.
        http_client: An `httpx.Client` of your own, used as it is and never closed here.
        http_async_client: An `httpx.AsyncClient` of your own, likewise.

    Raises:
        ValidationError: When it is made, for a setting that the service would certainly refuse, in options too.
        Errors of `stepfun_client`, which an agent shows to its model; InvalidParameterError for what a model may not
        name or choose, before anything is read, written or paid for.

    Example:
        >>> spec = StepFunToolSpec(response_format="wav")
        >>> [tool.metadata.name for tool in spec.to_tool_list()]
        ['speak', 'transcribe', 'search_web', 'draw', 'edit_image', 'transform_image']
        >>> speak, _, _, draw, *_ = spec.to_tool_list()
        >>> spoken = speak.call(text="Good morning.")
        >>> [block.block_type for block in spoken.blocks]
        ['text', 'audio']
        >>> spoken.content.startswith("Spoken and handed to the user's application: audio-")
        True

        >>> drawn = draw.call(prompt="a lighthouse at dusk", shape="wide", seed=7)
        >>> note, picture = drawn.blocks
        >>> "1360x768, seed 7" in note.text, picture.image_mimetype
        (True, 'image/png')

        >>> from llama_index.core.agent.workflow import FunctionAgent
        >>> agent = FunctionAgent(tools=spec.to_tool_list(), llm=StepFun())
    """

    # Core declares it on instances; here it is the class's, as in every tool spec, and so no field.
    spec_functions: ClassVar[list[SPEC_FUNCTION_TYPE]] = [  # type: ignore[misc]
        ("speak", "aspeak"),
        ("transcribe", "atranscribe"),
        ("search_web", "asearch_web"),
        ("draw", "adraw"),
        ("edit_image", "aedit_image"),
        ("transform_image", "atransform_image"),
    ]
    paid_functions: ClassVar[list[SPEC_FUNCTION_TYPE]] = [("clone_voice", "aclone_voice")]
    """What `clone_voices` adds."""

    @classmethod
    def class_name(cls) -> str:
        """Return the name serialized components are known by."""
        return "StepFunToolSpec"

    @model_validator(mode="after")
    def _check_model_may_set(self) -> Self:
        if unknown := [name for name in self.model_may_set if name not in _CHOICES]:
            raise ValueError(f"model_may_set holds {unknown}; possible are {list(_CHOICES)}")
        return self

    def to_tool_list(
        self,
        spec_functions: list[SPEC_FUNCTION_TYPE] | None = None,
        func_to_metadata_mapping: dict[str, ToolMetadata] | None = None,
    ) -> list[FunctionTool]:
        """Make the tools.

        Args:
            spec_functions: Which; by default `spec_functions`, and `paid_functions` with `clone_voices=True`.
            func_to_metadata_mapping: Other descriptions than this package's, by the function's name.
        """
        usual = [*self.spec_functions, *(self.paid_functions if self.clone_voices else ())]
        tools: list[FunctionTool] = super().to_tool_list(spec_functions or usual, func_to_metadata_mapping)
        return tools

    def get_metadata_from_fn_name(
        self,
        fn_name: str,
        spec_functions: list[SPEC_FUNCTION_TYPE] | None = None,  # noqa: ARG002 - core's signature
    ) -> ToolMetadata | None:
        """Describe a function to a model; None leaves a subclass's own functions to core."""
        hidden = set(_CHOICES) - set(self.model_may_set)
        return metadata(fn_name, _ARGUMENTS, hidden) if fn_name in _ARGUMENTS else None
