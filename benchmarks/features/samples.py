"""What is asked and shown: a question for each purpose, a picture, a film, a sound, tools. Made here, from nothing."""

from __future__ import annotations

import base64
import io
import struct
import wave
import zlib

QUESTION = "Why is the sky blue?"
LONG_ANSWER = "Tell me in 100 words why the sky is blue."
SUM = "Multiply 6 and 7"
TWO_SUMS = "Multiply 6 and 7, then multiply 3 and 4."
SEARCH = "Search for news about StepFun"
SEARCH_AND_SUM = f"{SEARCH}, then multiply 6 and 7."
CHINESE = "阶跃星辰的模型能看图、听声音，也能调用工具。请用一句话介绍它。"

# Run by StepFun, which answers with what it found: as it documents it, and in short, as integrations understand it.
WEB_SEARCH = {"type": "web_search", "function": {"description": "Search the web for current information."}}
SEARCH_IN_SHORT = {"type": "web_search"}

SPEAKER = "step-audio-2"
SPOKEN = {"modalities": ["text", "audio"], "audio": {"voice": "wenrounansheng", "format": "wav"}}
SPOKEN_STREAMED = {"modalities": ["text", "audio"], "audio": {"voice": "wenrounansheng", "format": "pcm"}}


def multiply(a: int, b: int) -> int:
    """Multiply two numbers."""
    return a * b


def picture() -> bytes:
    """Draw a red square as PNG."""
    size = 64
    rows = (b"\x00" + b"\xe0\x10\x10" * size) * size
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


def film() -> bytes:
    """Write what an MP4 file begins with; the emulator looks no further."""
    return b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom" + bytes(64)


def sound() -> bytes:
    """Record half a second of silence as WAV."""
    file = io.BytesIO()
    with wave.open(file, "wb") as recording:
        recording.setnchannels(1)
        recording.setsampwidth(2)
        recording.setframerate(8000)
        recording.writeframes(bytes(8000))
    return file.getvalue()


def block(kind: str, data: bytes, mime_type: str, **more: object) -> dict[str, object]:
    """Make LangChain's standard content block of it."""
    return {"type": kind, "base64": base64.b64encode(data).decode(), "mime_type": mime_type, **more}
