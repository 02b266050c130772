"""The numbers of the model card, measured on an exported folder.

    python -m mini.card MODEL --gallery FOLDER [--data DATA] [--texts FOLDER] [--teacher FOLDER] > card.json
"""
import argparse
import json
import time
from pathlib import Path

import numpy as np
import onnxruntime
import torch

from . import augment, data, evaluate, search
from .features import ids
from .pairs import embed, jsonl

WANTED = {
    "black cat": "🐈‍⬛", "黑猫": "🐈‍⬛", "red apple": "🍎", "红苹果": "🍎", "birthday": "🎂", "生日": "🎂", "rocket to space": "🚀",
}


class Exported:
    """An exported folder, run by ONNX Runtime on one thread."""

    def __init__(self, folder: Path):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        files = {kind: sorted((folder / "onnx").glob(f"{kind}_model*.onnx"))[-1] for kind in ("text", "vision")}
        self.text = onnxruntime.InferenceSession(str(files["text"]), options)
        self.vision = onnxruntime.InferenceSession(str(files["vision"]), options)
        self.size = json.loads((folder / "preprocessor_config.json").read_text("utf-8"))["size"]["height"]

    def texts(self, texts: list[str]) -> np.ndarray:
        rows = [ids(text) or [0] for text in texts]
        order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
        found = np.zeros((len(rows), 256), np.float32)
        for start in range(0, len(order), 128):
            part = order[start:start + 128]
            width = max(len(rows[i]) for i in part)
            padded = np.array([rows[i] + [0] * (width - len(rows[i])) for i in part], np.int64)
            found[part] = self.text.run(None, {"input_ids": padded})[0]
        return found

    def pictures(self, pictures: np.ndarray) -> np.ndarray:
        parts = np.array_split(pictures, max(1, len(pictures) // 128))
        return np.concatenate([self.vision.run(None, {"pixel_values": self.pixels(part)})[0] for part in parts])

    def pixels(self, pictures: np.ndarray) -> np.ndarray:
        return augment.plain(torch.from_numpy(pictures), self.size).numpy()


def rounded(rank: np.ndarray) -> list[float]:
    return [round(search.recall(rank, at), 1) for at in (1, 5, 10)]


def text_to_picture(model: Exported, gallery: Path, held: set[str]) -> dict:
    pictures, rows = evaluate.gallery(gallery)
    candidates = model.pictures(pictures)
    unseen = np.array([concept_of(row["emoji"]) in held for row in rows])
    found: dict = {"pictures": len(rows), "unseen": int(unseen.sum())}
    for language in ("en", "zh"):
        for kind, texts in (("name", [r[f"caption_{language}"] for r in rows]),
                            ("keywords", [" ".join(r[f"keywords_{language}"]) for r in rows])):
            rank = search.ranks(model.texts(texts) @ candidates.T, np.arange(len(rows)))
            found[f"{language} {kind}"] = rounded(rank)
            if unseen.any():
                found[f"{language} {kind}, seen concepts"] = rounded(rank[~unseen])
                found[f"{language} {kind}, concepts never trained on"] = rounded(rank[unseen])
    found["wanted"] = wanted(model, candidates, rows)
    return found


def concept_of(emoji: str) -> str:
    return "-".join(f"{ord(c):04x}".zfill(4) for c in emoji if c != "\ufe0f")


def wanted(model: Exported, candidates: np.ndarray, rows: list[dict]) -> dict[str, list]:
    """For each query the rank (from 1) of the wanted picture, and the names of the first five."""
    found = {}
    index = {concept_of(row["emoji"]): i for i, row in enumerate(rows)}
    for query, emoji in WANTED.items():
        order = np.argsort(-(candidates @ model.texts([query])[0]))
        at = index.get(concept_of(emoji))
        found[query] = [None if at is None else int(np.flatnonzero(order == at)[0]) + 1, [rows[i]["caption_en"] for i in order[:5]]]
    return found


def picture_to_picture(model: Exported, loaded: data.Data) -> dict[str, list[float]]:
    """A picture of each other style, the same concept's picture in the test style as answer."""
    where = {style: np.flatnonzero(loaded.style == style) for style in sorted(set(loaded.style.tolist()))}
    vectors = {style: model.pictures(loaded.pictures[rows]) for style, rows in where.items()}
    target = data.TEST_STYLES[0]
    index = {int(c): i for i, c in enumerate(loaded.concept[where[target]])}
    found = {}
    for style, rows in where.items():
        if style in data.TEST_STYLES:
            continue
        known = [k for k, row in enumerate(rows) if int(loaded.concept[row]) in index]
        answers = np.array([index[int(loaded.concept[rows[k]])] for k in known])
        found[style] = rounded(search.ranks(vectors[style][known] @ vectors[target].T, answers))
    return found


def sets(folder: Path) -> dict[str, tuple[list[str], list[str], np.ndarray]]:
    """Name: queries, documents, the answer's index for each query. Development halves end in ' dev'."""
    found = {}
    pubmed = folder / "pubmedqa-l"
    corpus, queries = jsonl(pubmed / "corpus.jsonl"), jsonl(pubmed / "queries.jsonl")
    at = {row["_id"]: i for i, row in enumerate(corpus)}
    found["pubmedqa-l"] = [q["text"] for q in queries], [d["text"] for d in corpus], np.array([at[q["_id"][1:]] for q in queries])
    medical = folder / "cmed-qa"
    documents, asked = jsonl(medical / "docs.jsonl"), jsonl(medical / "queries.jsonl")
    at = {f"q{row['id']}": i for i, row in enumerate(documents)}
    found["cmed-qa"] = [q["text"] for q in asked], [d["question"] for d in documents], np.array([at[q["_id"]] for q in asked])
    cmrc = folder / "cmrc2018"
    passages = jsonl(cmrc / "corpus.jsonl")
    at = {row["_id"]: i for i, row in enumerate(passages)}
    for part, name in (("trial", "cmrc2018 dev"), ("dev", "cmrc2018")):
        relevant = dict(line.split("\t")[:2] for line in (cmrc / f"qrels/{part}.tsv").read_text("utf-8").splitlines()[1:])
        rows = jsonl(cmrc / f"queries.{part}.jsonl")
        found[name] = [q["text"] for q in rows], [f"{p['title']} {p['text']}" for p in passages], np.array([at[relevant[q["_id"]]] for q in rows])
    return found


def compared(queries, documents, answers, vectors, weight: float) -> dict:
    """R@1 and R@10 of BM25, of the tower, and of both, with the paired interval of both minus BM25."""
    words = search.BM25(documents)
    lexical = np.stack([words.scores(query) for query in queries])
    dense = vectors(queries) @ vectors(documents).T
    rank = {"bm25": search.ranks(lexical, answers), "tower": search.ranks(dense, answers),
            "hybrid": search.ranks(search.standard(lexical) + weight * search.standard(dense), answers)}
    found: dict = {name: [search.recall(r, 1), search.recall(r, 10)] for name, r in rank.items()}
    for at in (1, 10):
        found[f"hybrid - bm25 @{at}"] = search.bootstrap(rank["bm25"] < at, rank["hybrid"] < at)
    return found


def intents(folder: Path, vectors) -> float:
    """Share of banking77's test questions whose nearest training question has their intent."""
    train, test = jsonl(folder / "banking77/train.jsonl"), jsonl(folder / "banking77/test.jsonl")
    nearest = (vectors([r["text"] for r in test]) @ vectors([r["text"] for r in train]).T).argmax(1)
    return round(100 * float(np.mean([train[i]["intent"] == row["intent"] for i, row in zip(nearest, test)])), 2)


def chosen_weight(folder: Path, vectors) -> float:
    """The weight of the tower beside BM25 that is best on cmrc2018's trial questions and cmed-qa's training titles."""
    queries, documents, answers = sets(folder)["cmrc2018 dev"]
    rows = jsonl(folder / "cmed-qa/docs.jsonl")
    tested = {line.split("\t")[1] for line in (folder / "cmed-qa/qrels/test.tsv").read_text("utf-8").splitlines()[1:]}
    titles = [i for i, row in enumerate(rows) if row["id"] not in tested and row["question"] not in row["desc"]][:1000]
    parts = [(queries, documents, answers), ([rows[i]["desc"] for i in titles], [r["question"] for r in rows], np.array(titles))]
    scores = []
    for asked, searched, right in parts:
        words = search.BM25(searched)
        scores.append((search.standard(np.stack([words.scores(q) for q in asked])),
                       search.standard(vectors(asked) @ vectors(searched).T), right))
    weights = [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0]
    return max(weights, key=lambda w: sum(search.recall(search.ranks(a + w * b, right), 1) for a, b, right in scores))


def text_tables(folder: Path, towers: dict) -> dict:
    found: dict = {}
    for name, vectors in towers.items():
        weight = chosen_weight(folder, vectors)
        found[name] = {"weight": weight, "banking77": intents(folder, vectors)}
        for data_set, (queries, documents, answers) in sets(folder).items():
            if not data_set.endswith(" dev"):
                found[name][data_set] = compared(queries, documents, answers, vectors, weight)
    train, test = jsonl(folder / "banking77/train.jsonl"), jsonl(folder / "banking77/test.jsonl")
    words = search.BM25([r["text"] for r in train])
    hits = [train[int(words.scores(row["text"]).argmax())]["intent"] == row["intent"] for row in test]
    found["bm25"] = {"banking77": round(100 * float(np.mean(hits)), 2)}
    return found


def rate(work, count: int, seconds: float = 2.0) -> int:
    """Items per second over at least `seconds`."""
    began, done = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        work()
        done += count
    return round(done / (time.perf_counter() - began))


def speed(model: Exported, gallery: Path) -> dict[str, int]:
    pictures, rows = evaluate.gallery(gallery)
    pixels = model.pixels(pictures[:64])
    padded = [ids(row["caption_en"])[:32] for row in rows[:64]]
    width = max(len(row) for row in padded)
    batch = np.array([row + [0] * (width - len(row)) for row in padded], np.int64)
    return {"pictures per second": rate(lambda: model.vision.run(None, {"pixel_values": pixels}), 64),
            "short texts per second": rate(lambda: model.text.run(None, {"input_ids": batch}), 64)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--gallery", type=Path, required=True)
    for folder in ("data", "texts", "teacher"):
        parser.add_argument(f"--{folder}", type=Path)
    parser.add_argument("--everything", action="store_true", help="the model was trained on every style and concept")
    options = parser.parse_args()
    model = Exported(options.model)
    card: dict = {"bytes": sum(file.stat().st_size for file in options.model.rglob("*") if file.is_file())}
    loaded = None if options.data is None else data.load(options.data)
    held = set() if loaded is None or options.everything else {t["id"] for t, out in zip(loaded.texts, loaded.held_out) if out}
    card["text to picture"] = text_to_picture(model, options.gallery, held)
    if loaded is not None:
        card["picture to picture"] = picture_to_picture(model, loaded)
    if options.texts is not None:
        towers = {"mini": model.texts}
        if options.teacher is not None:
            towers["teacher"] = lambda texts: embed(options.teacher, texts).astype(np.float32)
        card["text to text"] = text_tables(options.texts, towers)
    card["speed of one thread"] = speed(model, options.gallery)
    print(json.dumps(card, ensure_ascii=False, indent=1))


if __name__ == "__main__":
    main()
