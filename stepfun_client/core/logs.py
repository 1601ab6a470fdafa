"""One logger, `stepfun_client`: silent unless the program configures it, and never told a secret.

import logging
logging.basicConfig()
logging.getLogger("stepfun_client").setLevel(logging.DEBUG)
"""

from __future__ import annotations

import logging
import re

_SECRET = re.compile(r"(?i)(\bbearer\s+|x-api-key['\"]?\s*[:,=]\s*b?['\"]?)[^\s'\",;)\]}]+")


def mask(text: str) -> str:
    """Blank out what follows `Bearer` or `x-api-key`.

    >>> mask("> Authorization: Bearer sk-123")
    '> Authorization: Bearer ***'
    """
    return _SECRET.sub(r"\1***", text)


class MaskSecrets(logging.Filter):
    """Masks the whole text of every record: also of the WebSocket library, which logs the handshake's headers."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Replace the record's text by its masked form; keep every record."""
        text = record.getMessage()
        masked = mask(text)
        if masked != text:
            record.msg, record.args = masked, None
        return True


def _quiet(name: str) -> logging.Logger:
    made = logging.getLogger(name)
    made.addHandler(logging.NullHandler())
    made.addFilter(MaskSecrets())
    return made


logger = _quiet("stepfun_client")
websocket_logger = _quiet("stepfun_client.websocket")
