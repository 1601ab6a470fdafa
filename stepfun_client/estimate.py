"""How many tokens a text weighs, estimated without asking the service; `client.tokens.count` asks.

StepFun publishes no tokenizer. The rates are fitted to what is recorded: 107 characters of English reasoning counted 29
tokens, and a question of seven English words 29 with what surrounds a message (`wire/recorded`); a Chinese system
prompt and question of 120 characters counted 85 (the quick start's sample reply). Common estimators count a Chinese
character as a quarter of a token or as two; both are far off.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

TOKENS_PER_CJK_CHARACTER = 0.6
CHARACTERS_PER_TOKEN = 3.7
TOKENS_AROUND_A_CONVERSATION = 15
TOKENS_AROUND_A_MESSAGE = 4
TOKENS_PER_IMAGE = 169  # with detail low, the default (WIRE.md section 4)


@cache
def _cjk() -> re.Pattern[str]:
    """Compile the pattern at first use: so wide a class takes longer than most modules take to load."""
    return re.compile(r"[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef\U00020000-\U0003ffff]")


def estimate_tokens(text: str) -> int:
    """Estimate a text's tokens; Chinese, Japanese and Korean characters weigh more than others.

    >>> estimate_tokens("Hello, how are you?"), estimate_tokens("你好，最近怎么样？")
    (6, 6)
    """
    cjk = len(_cjk().findall(text))
    return math.ceil(cjk * TOKENS_PER_CJK_CHARACTER + (len(text) - cjk) / CHARACTERS_PER_TOKEN)


def estimate_message_tokens(messages: Iterable[Mapping[str, Any]]) -> int:
    """Estimate a conversation's tokens, given as StepFun's message objects. Video and sound are not estimated.

    >>> estimate_message_tokens([{"role": "user", "content": "Reply with only the word OK."}])
    27
    """
    return TOKENS_AROUND_A_CONVERSATION + sum(TOKENS_AROUND_A_MESSAGE + _of(message) for message in messages)


def _of(message: Mapping[str, Any]) -> int:
    content = message.get("content") or ""
    tokens = estimate_tokens(content) if isinstance(content, str) else sum(map(_of_part, content))
    tokens += estimate_tokens(message.get("reasoning_content") or "")
    for call in message.get("tool_calls") or ():
        function = call.get("function") or {}
        tokens += estimate_tokens(f"{function.get('name', '')}{function.get('arguments', '')}")
    return tokens


def _of_part(part: Mapping[str, Any]) -> int:
    if part.get("type") == "image_url":
        return TOKENS_PER_IMAGE
    return estimate_tokens(part.get("text") or "")
