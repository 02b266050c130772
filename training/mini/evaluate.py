"""Recall of pictures by text on a folder of captioned pictures (captions.jsonl beside images/)."""
import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from . import augment
from .texts import Bags


def gallery(folder: Path, size: int = 72):
    """uint8 [pictures, size, size, 4] and the caption rows."""
    rows = [json.loads(line) for line in (folder / "captions.jsonl").read_text("utf-8").splitlines()]
    pictures = [Image.open(folder / row["image"]).convert("RGBA").resize((size, size), Image.Resampling.BOX) for row in rows]
    return np.stack([np.asarray(picture) for picture in pictures]), rows


@torch.no_grad()
def picture_vectors(image, pictures, size: int):
    return torch.cat([image(augment.plain(torch.from_numpy(part), size)) for part in np.array_split(pictures, max(1, len(pictures) // 256))])


@torch.no_grad()
def text_vectors(text, texts: list[str], bags: Bags):
    return torch.cat([text(*bags(texts[start:start + 512])) for start in range(0, len(texts), 512)])


def ranks(queries, candidates, answers):
    """int64 [queries]: how many candidates are more similar than the answer (0 is first)."""
    similar = queries @ candidates.T
    return (similar > similar.gather(1, answers.unsqueeze(1))).sum(1)


def recall(rank, at=(1, 5, 10)) -> list[float]:
    return [round(100 * (rank < k).float().mean().item(), 1) for k in at]


def names_to_pictures(image, text, pictures, rows, size: int, bags: Bags, only=None) -> dict[str, list[float]]:
    """R@1, 5, 10 of each language's names over the whole gallery; only: bool [rows], the rows that are asked for."""
    candidates = picture_vectors(image, pictures, size)
    answers = torch.arange(len(rows)) if only is None else torch.from_numpy(np.flatnonzero(only))
    found = {}
    for language in ("en", "zh"):
        queries = text_vectors(text, [rows[i][f"caption_{language}"] for i in answers.tolist()], bags)
        found[language] = recall(ranks(queries, candidates, answers))
    return found
