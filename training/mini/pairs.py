"""Texts that mean the same, for the text tower: words and their glosses, same-intent questions, titles and longer wordings.

    python -m mini.pairs DATA --wordnet FOLDER [--banking FOLDER] [--medical FOLDER] [--teacher FOLDER]

Writes DATA/pairs.json, and with a teacher (a sentence encoder in hub layout) DATA/teacher.npy beside DATA/teacher.json.
Only training parts are read: banking77's train file, and the documents of cmed-qa that no test query belongs to.
"""
import argparse
import json
import random
import re
import sys
from pathlib import Path

import numpy as np

GROUPS = {"wordnet": 192, "banking": 64, "medical": 64, "answers": 64}
"""Rows that each source gives to a batch; a row of the same group is no negative."""


def jsonl(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def wordnet(folder: Path, most: int) -> list[list[str]]:
    """[word, gloss without examples, word]: at most `most`, drawn by a fixed seed."""
    found = []
    for part in ("noun", "verb", "adj", "adv"):
        for line in (folder / f"data.{part}").read_text("utf-8").splitlines():
            if line.startswith("  "):
                continue
            head, gloss = line.split(" | ", 1)
            fields = head.split(" ")
            words = [re.sub(r"\(.*\)$", "", fields[4 + 2 * i]).replace("_", " ") for i in range(int(fields[3], 16))]
            found += [[word, gloss.split("; \"")[0].strip(), word] for word in words]
    return random.Random(1).sample(found, min(most, len(found)))


def banking(folder: Path) -> list[list[str]]:
    """[question, another question of the intent, intent]"""
    by_intent: dict[str, list[str]] = {}
    for row in jsonl(folder / "train.jsonl"):
        by_intent.setdefault(row["intent"], []).append(row["text"])
    chance = random.Random(1)
    return [[text, chance.choice(texts), intent] for intent, texts in by_intent.items() for text in texts for _ in range(2)]


def medical(folder: Path) -> tuple[list[list[str]], list[list[str]]]:
    """[title, longer wording, id] and [title, answer, id] of the documents that no test query belongs to."""
    tested = {line.split("\t")[1] for line in (folder / "qrels/test.tsv").read_text("utf-8").splitlines()[1:]}
    rows = [row for row in jsonl(folder / "docs.jsonl") if row["id"] not in tested]
    return [[r["question"], r["desc"], r["id"]] for r in rows], [[r["question"], r["answer"], r["id"]] for r in rows]


def embed(folder: Path, texts: list[str]) -> np.ndarray:
    """float16 [texts, dimensions], mean pooled over the tokens, unit length."""
    import onnxruntime
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_truncation(128)
    tokenizer.no_padding()
    session = onnxruntime.InferenceSession(str(folder / "onnx/model_quantized.onnx"))
    wanted = {item.name for item in session.get_inputs()}
    encoded = [encoding.ids for encoding in tokenizer.encode_batch(texts)]
    order = sorted(range(len(texts)), key=lambda i: len(encoded[i]))
    vectors = np.zeros((len(texts), 384), np.float16)
    for start in range(0, len(order), 64):
        rows = order[start:start + 64]
        width = max(len(encoded[i]) for i in rows)
        ids = np.array([encoded[i] + [0] * (width - len(encoded[i])) for i in rows], np.int64)
        mask = np.array([[1] * len(encoded[i]) + [0] * (width - len(encoded[i])) for i in rows], np.int64)
        inputs = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        hidden = session.run(None, {name: value for name, value in inputs.items() if name in wanted})[0]
        mean = (hidden * mask[..., None]).sum(1) / mask.sum(1, keepdims=True)
        vectors[rows] = mean / np.linalg.norm(mean, axis=1, keepdims=True)
        if start % 6400 == 0:
            print(f"teacher: {start} of {len(texts)}", file=sys.stderr, flush=True)
    return vectors


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    for source in ("wordnet", "banking", "medical", "teacher"):
        parser.add_argument(f"--{source}", type=Path)
    parser.add_argument("--words", type=int, default=60_000)
    options = parser.parse_args()
    pairs: dict[str, list[list[str]]] = {}
    if options.wordnet is not None:
        pairs["wordnet"] = wordnet(options.wordnet, options.words)
    if options.banking is not None:
        pairs["banking"] = banking(options.banking)
    if options.medical is not None:
        pairs["medical"], pairs["answers"] = medical(options.medical)
    (options.data / "pairs.json").write_text(json.dumps(pairs, ensure_ascii=False), "utf-8")
    print({source: len(rows) for source, rows in pairs.items()}, flush=True)
    if options.teacher is not None:
        captions = json.loads((options.data / "concepts.json").read_text("utf-8")).values()
        texts = {text for source in ("wordnet", "banking") for row in pairs.get(source, []) for text in row[:2]}
        texts |= {text for entry in captions for text in [entry["en"]["name"], *entry["en"]["tags"]]}
        ordered = sorted(texts)
        np.save(options.data / "teacher.npy", embed(options.teacher, ordered))
        (options.data / "teacher.json").write_text(json.dumps(ordered, ensure_ascii=False), "utf-8")


if __name__ == "__main__":
    main()
