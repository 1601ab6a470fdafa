"""A local stand-in for StepFun's API: development and tests without a key, a network or a bill.

It is strict (what the service refuses it refuses, and undocumented parameters too) and honest (a small rule-based
answerer stands where the service has a model, and says so). Point any client at it::

    with stepfun_emulator.running() as base_url:
        client = OpenAI(base_url=base_url, api_key="any")

The anthropic package is pointed at the same address without ``/v1``, and speaks to ``POST /messages``.

Any key works, but one that begins with ``invalid`` (401) or ``broke`` (402). A message that contains
``censored-by-emulator`` is refused by moderation (451); a picture whose prompt contains ``filtered-by-emulator`` is
answered as filtered. :data:`FAULTS` lists what can be made to go wrong.
"""

from stepfun_emulator.app import create_app
from stepfun_emulator.faults import FAULTS
from stepfun_emulator.journal import Received, Session
from stepfun_emulator.server import Emulator, running, serving

__all__ = ["FAULTS", "Emulator", "Received", "Session", "create_app", "running", "serving"]
