"""Long text in pieces that can be spoken one after another: cut where a speaker would pause.

What may be spoken in one request has an end (1,000 characters, WIRE.md section 6). Pieces end with a sentence where one
ends in time, else with a clause, else at a blank, else between characters; never inside a direction in round brackets,
which the newer models act out instead of reading it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from stepfun_client.errors import InvalidParameterError

# How good a place is for a cut, the best last. Every place has a rank: the one before the character of its number.
_INSIDE_DIRECTION, _INSIDE_WORD, _ANYWHERE, _BLANK, _CLAUSE, _SENTENCE = range(6)

_WIDE = r"\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff"  # written without blanks between the words
_WORD = re.compile(
    rf"[-+$¥￥€£]?\d+(?:[.,:：，．/'-]\d+)*[%‰°]?|[^\W\d_{_WIDE}]+(?:['’-][^\W\d_{_WIDE}]+)*"  # a number or a word
)
_BLANKS = re.compile(r"\s+")
_LINE_END = re.compile(r"\r\n|[\n\r\u2028\u2029]")
_CLAUSE_END = re.compile(rf"[，、：—～]+|[,;:](?=[\s{_WIDE}])")
_SENTENCE_END = re.compile(r"[.!?。！？；｡…]+")
_SURE_END = frozenset("。！？；｡…")
_CLOSING = frozenset("”’」』】》〉〕］｝»)]}）")
_NO_END = re.compile(  # abbreviations, initials, and the number of an item of a list
    r"(?:^|[^\w.])(?:[A-Z]|Mr|Mrs|Ms|Dr|Prof|St|Mt|Gen|vs|cf|e\.g|i\.e|Fig|Vol|No)\.$|(?m:^)\s*\d{1,4}\.$"
)
_NO_END_REACH = 6  # characters before the dot that decide it
_QUOTE_OR_LINE_END = re.compile(r'["\n]')
_IS_WIDE = re.compile(f"[{_WIDE}]")


def split_text(text: str, limit: int = 1000) -> list[str]:
    """Split text into pieces of at most `limit` characters, as few and as long as their good ends allow.

    A piece ends with a sentence (Chinese or Western, closing quotes with it, or a line end). Where a sentence is too
    long, it ends with a clause, else at a blank, else between characters, but not inside a number, a word or what is
    seen as one character. No cut is made inside a direction in round brackets, half or full width, nested or not.

    Args:
        text: What is to be spoken.
        limit: The most characters in a piece, as Python counts them; the service takes 1,000.

    Returns:
        The pieces; put together they are the text, to the character. None for text of blanks only. A piece of blanks
        only comes where so many stand in a row that they fit nowhere: there is nothing to speak in it.

    Raises:
        InvalidParameterError: If a direction alone has more than `limit` characters, or `limit` is not positive.

    Example:
        >>> split_text("你好。(轻声。慢。)3.14 is π. Bye!", limit=22)
        ['你好。(轻声。慢。)3.14 is π. ', 'Bye!']
    """
    if limit < 1:
        raise InvalidParameterError(f"limit is {limit}; a piece has at least one character.", param="limit")
    if not text or text.isspace():
        return []
    ranks = _ranks(text, limit)
    pieces = []
    start = 0
    while len(text) - start > limit:
        end = _best_cut(text, ranks, start, start + limit)
        pieces.append(text[start:end])
        start = end
    return [*pieces, text[start:]]


def _best_cut(text: str, ranks: bytearray, start: int, last: int) -> int:
    for rank in (_SENTENCE, _CLAUSE, _BLANK):
        place = ranks.rfind(rank, start + 1, last + 1)
        if place > 0 and not text[start:place].isspace():
            return place
    for rank in (_ANYWHERE, _INSIDE_WORD):
        for place in range(last, start, -1):
            if ranks[place] == rank and not _is_one_character(text, place):
                return place
    return next(place for place in range(last, start, -1) if ranks[place] != _INSIDE_DIRECTION)


def _ranks(text: str, limit: int) -> bytearray:
    """Rank every place of the text, later rules over earlier ones."""
    ranks = bytearray([_ANYWHERE]) * (len(text) + 1)
    directions = list(_directions(text))
    for begin, end in directions:
        if end - begin > limit:
            raise InvalidParameterError(
                f"The direction {text[begin : begin + 30]!r}... has {end - begin:,} characters, and a piece of text at "
                f"most {limit:,}. A direction is not cut in two: shorten it, or take its brackets away where it is to "
                "be read out.",
                param="input",
            )
        ranks[begin + 1 : end] = bytes(end - begin - 1)  # inside
    leading = {end for begin, end in directions if _begins_sentence(text, begin)}
    for rank, places in (
        (_BLANK, (found.end() for found in _BLANKS.finditer(text))),
        (_CLAUSE, _after_clauses(text)),
        (_SENTENCE, _after_lines(text)),
        (_SENTENCE, _after_sentences(text, ranks)),
    ):
        for place in places:
            if ranks[place] != _INSIDE_DIRECTION and not _is_one_character(text, place):
                ranks[place] = rank
    for end in leading:  # it directs what follows
        blanks = _BLANKS.match(text, end)
        past = blanks.end() if blanks else end
        ranks[end : past + 1] = bytes([_ANYWHERE]) * (past + 1 - end)
    for found in _WORD.finditer(text):
        for place in range(found.start() + 1, found.end()):
            ranks[place] = min(ranks[place], _INSIDE_WORD)
    return ranks


def _directions(text: str) -> Iterator[tuple[int, int]]:
    """Yield begin and end of what stands in round brackets, the outermost ones; brackets without a partner are text."""
    opened: list[int] = []
    closed: list[tuple[int, int]] = []
    for found in re.finditer(r"[(（)）]", text):
        if found[0] in "(（":
            opened.append(found.start())
        elif opened:
            begin = opened.pop()
            while closed and closed[-1][0] > begin:
                closed.pop()
            closed.append((begin, found.end()))
    yield from closed


def _begins_sentence(text: str, place: int) -> bool:
    before = place - 1
    while before >= 0 and text[before] in " \t\u3000":
        before -= 1
    return before < 0 or text[before] in "\r\n" or bool(_SENTENCE_END.match(text[before]))


def _after_clauses(text: str) -> Iterator[int]:
    for found in _CLAUSE_END.finditer(text):
        yield _past_blanks(text, found.end())


def _after_lines(text: str) -> Iterator[int]:
    for found in _LINE_END.finditer(text):
        yield found.end()
        yield _past_blanks(text, found.end())


def _after_sentences(text: str, ranks: bytearray) -> Iterator[int]:
    closing = _closing_quotes(text)
    for found in _SENTENCE_END.finditer(text):
        if ranks[found.start()] == _INSIDE_DIRECTION:
            continue  # its bracket is not the sentence's
        end = found.end()
        while end < len(text) and (text[end] in _CLOSING or end in closing):
            end += 1
        if _ends_sentence(text, found, end):
            yield end
            yield _past_blanks(text, end)


def _past_blanks(text: str, place: int) -> int:
    blanks = _BLANKS.match(text, place)
    return blanks.end() if blanks else place


def _closing_quotes(text: str) -> set[int]:
    """Straight quotes that close: every second one of a line."""
    closing: set[int] = set()
    is_open = False
    for found in _QUOTE_OR_LINE_END.finditer(text):
        if found[0] == '"' and is_open:
            closing.add(found.start())
        is_open = found[0] == '"' and not is_open
    return closing


def _ends_sentence(text: str, marks: re.Match[str], end: int) -> bool:
    """Whether these marks end a sentence: Western ones also stand in numbers, names and addresses."""
    if _SURE_END.intersection(marks[0]):
        return True
    following = text[end : end + 1]
    if marks[0][-1] in "!?" and _IS_WIDE.match(following):
        return True
    if following and not following.isspace():
        return False
    if marks[0] != ".":
        return True
    return not _NO_END.search(text[max(0, marks.start() - _NO_END_REACH) : marks.end()])


def _is_one_character(text: str, place: int) -> bool:
    """Whether what is before and after this place is seen as one character."""
    if not 0 < place < len(text):
        return False
    before, after = text[place - 1], text[place]
    if before == "\u200d" or (before, after) == ("\r", "\n"):
        return True
    if "\U0001f1e6" <= after <= "\U0001f1ff":  # flags are pairs of letters
        first = place
        while first and "\U0001f1e6" <= text[first - 1] <= "\U0001f1ff":
            first -= 1
        return (place - first) % 2 == 1
    return (
        after in "\u200c\u200d\uff9e\uff9f"
        or unicodedata.category(after) in {"Mn", "Mc", "Me"}
        or "\U0001f3fb" <= after <= "\U0001f3ff"  # skin tones
        or "\U000e0020" <= after <= "\U000e007f"  # the letters of regional flags
        or "\u1160" <= after <= "\u11ff"  # the later parts of a Korean syllable
        or ("\ud800" <= before <= "\udbff" and "\udc00" <= after <= "\udfff")
    )
