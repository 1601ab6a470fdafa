"""What a spoken answer is: told by its first letters of base64."""

from __future__ import annotations

# Only what no samples begin with: any two bytes of sound may look like the start of an mp3 frame.
_HEADS = {"UklGR": "audio/wav", "SUQz": "audio/mpeg", "T2dnUw": "audio/ogg", "ZkxhQ": "audio/flac"}


def spoken_type(data: str) -> str:
    """Tell the MIME type of a spoken answer: a file says what it is, else it is pcm.

    pcm is 24 kHz, mono, 16 bit (WIRE.md section 4).

    >>> spoken_type("UklGRiQAAABXQVZF"), spoken_type("AAABAAIA")
    ('audio/wav', 'audio/pcm')
    """
    return next((kind for head, kind in _HEADS.items() if data.startswith(head)), "audio/pcm")
