"""Rules about faces as people write them, turned into SQL: `sharpness<0.6 and not |yaw|>40`.

A small grammar of its own; nothing is evaluated. No text from outside ever becomes SQL: fields and
comparisons are looked up, values are bound.

    rule       = term { "or" term }
    term       = factor { "and" factor }
    factor     = "not" factor | "(" rule ")" | condition
    condition  = FIELD or |FIELD|, one of < <= > >= = == !=, and a value
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from projects.errors import CommandError
from projects.face_query import EVERY, Selection, of_crops, of_ids
from projects.names import printable

NUMBERS = (
    *("id", "frame", "time", "yaw", "pitch", "roll", "sharpness", "size", "brightness", "mouth"),
    *("eyes", "confidence", "covered", "track", "likeness"),
)
TEXTS = ("state", "reason", "source")

_RULE = re.compile(r"\s*([a-z|]+)\s*(<=|>=|!=|==|=|<|>)\s*(.*?)\s*", re.DOTALL)
_RANGE = re.compile(r"(-?[^,]+?)\.\.(-?[^,]+)")
_SQL = {"<": "<", "<=": "<=", ">": ">", ">=": ">=", "=": "=", "==": "=", "!=": "<>"}
_UNKNOWN = "unknown"
_TOKEN = re.compile(
    r"""(?P<quoted>"[^"]*"|'[^']*')|(?P<mark>[()])|(?<![\w|])(?P<word>and|or|not)(?![\w|])""",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\d{1,12}")
_NUMBERS = re.compile(r"(\d{1,12})(?:-|\.\.)(\d{1,12})")
_LONGEST = 2000  # characters in one rule
_DEEPEST = 20  # brackets within brackets


def select(rules: Iterable[str], sources: Mapping[str, str] | None = None) -> Selection:
    """The faces that meet all of `rules`.

    A condition is FIELD, a comparison and a value: `yaw>20`, `|yaw|<=10`, `sharpness<0.6`,
    `reason=blurred,covered`, `state=kept`, `time=1:20..1:35`, `likeness=unknown`,
    `reason="hand and hair"`. What was not measured meets no condition but `=unknown`.
    `sources` gives the digests by the names that people know sources by.

    Raises:
        CommandError: a rule cannot be understood.
    """
    chosen = EVERY
    for number, rule in enumerate(rules):
        one = _Parser(rule, sources or {}).parse()
        chosen = one if not number else chosen & one
    return chosen


@dataclass(frozen=True)
class Named:
    """Faces as a person names them: any that has one of the ids or crops, or meets a rule."""

    ids: tuple[int, ...]
    crops: tuple[str, ...]
    rules: tuple[str, ...]
    selection: Selection


def named(words: Iterable[str], sources: Mapping[str, str] | None = None) -> Named:
    """What `words` name: numbers (`7`), ranges of them (`7-20`), crops' file names, or rules.

    Raises:
        CommandError: a rule cannot be understood.
    """
    ids, crops, rules = [], [], []
    chosen = Selection("0")
    for word in map(str.strip, words):
        between = _NUMBERS.fullmatch(word)
        if _NUMBER.fullmatch(word):
            ids.append(int(word))
        elif between is not None:
            low, high = sorted(map(int, between.groups()))
            chosen = chosen | Selection("id BETWEEN ? AND ?", (low, high))
        elif set(word) & set("<>=(") or not word:
            rules.append(word)
            chosen = chosen | select([word], sources)
        else:
            crops.append(word if word.endswith(".png") else f"{word}.png")
    chosen = chosen | of_ids(ids) | of_crops(crops)
    return Named(tuple(ids), tuple(crops), tuple(rules), chosen)


@dataclass
class _Parser:
    """Reads one rule from left to right."""

    rule: str
    sources: Mapping[str, str]
    tokens: list[str] = field(default_factory=list)
    place: int = 0

    def parse(self) -> Selection:
        if len(self.rule) > _LONGEST:
            raise CommandError(f"A rule may have {_LONGEST} characters, not {len(self.rule)}.")
        self.tokens = _tokens(self.rule)
        chosen = self._any_of(0)
        if self.place < len(self.tokens):
            raise self._wrong("one closing bracket too many")
        return chosen

    def _any_of(self, depth: int) -> Selection:
        chosen = self._all_of(depth)
        while self._take("or"):
            chosen = chosen | self._all_of(depth)
        return chosen

    def _all_of(self, depth: int) -> Selection:
        chosen = self._one(depth)
        while self._take("and"):
            chosen = chosen & self._one(depth)
        return chosen

    def _one(self, depth: int) -> Selection:
        if depth > _DEEPEST:
            raise self._wrong(f"more than {_DEEPEST} brackets or 'not' within each other")
        if self._take("not"):
            return ~self._one(depth + 1)
        if self._take("("):
            chosen = self._any_of(depth + 1)
            if not self._take(")"):
                raise self._wrong("a bracket that is not closed")
            return chosen
        text = self.tokens[self.place] if self.place < len(self.tokens) else ""
        if text in ("and", "or", ")", ""):
            if not self.rule.strip():
                raise _no_condition(_shown(self.rule))
            raise self._wrong("nothing where a condition is expected, such as 'yaw>20'")
        self.place += 1
        if self.place < len(self.tokens) and self.tokens[self.place] in ("(", "not"):
            raise self._wrong("two conditions without 'and' or 'or' between them")
        return _condition(text, self.sources)

    def _take(self, token: str) -> bool:
        found = self.place < len(self.tokens) and self.tokens[self.place] == token
        self.place += found
        return found

    def _wrong(self, what: str) -> CommandError:
        return CommandError(
            f"The rule {_shown(self.rule)} has {what}. Conditions are joined by 'and', 'or', 'not' "
            "and brackets; a value with such words in it stands in quotes."
        )


def _tokens(rule: str) -> list[str]:
    """Words and brackets by themselves, and the conditions between them, without outer blanks."""
    found: list[str] = []
    text, end = "", 0
    for match in _TOKEN.finditer(rule):
        text += rule[end : match.start()]
        end = match.end()
        if match["quoted"] is not None:
            text += match["quoted"]
            continue
        found += [text.strip(), match[0].lower()]
        text = ""
    return [token for token in (*found, (text + rule[end:]).strip()) if token]


def _shown(rule: str) -> str:
    return repr(printable(rule[:80]))


def _condition(rule: str, sources: Mapping[str, str]) -> Selection:
    shown = _shown(rule)
    found = _RULE.fullmatch(rule)
    if found is None:
        raise _no_condition(shown)
    word, comparison, value = found.groups()
    name = word.strip("|")
    bare = word == name
    if not bare and word != f"|{name}|":
        raise CommandError(f"The rule {shown} has one bar: write |{name}| for its size.")
    if name in TEXTS and bare:
        return _text(name, comparison, value, shown, sources)
    if name in NUMBERS:
        return _number(name if bare else f"abs({name})", comparison, value, shown)
    raise CommandError(
        f"The rule {shown} asks for {printable(word)!r}, which faces do not have. They have: "
        f"{', '.join((*NUMBERS, *TEXTS))}."
    )


def _no_condition(shown: str) -> CommandError:
    return CommandError(
        f"The rule {shown} is not FIELD, a comparison and a value, such as 'yaw>20', "
        "'reason=blurred' or 'time=1:20..1:35'. Put it in quotes: the shell takes > and < "
        "for itself."
    )


def _unquoted(word: str) -> str:
    word = word.strip()
    quoted = len(word) > 1 and word[0] == word[-1] and word[0] in "\"'"
    return word[1:-1] if quoted else word


def _text(
    name: str, comparison: str, value: str, shown: str, sources: Mapping[str, str]
) -> Selection:
    if comparison not in ("=", "==", "!="):
        raise CommandError(f"In the rule {shown}, {name} is a word: compare it by = or !=.")
    words = [_unquoted(word) for word in value.split(",")]
    if not all(words) and name != "reason":
        raise CommandError(f"The rule {shown} ends without a value.")
    if name == "state":
        if not set(words) <= {"kept", "rejected"}:
            raise CommandError(f"In the rule {shown}, a face's state is kept or rejected.")
        chosen = Selection(_any("kept = ?", words), tuple(int(word == "kept") for word in words))
    elif name == "source":
        digests = tuple(sources.get(word, word) for word in words)
        chosen = Selection(_any("substr(source, 1, length(?)) = ?", words), _twice(digests))
    else:
        chosen = Selection(_any("reason = ?", words), tuple(words))
    return chosen if comparison != "!=" else Selection(f"NOT ({chosen.sql})", chosen.values)


def _number(column: str, comparison: str, value: str, shown: str) -> Selection:
    if comparison not in ("=", "==", "!="):
        return Selection(f"{column} {_SQL[comparison]} ?", (_value(value, shown),))
    conditions: list[str] = []
    values: list[float] = []
    for part in value.split(","):
        between = _RANGE.fullmatch(part.strip())
        if part.strip() == _UNKNOWN:
            # Version 1 of the index, and what extraction could not tell.
            conditions.append(f"{column} IS NULL" if column != "track" else "track < 0")
        elif between is not None:
            conditions.append(f"{column} BETWEEN ? AND ?")
            values += [_value(end, shown) for end in between.groups()]
        else:
            conditions.append(f"{column} = ?")
            values.append(_value(part, shown))
    sql = " OR ".join(conditions)
    return Selection(sql if comparison != "!=" else f"NOT ({sql})", tuple(values))


def _value(text: str, shown: str) -> float:
    """A number, or a time of day as [hours:]minutes:seconds."""
    try:
        *larger, seconds = (float(part) for part in text.strip().removesuffix("°").split(":"))
        for power, part in enumerate(reversed(larger), 1):
            seconds += part * 60.0**power
    except ValueError:
        seconds = math.nan
    if not math.isfinite(seconds) or text.count(":") > 2:
        raise CommandError(
            f"The rule {shown} does not end with a number. Examples: 'yaw>20', 'yaw=-10..10', "
            "'time>1:20', 'likeness=unknown'."
        )
    return seconds


def _any(condition: str, words: list[str]) -> str:
    return " OR ".join([condition] * len(words))


def _twice(words: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(word for word in words for _ in range(2))
