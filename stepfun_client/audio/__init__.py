"""Sound in memory: what it is, how long it plays, how pieces are joined. No network, no decoding, no framework."""

from stepfun_client.audio.clip import Audio, AudioFormat
from stepfun_client.audio.continuing import Mp3Continuation, continuation
from stepfun_client.audio.joining import join_audio, mended
from stepfun_client.audio.sentences import split_text

__all__ = ["Audio", "AudioFormat", "Mp3Continuation", "continuation", "join_audio", "mended", "split_text"]
