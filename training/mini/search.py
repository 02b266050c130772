"""Rankings of texts for the model card: BM25, vectors, both together, and whether a difference is more than chance."""
import re
from collections import Counter

import numpy as np

WORDS = re.compile(r"[a-z0-9]+|[\u3400-\u4dbf\u4e00-\u9fff]+")
STOP = frozenset("a an the of in on at to for and or is are was were be by with as that this it from do does can".split())


def terms(text: str) -> list[str]:
    """Lower-cased Latin words without a short stop list, Chinese character pairs."""
    found = []
    for run in WORDS.findall(text.lower()):
        if run[0] < "\u3400":
            found += [] if run in STOP else [run]
        else:
            found += [run[i:i + 2] for i in range(len(run) - 1)] or [run]
    return found


class BM25:
    """Okapi BM25 (Robertson and Zaragoza 2009), k1 1.2, b 0.75."""

    def __init__(self, documents: list[str], k1: float = 1.2, b: float = 0.75):
        counts = [Counter(terms(document)) for document in documents]
        lengths = np.array([sum(count.values()) for count in counts], np.float32)
        norm = k1 * (1 - b + b * lengths / max(lengths.mean(), 1e-9))
        self.size, self.postings = len(documents), {}
        rows: dict[str, list[tuple[int, int]]] = {}
        for i, count in enumerate(counts):
            for term, times in count.items():
                rows.setdefault(term, []).append((i, times))
        for term, hits in rows.items():
            at, times = np.array([h[0] for h in hits]), np.array([h[1] for h in hits], np.float32)
            weight = np.log(1 + (self.size - len(hits) + 0.5) / (len(hits) + 0.5))
            self.postings[term] = at, weight * times * (k1 + 1) / (times + norm[at])

    def scores(self, query: str) -> np.ndarray:
        """float32 [documents]"""
        total = np.zeros(self.size, np.float32)
        for term in terms(query):
            if term in self.postings:
                at, weight = self.postings[term]
                total[at] += weight
        return total


def standard(scores: np.ndarray) -> np.ndarray:
    """z-scores of each query's row."""
    spread = scores.std(1, keepdims=True)
    return (scores - scores.mean(1, keepdims=True)) / np.maximum(spread, 1e-9)


def ranks(scores: np.ndarray, answers: np.ndarray) -> np.ndarray:
    """How many documents score above the answer; of equal scores the earlier document comes first, as in a search."""
    right = scores[np.arange(len(scores)), answers][:, None]
    earlier = np.arange(scores.shape[1])[None, :] < answers[:, None]
    return ((scores > right) | ((scores == right) & earlier)).sum(1)


def recall(rank: np.ndarray, at: int) -> float:
    return round(100 * float((rank < at).mean()), 2)


def bootstrap(first: np.ndarray, second: np.ndarray, draws: int = 10_000) -> tuple[float, float]:
    """95 % interval of the mean difference second - first in points, queries drawn together (paired)."""
    difference = 100 * (second.astype(np.float64) - first)
    chance = np.random.default_rng(1)
    means = [difference[chance.integers(0, len(difference), len(difference))].mean() for _ in range(draws)]
    return round(float(np.percentile(means, 2.5)), 2), round(float(np.percentile(means, 97.5)), 2)
