"""Sound in memory: what it is, how long it plays, how pieces are joined. No network, no decoding, no framework."""

from stepfun_client.audio.clip import Audio, AudioFormat

__all__ = ["Audio", "AudioFormat"]
