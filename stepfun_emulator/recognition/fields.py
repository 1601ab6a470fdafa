"""The reader of request fields, under the name it had while recognition alone used it."""

from stepfun_emulator.fields import Fields

__all__ = ["Fields"]
