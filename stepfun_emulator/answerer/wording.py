"""Choosing the words for a text argument by its name, its description and its format."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from stepfun_emulator.answerer import material as found_in
from stepfun_emulator.answerer.material import Material, topic

_Chooser = Callable[[Material], "str | None"]

_AFTER_COLON = re.compile(r"[:：]\s*(\S.*)", re.DOTALL)
_AFTER_DASH = re.compile(r"\s[-–—]\s(.+)", re.DOTALL)
_SETTING = re.compile(r",?\s*\b(?:\w*results?|limit|max\w*|top_?\w*)\s*[:=]?\s*\d+\b.*", re.IGNORECASE)
_NAME_OF_THING = re.compile(r"\b[a-z]+-[0-9a-f]{8,}\b(?![-.]\w)")  # and not the file it was saved as
_VERB_OBJECT = re.compile(
    r"\b(?:translate|say|speak|read|write|send|post|echo|repeat|pronounce|draw|paint|transcribe|summari[sz]e|remember|note)\b"
    r"\s+(?:out\s+)?(.+?)(?:\s+(?:aloud|out loud|in(?:to)?\s+[A-Z]\w+|to\s+\S+@\S+))?[.?!]?$|"
    r"(?:翻译|朗读|念|说|画|写|发送|记住)(?:一下|出)?(.+?)[。？！]?$",
    re.IGNORECASE | re.DOTALL,
)


def _expression(material: Material) -> str | None:
    return material.expression


def _pattern(pattern: re.Pattern[str]) -> _Chooser:
    return lambda material: material.match(pattern)


def _name(material: Material) -> str | None:
    return material.take("quoted") or material.take("name")


def _place(material: Material) -> str | None:
    place = material.take("name")
    if place is not None:
        return place
    around = found_in.names(material.around)
    if around:
        return around[0]
    after = re.search(r"\b(?:in|at|for|near|of)\s+(?:the\s+)?([a-z][\w'-]+(?:\s+[a-z][\w'-]+)?)", material.text)
    return after[1] if after else None


def _day(material: Material) -> str | None:
    return material.match(found_in.DATE) or material.match(found_in.DAY) or material.match(found_in.MONTH)


def _text(material: Material) -> str | None:
    """What is to be said, written, sent or translated: the quotation, what the tool before found, or the rest."""
    quoted = material.take("quoted")
    if quoted is not None:
        return quoted
    if material.points_back and material.found:
        return material.found
    after = _AFTER_COLON.search(material.text) or _AFTER_COLON.search(material.around)
    if after is not None:
        return after[1].strip()
    spoken = _VERB_OBJECT.search(material.text)
    return (spoken[1] or spoken[2]).strip() if spoken else None


def _thing(material: Material) -> str | None:
    """What the tool before made, by the name it gave it."""
    made = _NAME_OF_THING.findall(material.found)
    return made[-1] if made else None


def _query(material: Material) -> str | None:
    return material.take("quoted") or _SETTING.sub("", material.topic) or None


def _description(material: Material) -> str | None:
    after = _AFTER_DASH.search(material.text)
    return after[1].strip() if after else _text(material) or material.topic


# (words in the name, words in the description, how to choose), most particular first.
_CHOOSERS: tuple[tuple[str, str, _Chooser], ...] = (
    (
        r"expr|formula|equation|calculation|算式|公式|表达式",
        r"expression|formula|arithmetic|算式|公式|表达式",
        _expression,
    ),
    (r"url|uri|link|href|网址|链接", r"\burl\b|网址", _pattern(found_in.URL)),
    (r"e?mail|recipient|^to$|邮箱", r"e-?mail address|邮箱", _pattern(found_in.EMAIL)),
    (r"file|path|csv|document|文件", r"file ?name|file path|path to|文件名|路径", _pattern(found_in.FILE)),
    (r"^(?:image|picture|photo|audio|recording)(?:_id)?$", r"\bthe id of\b", _thing),
    (r"month|月份", r"\bmonth\b|月份", _pattern(found_in.MONTH)),
    (r"date|day|日期", r"\bdate\b|日期|YYYY", _day),
    (r"(?:^|_)time(?:$|_)|hour|时间", r"time of day", _pattern(found_in.CLOCK)),
    (r"lang|语言|语种", r"\blanguage\b|语言", _pattern(found_in.LANGUAGE)),
    (r"currency|币", r"currency|货币", _pattern(found_in.CURRENCY)),
    (r"colou?r|颜色", r"colou?r|颜色", _pattern(found_in.COLOUR)),
    (
        r"city|location|place|country|town|destination|origin|address|region|城市|地点|地区",
        r"\bcity\b|location|place|城市|地点|地名",
        _place,
    ),
    (
        r"query|keyword|search|question|topic|subject|theme|^q$|关键词|问题|主题",
        r"search (?:query|term)|keywords?|关键词|搜索",
        _query,
    ),
    (r"descri|detail|summary|描述|摘要", r"\bdescription of\b|summary|描述|摘要", _description),
    (
        r"text|content|message|body|prompt|input|sentence|script|note|speech|文本|内容|正文",
        r"text to|message to|the text|文本|内容",
        _text,
    ),
    (
        r"name|title|person|customer|who|author|artist|company|姓名|名称|标题",
        r"\bname\b|title|名称|姓名",
        _name,
    ),
)

_NO_UUID = "00000000-0000-4000-8000-000000000000"
_BY_FORMAT: dict[str, tuple[_Chooser, str]] = {
    "date": (_pattern(re.compile(r"\d{4}-\d{2}-\d{2}")), "2026-01-01"),
    "date-time": (_pattern(re.compile(r"\d{4}-\d{2}-\d{2}T[\d:]+(?:Z|[+-]\d{2}:\d{2})")), "2026-01-01T00:00:00Z"),
    "time": (_pattern(re.compile(r"\d{2}:\d{2}:\d{2}Z")), "00:00:00Z"),
    "email": (_pattern(found_in.EMAIL), "someone@example.com"),
    "uri": (_pattern(found_in.URL), "https://example.com"),
    "uuid": (_pattern(re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")), _NO_UUID),
    "ipv4": (_pattern(re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")), "127.0.0.1"),
}  # fmt: skip
_LIKELY = ("2026-01-01", "A", "a", "AAA", "aaa", "0", "000", "ABC-123", "a@example.com", "00:00", "https://example.com")


def wording(name: str, schema: dict[str, Any], material: Material, *, certain: bool = False) -> str | None:
    """The text for an argument.

    Args:
        name: The argument's name.
        schema: Its schema.
        material: What the text is made of.
        certain: Give None unless the question plainly speaks of this argument.
    """
    formatted = _BY_FORMAT.get(schema.get("format", ""))
    if formatted is not None:
        return formatted[0](material) or (None if certain else formatted[1])
    labelled = material.labelled(name) if name else None
    if labelled is not None:
        return _fitting([labelled], schema)
    chosen = _chosen(name, str(schema.get("description", "")), material, certain=certain)
    if certain:
        return chosen
    default = schema.get("default")
    candidates = [chosen, default if isinstance(default, str) else None]
    if chosen is None and not isinstance(default, str):
        candidates += [material.take("quoted"), material.take("name"), material.topic, topic(material.around)]
    return _fitting([candidate for candidate in candidates if candidate], schema)


def _chosen(name: str, description: str, material: Material, *, certain: bool) -> str | None:
    """By the name first, and by the description only where the name says nothing."""
    for by_name, _, choose in _CHOOSERS:
        if re.search(by_name, name, re.IGNORECASE):
            # Whatever is asked has some topic and some text: that proves nothing about an optional argument.
            return None if certain and choose in (_query, _text, _name, _place, _description) else choose(material)
    if certain:
        return None
    for _, by_description, choose in _CHOOSERS:
        if re.search(by_description, description, re.IGNORECASE):
            return choose(material)
    return None


def _fitting(candidates: list[str], schema: dict[str, Any]) -> str | None:
    pattern = schema.get("pattern")
    if not isinstance(pattern, str):
        return candidates[0] if candidates else None
    examples = [example for example in schema.get("examples", ()) if isinstance(example, str)]
    try:
        wanted = re.compile(pattern)
    except re.error:  # JSON Schema's expressions are JavaScript's: not all of them are Python's
        return next(iter((*candidates, *examples)), None)
    for candidate in (*candidates, *examples, *_LIKELY):
        found = wanted.search(candidate)
        if found is not None:
            return candidate
    return candidates[0] if candidates else None
