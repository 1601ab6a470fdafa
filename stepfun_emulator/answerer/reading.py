"""Reading words: what a text is about, in a form in which a question and a tool can be compared.

English words are cut to a rough stem, Chinese text to pairs of characters, and words that mean much the same in either
language share a concept (written ``#weather``), so that 天气 finds ``get_forecast``.
"""

from __future__ import annotations

import itertools
import re
from functools import lru_cache

_WORD = re.compile(r"[A-Za-z]+|\d+(?:\.\d+)?|[一-鿿]+")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")

_STOP = frozenset(
    [
        "a",
        "about",
        "after",
        "again",
        "all",
        "also",
        "am",
        "an",
        "and",
        "any",
        "are",
        "as",
        "ask",
        "at",
        "be",
        "been",
        "both",
        "but",
        "by",
        "can",
        "could",
        "do",
        "does",
        "doing",
        "done",
        "each",
        "find",
        "first",
        "for",
        "from",
        "function",
        "get",
        "give",
        "go",
        "has",
        "have",
        "he",
        "her",
        "here",
        "him",
        "his",
        "how",
        "i",
        "if",
        "in",
        "info",
        "information",
        "into",
        "is",
        "it",
        "its",
        "just",
        "know",
        "let",
        "like",
        "list",
        "make",
        "me",
        "my",
        "need",
        "new",
        "no",
        "not",
        "now",
        "of",
        "off",
        "on",
        "one",
        "only",
        "or",
        "other",
        "our",
        "out",
        "over",
        "please",
        "result",
        "return",
        "returns",
        "run",
        "she",
        "show",
        "so",
        "some",
        "such",
        "take",
        "tell",
        "than",
        "that",
        "the",
        "their",
        "them",
        "then",
        "there",
        "these",
        "they",
        "thing",
        "this",
        "those",
        "to",
        "tool",
        "tools",
        "up",
        "us",
        "use",
        "used",
        "user",
        "using",
        "value",
        "very",
        "want",
        "was",
        "we",
        "well",
        "were",
        "what",
        "when",
        "where",
        "which",
        "who",
        "whom",
        "whose",
        "why",
        "will",
        "with",
        "would",
        "you",
        "your",
        "data",
        "given",
        "input",
        "output",
        "string",
        "number",
        "name",
        "question",
        "answer",
        "second",
        "third",
        "finally",
        "next",
        "hi",
        "hello",
        "hey",
        "thanks",
        "thank",
        "ok",
        "okay",
        "yes",
    ]
)
_STOP_PAIRS = frozenset(
    [
        "什么",
        "怎么",
        "如何",
        "一下",
        "一个",
        "请问",
        "可以",
        "帮我",
        "告诉",
        "我们",
        "你们",
        "这个",
        "那个",
        "多少",
        "是多",
        "的是",
        "指定",
        "获取",
        "信息",
        "返回",
    ]
)

_CONCEPTS: dict[str, tuple[str, ...]] = {
    "weather": ("weather", "forecast", "temperature", "rain", "raining", "sunny", "snow", "humidity", "天气", "气温", "下雨", "天氣"),
    "calculate": ("calculate", "calculator", "calculation", "compute", "math", "arithmetic", "multiply", "multiplied", "divide",
                  "divided", "subtract", "minus", "plus", "add", "adder", "times", "percent", "percentage", "expression", "formula",
                  "squared", "算术", "计算", "乘", "除以", "加上", "减去", "算一", "运算", "公式"),
    "time": ("time", "clock", "date", "today", "timezone", "时间", "几点", "日期", "时刻"),
    "search": ("search", "lookup", "google", "browse", "query", "搜索", "查找", "检索", "搜一", "查询"),
    "news": ("news", "headline", "headlines", "新闻", "头条"),
    "price": ("price", "stock", "ticker", "quote", "shares", "股价", "股票", "价格"),
    "translate": ("translate", "translation", "translator", "翻译", "译成"),
    "mail": ("email", "mail", "send", "邮件", "发送"),
    "convert": ("convert", "conversion", "converter", "exchange", "currency", "换算", "兑换", "汇率"),
    "table": ("csv", "spreadsheet", "table", "sales", "column", "columns", "row", "rows", "dataframe", "表格", "销售", "销量"),
    "picture": ("image", "picture", "photo", "draw", "paint", "illustration", "图片", "图像", "画", "照片"),
    "speech": ("speech", "speak", "voice", "aloud",
        "loud", "tts", "audio", "pronounce", "语音", "朗读", "念出", "配音"),
    "transcribe": ("transcribe", "transcription", "transcript", "asr", "recognize", "recognition", "转写", "识别", "听写"),
    "file": ("file", "files", "document", "documents", "read", "文件", "文档"),
    "remind": ("remind", "reminder", "calendar", "schedule", "meeting", "提醒", "日程", "会议"),
    "route": ("route", "distance", "directions", "navigate", "路线", "距离", "导航"),
    "book": ("book", "reserve", "reservation", "booking", "预订", "预定"),
    "order": ("order", "orders", "shipment", "delivery", "订单", "物流"),
}  # fmt: skip


def stem(word: str) -> str:
    """A rough English stem: enough for *sales* to meet *sale* and *multiplying* to meet *multiply*."""
    word = word.lower()
    for ending, least in (("ations", 5), ("ation", 5), ("ings", 4), ("ing", 4), ("ies", 3), ("ers", 4), ("er", 5)):
        if word.endswith(ending) and len(word) >= len(ending) + least - 1:
            return word[: -len(ending)]
    if word.endswith("ed") and len(word) > 4:
        return word[:-2]
    if word.endswith("s") and not word.endswith("ss") and len(word) > 3:
        word = word[:-1]
    return word[:-1] if word.endswith(("e", "y")) and len(word) > 3 else word


_BY_STEM: dict[str, set[str]] = {}
_BY_CHINESE: list[tuple[str, str]] = []
for _concept, _triggers in _CONCEPTS.items():
    for _trigger in _triggers:
        if _trigger.isascii():
            _BY_STEM.setdefault(stem(_trigger), set()).add(f"#{_concept}")
        else:
            _BY_CHINESE.append((_trigger, f"#{_concept}"))


@lru_cache(maxsize=4096)
def words(text: str) -> frozenset[str]:
    """What a text is about: stems, pairs of Chinese characters and concepts, without the words that say nothing."""
    found: set[str] = set()
    for token in _WORD.findall(_CAMEL.sub(" ", text.replace("_", " "))):
        if token[0] >= "一":
            found.update(pair for pair in map("".join, itertools.pairwise(token)) if pair not in _STOP_PAIRS)
        elif token.lower() not in _STOP:
            root = stem(token)
            found.add(root)
            found |= _BY_STEM.get(root, set())
    found.update(concept for trigger, concept in _BY_CHINESE if trigger in text)
    return frozenset(found)


def sentences(text: str) -> list[str]:
    """The sentences of a text, without the space around them."""
    return [part.strip() for part in re.split(r"(?<=[.!?])\s+|(?<=[。！？])|\n+", text) if part.strip()]
