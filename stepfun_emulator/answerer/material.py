"""What stands in a question that an argument could be made of: numbers, quotations, names, dates and so on."""

from __future__ import annotations

import re
from functools import cached_property

from stepfun_emulator.answerer.arithmetic import RESULT, find_expression, operands
from stepfun_emulator.answerer.reading import words
from stepfun_emulator.answerer.vocabulary import LITTLE, NOT_NAMES

_QUOTED = re.compile(
    r"\"([^\"]+)\"|“([^”]+)”|「([^」]+)」|『([^』]+)』|《([^》]+)》|`([^`]+)`|(?<![A-Za-z0-9])'([^']+)'(?![A-Za-z0-9])"
)
URL = re.compile(r"https?://[^\s，。）)\"'>]+")
EMAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]*\w", re.ASCII)
DATE = re.compile(r"\d{4}-\d{1,2}-\d{1,2}|\d{4}年\d{1,2}月\d{1,2}日|\d{1,2}/\d{1,2}/\d{2,4}")
CLOCK = re.compile(r"\b\d{1,2}:\d{2}(?::\d{2})?(?:\s?[ap]m)?|\b\d{1,2}\s?[ap]m\b", re.IGNORECASE)
DAY = re.compile(
    r"\b(?:today|tomorrow|yesterday|(?:mon|tues|wednes|thurs|fri|satur|sun)day)\b|今天|明天|后天|昨天", re.IGNORECASE
)
MONTH = re.compile(
    r"\b(?:January|February|March|April|May|June|July|August|September|October|November|December)\b|"
    r"(?<!\d)\d{1,2}月|[一二三四五六七八九十]{1,2}月"
)
FILE = re.compile(
    r"[\w./\\-]*\w\.(?:csv|txt|md|pdf|docx?|xlsx?|pptx?|html?|xml|json|ya?ml|py|js|wav|mp3|png|jpe?g|gif|webp|mp4|log)\b",
    re.IGNORECASE,
)
LANGUAGE = re.compile(
    r"\b(?:English|Chinese|French|German|Spanish|Italian|Japanese|Korean|Russian|Portuguese|Arabic|Dutch|Cantonese)\b|"
    r"英语|英文|中文|汉语|法语|德语|西班牙语|日语|日文|韩语|俄语|粤语",
    re.IGNORECASE,
)
CURRENCY = re.compile(
    r"\b(?:USD|EUR|CNY|RMB|JPY|GBP|HKD|KRW|AUD|CAD|CHF|INR|dollars?|euros?|yuan|yen|pounds?)\b|"
    r"美元|人民币|欧元|日元|英镑|港币",
    re.IGNORECASE,
)
COLOUR = re.compile(
    r"\b(?:red|orange|yellow|green|cyan|blue|purple|pink|brown|black|white|grey|gray)\b|[红橙黄绿青蓝紫粉棕黑白灰]色",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"(?<![\w.])-?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?=\D|$)|(?<=[一-鿿])\d+(?:\.\d+)?")
_NAME = re.compile(r"\b[A-Z][\w’'-]*(?:(?: (?:of|de|la|von|van) | & | |, (?=[A-Z]{2}\b))[A-Z][\w’'-]*)*", re.ASCII)
_CHINESE_PLACE = re.compile(
    r"北京|上海|广州|深圳|杭州|南京|成都|重庆|武汉|西安|天津|苏州|香港|台北|澳门|东京|大阪|首尔|纽约|伦敦|巴黎|柏林|"
    r"旧金山|洛杉矶|悉尼|新加坡|莫斯科|"
    r"(?!今天|明天|现在|后天)(?:(?<=在)|(?<=去)|(?<=到)|(?<=查询)|(?<=查一下)|(?<=今天)|(?<=明天))"
    r"[一-鿿]{2,4}?(?=市|的|今天|明天|现在|天气|气温|$)"
)
_LEAD_IN = re.compile(
    r"^(?:(?:please|(?:can|could|would|will)\s+you|i\s+(?:want|need)\s+to|i'd\s+like\s+to|help\s+me|us(?:e|ing)\s+the\s+tools?|"
    r"then|and|also|now|first|next|finally)[\s,]+|请问?|帮我|麻烦|你?能不能|可以|然后|接着|再|先|并且?)+",
    re.IGNORECASE,
)
_ASKING = re.compile(
    r"^(?:search(?:\s+the\s+web|\s+online)?(?:\s+for)?|look\s+up|find(?:\s+out)?|google|what(?:'s|\s+is|\s+are|\s+was)|"
    r"who(?:'s|\s+is|\s+was)|where\s+is|tell\s+me(?:\s+about)?|(?:give|show)\s+me|how\s+(?:is|are)|"
    r"搜索(?:一下)?|搜一下|查询(?:一下)?|查找|查一下|查查|告诉我)\s*(?:the\s+)?",
    re.IGNORECASE,
)
_POINTING = re.compile(
    r"\b(?:it|that|this|them|those|the (?:result|total|answer|sum|output|summary|translation|transcript|text))\b|"
    r"结果|它|上述|上面",
    re.IGNORECASE,
)


class Material:
    """The usable parts of one clause.

    Args:
        text: The clause that a call is made for.
        around: The whole question, for what the clause itself does not say.
        found: What an earlier tool said, where this step builds on it.
    """

    def __init__(self, text: str, around: str = "", found: str = "") -> None:
        self.text = text
        self.around = around or text
        self.found = found
        self._used: set[str] = set()
        self._matched: dict[re.Pattern[str], int] = {}

    @property
    def points_back(self) -> bool:
        """Whether the clause says *it*, *that* or *the result*."""
        return _POINTING.search(self.text) is not None

    @cached_property
    def found_number(self) -> str:
        """The number that an earlier tool came to: the last one it said."""
        numbers = _NUMBER.findall(self.found)
        return numbers[-1].replace(",", "") if numbers else ""

    @cached_property
    def expression(self) -> str | None:
        """The sum to do, with the earlier result in its place."""
        found = find_expression(self.text)
        if found is None or RESULT not in found:
            return found
        return found.replace(RESULT, self.found_number) if self.found_number else None

    @cached_property
    def numbers(self) -> list[str]:
        """The numbers in the order in which a function would want them."""
        summed = find_expression(self.text)
        if summed is not None and RESULT in summed and self.found_number:
            return [self.found_number if part == RESULT else part for part in operands(summed)]
        if summed is not None and RESULT not in summed:
            return operands(summed)
        plain = CLOCK.sub(" ", DATE.sub(" ", URL.sub(" ", self.text)))
        return [number.replace(",", "") for number in _NUMBER.findall(plain)]

    @cached_property
    def quoted(self) -> list[str]:
        """What stands in quotation marks."""
        return ["".join(groups) for groups in _QUOTED.findall(self.text)]

    @cached_property
    def names(self) -> list[str]:
        """Capitalised names and Chinese places, in the order of the text."""
        return names(self.text)

    def take(self, kind: str) -> str | None:
        """The next unused thing of a kind: ``number``, ``quoted`` or ``names``."""
        stock: dict[str, list[str]] = {"number": self.numbers, "quoted": self.quoted, "name": self.names}
        for at, value in enumerate(stock[kind]):
            if f"{kind}{at}" not in self._used:
                self._used.add(f"{kind}{at}")
                return value
        return None

    def match(self, pattern: re.Pattern[str]) -> str | None:
        """The next match in the clause, else in the whole question; the last one again when there are no more."""
        found = [match[0] for match in pattern.finditer(self.text)] or [
            match[0] for match in pattern.finditer(self.around)
        ]
        turn = self._matched.setdefault(pattern, 0)
        self._matched[pattern] += 1
        return found[min(turn, len(found) - 1)] if found else None

    def beside(self, label: str) -> str | None:
        """The number that stands next to a label: ``limit 5``, ``top_k=5``, ``5 results``."""
        wanted = words(label)
        for text in dict.fromkeys((self.text, self.around)):
            for found in re.finditer(
                r"([A-Za-z_]+|[一-鿿]{2})?[\s:=是为]*?(-?\d+(?:\.\d+)?)[\s个条]*([A-Za-z]+|[一-鿿]{2})?", text
            ):
                if wanted & (words(found[1] or "") | words(found[3] or "")):
                    return found[2]
        return None

    def labelled(self, label: str) -> str | None:
        """The text that stands behind a label: ``title: Report``, ``subject "Hi"``, ``voice is linjiajiejie``."""
        if label.lower() in LITTLE:
            return None
        name = re.escape(label.replace("_", " "))
        value = r"(?:\"([^\"]+)\"|'([^']+)'|“([^”]+)”|([^\s,;，。；?？!！]+))"
        found = re.search(rf"\b{name}\s*(?:[:=：]|is\b|为|是|\s)\s*{value}", self.around, re.IGNORECASE)
        text = next((group for group in found.groups() if group), "").rstrip(".") if found else ""
        return None if text.lower() in LITTLE else text or None

    @property
    def topic(self) -> str:
        """The clause without the words that only ask: *weather in Paris* of *Tell me the weather in Paris?*."""
        return topic(self.text)


def topic(text: str) -> str:
    """A text without the words that only ask."""
    stripped = _LEAD_IN.sub("", text.strip()).strip()
    return (_ASKING.sub("", stripped).strip(" \t\n.?!,:;。？！，：；") or stripped).strip()


def names(text: str) -> list[str]:
    """Capitalised names that do not merely begin a sentence, and Chinese places."""
    found: list[tuple[int, str]] = []
    for match in _NAME.finditer(text):
        parts = match[0].split()
        start = 0
        while start < len(parts) and re.sub(r"['’].*|,", "", parts[start]) in NOT_NAMES:
            start += 1
        name = " ".join(parts[start:]).strip(" ,")
        if name and name not in NOT_NAMES:
            found.append((match.start(), name.removesuffix("'s").removesuffix("’s")))
    found += [(match.start(), match[0]) for match in _CHINESE_PLACE.finditer(text)]
    return [name for _, name in sorted(found)]
