"""Bags of ids for the text tower, what a picture of a concept may be called, and pairs of texts that mean the same."""
import json
import random
import zlib
from pathlib import Path

import numpy as np
import torch

from .features import ids
from .pairs import GROUPS


class Bags:
    """Texts to ids and offsets; a text's ids are computed once."""

    def __init__(self):
        self.known: dict[str, list[int]] = {}

    def __call__(self, texts: list[str], drop: float = 0.0):
        """ids int64 [total], offsets int64 [texts]; a text without features is one padding id; drop: share of ids left out."""
        rows = [self.of(text) for text in texts]
        if drop > 0:
            rows = [[i for i in row if random.random() >= drop] or row[:1] for row in rows]
        offsets, total = [], 0
        for row in rows:
            offsets.append(total)
            total += len(row)
        return torch.tensor([i for row in rows for i in row]), torch.tensor(offsets)

    def of(self, text: str) -> list[int]:
        found = self.known.get(text)
        if found is None:
            found = self.known[text] = ids(text) or [0]
        return found


class Captions:
    """Names, keywords or several keywords of concepts, and which other concepts the same words fit."""

    def __init__(self, texts: list[dict], seen: list[int]):
        self.texts = texts
        self.fits: dict[str, set[int]] = {}
        for concept in seen:
            for language in ("en", "zh"):
                for text in [texts[concept][language]["name"], *texts[concept][language]["tags"]]:
                    self.fits.setdefault(text, set()).add(concept)

    def draw(self, concept: int, language: str) -> str:
        entry = self.texts[concept][language]
        tags, kind = entry["tags"], random.random()
        if kind < 0.45 or not tags:
            return entry["name"]
        if kind < 0.80:
            return random.choice(tags)
        some = random.sample(tags, min(len(tags), random.randint(2, 4)))
        return (" " if language == "en" else "，").join(some)

    def matching(self, texts: list[str], concepts: list[int]):
        """bool [texts, concepts]: the text is a name or keyword of the concept."""
        none: set[int] = set()
        return torch.tensor([[c in self.fits.get(text, none) for c in concepts] for text in texts])


class Pairs:
    """Pairs of all sources in one batch, so that each is the other's negative; and the teacher's vectors."""

    def __init__(self, folder: Path):
        self.sources: dict[str, list[list[str]]] = json.loads((folder / "pairs.json").read_text("utf-8"))
        taught = folder / "teacher.json"
        self.taught: list[str] = json.loads(taught.read_text("utf-8")) if taught.exists() else []
        self.vectors = np.load(folder / "teacher.npy", mmap_mode="r") if self.taught else None

    def batch(self):
        """Left texts, right texts, bool [pairs, pairs]: of the same group."""
        rows = [row for source, pairs in self.sources.items() for row in random.sample(pairs, min(GROUPS[source], len(pairs)))]
        groups = [row[2] for row in rows]
        numbers = torch.tensor([zlib.crc32(group.encode()) for group in groups])
        return [row[0] for row in rows], [row[1] for row in rows], numbers.unsqueeze(0) == numbers.unsqueeze(1)

    def taught_batch(self, n: int):
        rows = random.sample(range(len(self.taught)), min(n, len(self.taught)))
        return [self.taught[i] for i in rows], torch.from_numpy(self.vectors[rows].astype(np.float32))
