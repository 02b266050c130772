"""What render.mjs drew, as arrays; which concepts and pictures a build may train on."""
import json
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

TEST_STYLES = ("noto", "noto-v1")
"""One house's drawings: the first is the test style, the second repeats many of its objects."""
NEAR_DUPLICATE = 0.035
"""Mean absolute difference (of 0..1) of two 12 x 12 pictures on white, under which they count as one drawing."""


@dataclass
class Data:
    pictures: np.ndarray
    """uint8 [pictures, size, size, 4], not premultiplied."""
    concept: np.ndarray
    """int64 [pictures], index into texts."""
    style: np.ndarray
    """str [pictures]"""
    texts: list[dict]
    """For each concept: id, and for en and zh a name and tags."""
    train: np.ndarray
    """bool [pictures]: this build may see it."""
    held_out: np.ndarray
    """bool [concepts]: in no picture and no text of this build."""


def base(concept: str) -> str:
    return concept.split("-")[0]


def held_out(concepts: list[str]) -> np.ndarray:
    """A tenth of the base code points, with all that is joined to them; persons' many sequences stay in."""
    bases = [base(concept) for concept in concepts]
    many = {b for b in bases if bases.count(b) > 3}
    return np.array([b not in many and zlib.crc32(b.encode()) % 10 == 0 for b in bases])


def thumbnails(pictures: np.ndarray) -> np.ndarray:
    """float32 [pictures, 12, 12, 3] on white, 0..1."""
    alpha = pictures[..., 3:].astype(np.float32) / 255
    on_white = pictures[..., :3].astype(np.float32) / 255 * alpha + (1 - alpha)
    n, size = pictures.shape[:2]
    return on_white.reshape(n, 12, size // 12, 12, size // 12, 3).mean((2, 4))


def near_duplicates(small: np.ndarray, concept: np.ndarray, style: np.ndarray) -> np.ndarray:
    """bool [pictures]: drawn nearly as the test style draws the same concept."""
    reference = {concept[i]: small[i] for i in np.flatnonzero(style == TEST_STYLES[0])}
    return np.array([
        c in reference and s not in TEST_STYLES and np.abs(picture - reference[c]).mean() < NEAR_DUPLICATE
        for picture, c, s in zip(small, concept, style)
    ])


def load(folder: Path, everything: bool = False) -> Data:
    """everything: the build that is shipped; otherwise the test style, its near copies and a tenth of the concepts stay out."""
    described = json.loads((folder / "icons.json").read_text("utf-8"))
    captions = json.loads((folder / "concepts.json").read_text("utf-8"))
    rows, size = described["icons"], described["size"]
    pictures = np.fromfile(folder / "icons.rgba", np.uint8).reshape(len(rows), size, size, 4)
    ids = sorted({row["concept"] for row in rows})
    index = {concept: i for i, concept in enumerate(ids)}
    concept = np.array([index[row["concept"]] for row in rows])
    style = np.array([row["style"] for row in rows])
    texts = [{"id": i, **captions[i]} for i in ids]
    if everything:
        return Data(pictures, concept, style, texts, np.ones(len(rows), bool), np.zeros(len(ids), bool))
    out = held_out(ids)
    copies = near_duplicates(thumbnails(pictures), concept, style)
    train = ~np.isin(style, TEST_STYLES) & ~copies & ~out[concept]
    return Data(pictures, concept, style, texts, train, out)
