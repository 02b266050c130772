"""Text to bucket ids by hashing; parameters are in features.json, 0 is padding."""
import json
import re
import unicodedata
from pathlib import Path

PARAMETERS = json.loads(Path(__file__).with_name("features.json").read_text("utf-8"))


def known_points(ranges: str) -> str:
    """A regex class body of ranges: in turn, in base 36, the gap before a range and its code points less one."""
    numbers = [int(digits, 36) for digits in ranges.split(" ")]
    body, end = [], -1
    for gap, more in zip(numbers[::2], numbers[1::2]):
        first = end + 1 + gap
        end = first + more
        body.append(f"\\U{first:08x}-\\U{end:08x}")
    return "".join(body)


UNKNOWN = re.compile(f"[^{known_points(PARAMETERS['assigned'])}]")
"""What Unicode 14 has not assigned parts words, whatever version this Python or a browser knows."""
HAN = "\u3400-\u4dbf\u4e00-\u9fff"
RUNS = re.compile(f"([{HAN}]+)|((?:(?![{HAN}_])\\w)+)")


def fnv1a(data: bytes) -> int:
    value = 0x811C9DC5
    for byte in data:
        value = ((value ^ byte) * 0x01000193) & 0xFFFFFFFF
    return value


def mix(value: int) -> int:
    """Final mixing of murmur3: FNV's low bits alone spread short strings badly."""
    value = ((value ^ (value >> 16)) * 0x85EBCA6B) & 0xFFFFFFFF
    value = ((value ^ (value >> 13)) * 0xC2B2AE35) & 0xFFFFFFFF
    return value ^ (value >> 16)


def bucket(feature: str) -> int:
    return 1 + mix(fnv1a(feature.encode("utf-8", "replace"))) % (PARAMETERS["buckets"] - 1)


def han_features(run: str) -> list[str]:
    sizes = (1, 2, 3) if len(run) <= PARAMETERS["hanTrigramMaxRun"] else (1, 2)
    return ["h:" + run[i:i + n] for n in sizes for i in range(len(run) - n + 1)]


def word_features(word: str) -> list[str]:
    edged = f"<{word}>"
    grams = [edged[i:i + n] for n in PARAMETERS["latinGrams"] for i in range(len(edged) - n + 1)]
    return ["w:" + word] + ["g:" + gram for gram in grams]


def normalized(text: str) -> str:
    """Final sigma is a sigma, so that casing does not hang on context."""
    known = text if text.isascii() else UNKNOWN.sub(" ", text)
    return unicodedata.normalize(PARAMETERS["normalization"], known).lower().replace("ς", "σ")


def features(text: str) -> list[str]:
    found: list[str] = []
    previous = None
    for match in RUNS.finditer(normalized(text)):
        han, word = match.groups()
        if han:
            found += han_features(han)
            previous = None
            continue
        found += word_features(word)
        if previous is not None:
            found.append(f"b:{previous} {word}")
        previous = word
    return found


def ids(text: str) -> list[int]:
    return [bucket(feature) for feature in features(text)[:PARAMETERS["maxIds"]]]
