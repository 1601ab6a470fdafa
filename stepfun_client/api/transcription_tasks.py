"""Recognition of a file by its URL, in the background: submit, look, wait (WIRE.md section 8)."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from stepfun_client.api.resource import CallOptions, WireModel, checked, read, sending, some_text, validated
from stepfun_client.api.transcript import Segment, Transcript, Word, joined
from stepfun_client.api.transcript_timing import times_of, with_punctuation
from stepfun_client.api.transcription_input import Samples, format_of_url, is_url
from stepfun_client.api.transcription_params import TaskParams, models_of, overlaid
from stepfun_client.core.call import Call, Flow, Pause, Reply, encode_json, unreadable
from stepfun_client.errors import APITimeoutError, InvalidParameterError, StepFunError, stream_error
from stepfun_client.progress import progress_bar

if TYPE_CHECKING:
    from typing_extensions import Unpack

DEADLINE_SECONDS = 600.0
POLL_SECONDS = 2.0

_FAILED = frozenset({"FAILED", "FAILURE", "ERROR", "CANCELED", "CANCELLED", "EXPIRED"})
_SUCCEEDED = frozenset({"SUCCESS", "SUCCEEDED", "COMPLETED", "FINISHED", "DONE"})
_LAYING = {"sample_rate": "rate", "bits": "bits", "channels": "channel"}


class TranscriptionTask(WireModel):
    """A recognition in the background.

    Attributes:
        task_id: What names it: enough to `retrieve` it or to `wait` for it, in another process too.
        model: The model that listens, where known.
        status: What the service says, e.g. `RUNNING`; None right after `submit`.
        transcript: What was said, once it is done.
    """

    task_id: str
    model: str | None = None
    status: str | None = None
    transcript: Transcript | None = None

    @property
    def is_done(self) -> bool:
        """Whether the transcript has come."""
        return self.transcript is not None


def submission(url: object, *, model: str, params: Mapping[str, Any]) -> Call:
    """Check and describe the call that begins a task.

    Raises:
        InvalidParameterError: If it is no http(s) URL, or a parameter is wrong.
    """
    some_text(model, "model")
    if not isinstance(url, str) or not is_url(url):
        what = f"{url[:60]!r}" if isinstance(url, str) else f"a {type(url).__name__}"
        raise InvalidParameterError(
            f"{model} listens to a public http(s) URL, and this is {what}. For a file of your own use a model that "
            f"takes it: {', '.join(models_of('multipart', 'sse'))}",
            param="file",
        )
    given = checked(TaskParams, params)
    form = given.get("format") or format_of_url(url)
    samples = Samples(*(given.get(name) for name in _LAYING))
    if form == "pcm" and samples.missing:
        raise InvalidParameterError(
            f"bare samples (pcm) do not say how they lie; tell {', '.join(samples.missing)}, e.g. sample_rate=16000, "
            "bits=16, channels=1",
            param=samples.missing[0],
        )
    audio = {"url": url, **({"format": form} if form else {}), **samples.wire()}
    request: dict[str, Any] = {"model_name": model}
    if "channel_split" in given:
        request["enable_channel_split"] = given["channel_split"]
    if "timestamps" in given:
        request["show_utterances"] = given["timestamps"]
    content = encode_json(overlaid({"audio": audio, "request": request}, given.get("extra_body")))
    options = sending({name: given.get(name) for name in ("timeout", "extra_headers")})
    # Each task is charged: one whose fate is unknown is not begun a second time.
    return Call("POST", "/audio/asr/file/submit", content=content, kind="audio", repeatable=False, **options)


def submitted(call: Call, *, model: str) -> Flow[TranscriptionTask]:
    """Begin a task."""
    reply = yield call
    task = read(TranscriptionTask, reply)
    task.model = model
    return task


def looked_up(task: TranscriptionTask | str, **options: Unpack[CallOptions]) -> Flow[TranscriptionTask]:
    """Look at a task once."""
    task_id = some_text(task if isinstance(task, str) else task.task_id, "task")
    model = None if isinstance(task, str) else task.model
    content = encode_json({"task_id": task_id})
    reply = yield Call("POST", "/audio/asr/file/query", content=content, kind="audio", **sending(options))
    return _read_task(reply, task_id, model)


def waited_for(
    task: TranscriptionTask | str,
    *,
    deadline: float = DEADLINE_SECONDS,
    poll: float = POLL_SECONDS,
    progress: bool | None = None,
    **options: Unpack[CallOptions],
) -> Flow[Transcript]:
    """Look at a task again and again until it is done."""
    for name, value in (("deadline", deadline), ("poll", poll)):
        if value <= 0:
            raise InvalidParameterError(f"{name} is {value!r}; it must be above 0 seconds", param=name)
    with progress_bar(None, unit="s", description="transcription", wanted=progress) as bar:
        began = time.monotonic()
        while True:
            looked = yield from looked_up(task, **options)
            bar.reach(round(time.monotonic() - began))
            if looked.transcript is not None:
                return looked.transcript
            if time.monotonic() + poll > began + deadline:
                raise APITimeoutError(
                    f"task {looked.task_id} is still {looked.status or 'running'} after {deadline:g} s; it goes on: "
                    f"wait for it again with client.transcription.wait({looked.task_id!r}, deadline=...)",
                    trace_id=looked.trace_id,
                )
            yield Pause(poll)


def _read_task(reply: Reply, task_id: str, model: str | None) -> TranscriptionTask:
    body = reply.json()
    if not isinstance(body, dict):
        raise unreadable(reply.content, ValueError("no JSON object"), trace_id=reply.trace_id)
    status = body.get("status")
    state = status.upper() if isinstance(status, str) else ""
    if state in _FAILED or body.get("error"):
        raise _failure(body, task_id, reply.trace_id)
    transcript = None
    if body.get("result") is not None:
        transcript = _transcript(reply, body, model)
    elif state in _SUCCEEDED:
        raise unreadable(reply.content, ValueError("a task that is done, and no result"), trace_id=reply.trace_id)
    looked = TranscriptionTask(task_id=task_id, model=model, status=status, transcript=transcript)
    looked.trace_id = reply.trace_id
    return looked


def _failure(body: Mapping[str, Any], task_id: str, trace_id: str | None) -> StepFunError:
    problem = body.get("error") or {name: body.get(name) for name in ("message", "type", "code")}
    detail = dict(problem) if isinstance(problem, Mapping) else {"message": problem}
    said = detail.get("message") or body.get("message") or f"status {body.get('status')}"
    return stream_error({**detail, "message": f"task {task_id} failed: {said}"}, trace_id=trace_id)


def _transcript(reply: Reply, body: Mapping[str, Any], model: str | None) -> Transcript:
    results = body["result"] if isinstance(body["result"], list) else [body["result"]]
    try:
        parts = [
            (result.get("text") or "", _segments(result, index, len(results))) for index, result in enumerate(results)
        ]
        segments = sorted((one for _, some in parts for one in some), key=lambda one: one.start or 0.0)
    except (AttributeError, TypeError, ValueError) as error:
        raise unreadable(reply.content, error, trace_id=reply.trace_id) from error
    texts = [text or joined(segment.text for segment in some) for text, some in parts]
    rest = {name: value for name, value in body.items() if name not in (*Transcript.model_fields, "result", "duration")}
    return validated(
        Transcript,
        {
            **rest,
            "text": "\n".join(texts),
            "segments": segments,
            "duration_seconds": body.get("duration"),
            "usage": body.get("usage"),
            "model": model,
        },
        headers=reply.headers,
    )


def _segments(result: Mapping[str, Any], index: int, results: int) -> list[Segment]:
    """Read one result's utterances; of several results each is a channel."""
    channel = index if results > 1 else None
    utterances = result.get("utterances") or []
    if not utterances and channel is not None and result.get("text"):
        return [Segment(text=result["text"], channel=channel)]
    return [_segment(utterance, channel) for utterance in utterances]


def _segment(utterance: Mapping[str, Any], channel: int | None) -> Segment:
    start, end = times_of(utterance)
    return Segment(
        text=utterance.get("text") or "",
        start=start,
        end=end,
        words=with_punctuation(_word(word) for word in utterance.get("words") or []),
        channel=channel,
    )


def _word(word: Mapping[str, Any]) -> Word:
    start, end = times_of(word)
    return Word(text=word.get("text") or word.get("word") or "", start=start, end=end)
