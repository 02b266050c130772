"""Trains both towers by a recipe; writes a checkpoint that a later call resumes from.

    python -m mini.train DATA OUT --recipe recipe.json [--everything] [--gallery FOLDER] [--start CHECKPOINT]
"""
import argparse
import json
import math
import random
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn

from . import augment, data, evaluate, losses
from .features import PARAMETERS
from .texts import Bags, Captions, Pairs
from .towers import DIMENSIONS, ImageTower, TextTower

TEACHER_DIMENSIONS = 384
TAUGHT = 256
"""Texts of a batch that are compared with the teacher."""


class Model(nn.Module):
    def __init__(self, scale: float):
        super().__init__()
        self.image, self.text = ImageTower(), TextTower(PARAMETERS["buckets"])
        self.taught = nn.Linear(DIMENSIONS, TEACHER_DIMENSIONS)
        pairs = ("cross", "pictures", "texts", "pairs")
        self.scales = nn.ParameterDict({pair: nn.Parameter(torch.tensor(math.log(scale))) for pair in pairs})

    def groups(self, rate: float, decay: float):
        tables = [self.text.table.weight, self.text.share.weight]
        plain = [p for p in self.parameters() if p.ndim < 2 or p.ndim == 3]
        known = {id(p) for p in tables + plain}
        rest = [p for p in self.parameters() if id(p) not in known]
        return [{"params": rest, "lr": rate, "weight_decay": decay}, {"params": plain, "lr": rate, "weight_decay": 0.0},
                {"params": tables, "lr": 4 * rate, "weight_decay": 0.0}]


class Pictures:
    """Batches of concepts with two pictures each, of different styles where there are two."""

    def __init__(self, loaded: data.Data):
        self.loaded = loaded
        self.of: dict[int, list[int]] = {}
        for i in np.flatnonzero(loaded.train).tolist():
            self.of.setdefault(int(loaded.concept[i]), []).append(i)
        self.concepts = list(self.of)
        self.queue: list[int] = []

    def batch(self, n: int):
        if len(self.queue) < n:
            self.queue = random.sample(self.concepts, len(self.concepts))
        concepts, self.queue = self.queue[:n], self.queue[n:]
        pairs = [random.sample(self.of[c], 2) if len(self.of[c]) > 1 else self.of[c] * 2 for c in concepts]
        rows = [pair[0] for pair in pairs] + [pair[1] for pair in pairs]
        return concepts, torch.from_numpy(self.loaded.pictures[rows])


class Trainer:
    def __init__(self, loaded: data.Data, recipe: dict, pairs: Pairs | None = None):
        """recipe: see README.md; pairs: needed by stages whose "texts" weight is not 0."""
        if pairs is None and any(stage["texts"] > 0 for stage in recipe["stages"]):
            raise ValueError("the recipe has a stage with text pairs, and there is no pairs.json: run mini.pairs first")
        self.recipe = recipe
        self.pairs = pairs
        torch.manual_seed(recipe["seed"])
        random.seed(recipe["seed"])
        self.model = Model(recipe["scale"])
        self.model.image.to(memory_format=torch.channels_last)
        self.pictures = Pictures(loaded)
        self.size = min(recipe["concepts"], len(self.pictures.concepts))
        self.captions = Captions(loaded.texts, self.pictures.concepts)
        self.bags = Bags()
        self.optimizer = torch.optim.AdamW(self.model.groups(recipe["rate"], recipe["decay"]), betas=(0.9, 0.98), fused=True)
        self.base = [group["lr"] for group in self.optimizer.param_groups]
        self.steps = sum(stage["steps"] for stage in recipe["stages"])
        self.step = 0

    def stage(self) -> dict:
        left = self.step
        for stage in self.recipe["stages"]:
            if left < stage["steps"]:
                return stage
            left -= stage["steps"]
        return self.recipe["stages"][-1]

    def set_rate(self):
        warm = min(1.0, (self.step + 1) / self.recipe["warmup"])
        falling = 0.02 + 0.98 * (1 + math.cos(math.pi * self.step / self.steps)) / 2
        for group, base in zip(self.optimizer.param_groups, self.base):
            group["lr"] = base * warm * falling

    def picture_loss(self, stage: dict):
        r, n = self.recipe, self.size
        concepts, raw = self.pictures.batch(n)
        texts = [self.captions.draw(c, language) for language in ("en", "zh") for c in concepts]
        size = stage["size"]
        batch = augment.augmented(raw, size).contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16, enabled=r["bf16"]):
            seen = self.model.image(batch)
        first, second = seen.float().split(n)
        english, chinese = self.model.text(*self.bags(texts)).split(n)
        scales, margin, smoothing = self.model.scales, r["margin"], r["smoothing"]
        fits = {"en": self.captions.matching(texts[:n], concepts), "zh": self.captions.matching(texts[n:], concepts)}
        loss = 0.7 * losses.symmetric(first, second, scales["pictures"], smoothing=smoothing)
        for pictures in (first, second):
            for words, fit in ((english, fits["en"]), (chinese, fits["zh"])):
                loss = loss + 0.25 * losses.symmetric(words, pictures, scales["cross"], fit, margin, smoothing)
                if r["hardest"] > 0:
                    loss = loss + 0.25 * r["hardest"] * losses.hardest_negative(words, pictures, fit)
        return loss + r["languages"] * losses.symmetric(english, chinese, scales["texts"], fits["en"] | fits["zh"].T)

    def pair_loss(self, pairs: Pairs):
        left, right, same = pairs.batch()
        text, n = self.model.text, len(left)
        first, second = text(*self.bags(left + right)).split(n)
        loss = losses.symmetric(first, second, self.model.scales["pairs"], same)
        if self.recipe["teacher"] > 0 and pairs.taught:
            texts, wanted = pairs.taught_batch(TAUGHT)
            got = nn.functional.normalize(self.model.taught(text(*self.bags(texts))), dim=-1)
            loss = loss + self.recipe["teacher"] * losses.distillation(got, wanted)
        return loss

    def warm_loss(self):
        """The same caption twice with different features left out (SimCSE's dropout as noise, Gao et al. 2021)."""
        concepts = random.sample(self.pictures.concepts, self.size)
        texts = [self.captions.draw(c, random.choice(("en", "zh"))) for c in concepts]
        first, second = (self.model.text(*self.bags(texts, drop=0.2)) for _ in range(2))
        return losses.symmetric(first, second, self.model.scales["texts"], self.captions.matching(texts, concepts))

    def loss(self):
        if self.step < self.recipe["simcse"]:
            return self.warm_loss()
        stage = self.stage()
        loss = self.picture_loss(stage)
        if stage["texts"] > 0 and self.pairs is not None:
            loss = loss + stage["texts"] * self.pair_loss(self.pairs)
        return loss

    def advance(self) -> float:
        self.model.train()
        self.set_rate()
        loss = self.loss()
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 5.0)
        self.optimizer.step()
        self.step += 1
        return loss.item()

    def save(self, path: Path):
        state = {"model": self.model.state_dict(), "optimizer": self.optimizer.state_dict(), "step": self.step,
                 "queue": self.pictures.queue, "random": random.getstate(), "torch": torch.get_rng_state(), "recipe": self.recipe}
        torch.save(state, path.with_suffix(".part"))
        path.with_suffix(".part").replace(path)

    def resume(self, path: Path):
        state = torch.load(path, weights_only=False)
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step = state["step"]
        self.pictures.queue = state["queue"]
        random.setstate(state["random"])
        torch.set_rng_state(state["torch"])


def measure(trainer: Trainer, pictures, rows) -> dict:
    trainer.model.eval()
    size = trainer.stage()["size"]
    return evaluate.names_to_pictures(trainer.model.image, trainer.model.text, pictures, rows, size, trainer.bags)


def train(trainer: Trainer, out: Path, gallery):
    every, began, first, running = trainer.recipe["evaluate"], time.time(), trainer.step, 0.0
    while trainer.step < trainer.steps:
        running += trainer.advance()
        if trainer.step % every == 0 or trainer.step == trainer.steps:
            trainer.save(out / "checkpoint.pt")
            spent = time.time() - began
            line = {"step": trainer.step, "of": trainer.steps, "loss": round(running / every, 3), "seconds": round(spent),
                    "left": round(spent / (trainer.step - first) * (trainer.steps - trainer.step)), "size": trainer.stage()["size"],
                    "scales": {k: round(v.exp().item(), 1) for k, v in trainer.model.scales.items()}}
            if gallery is not None:
                line |= measure(trainer, *gallery)
            running = 0.0
            print(json.dumps(line), flush=True)
            with (out / "log.jsonl").open("a") as log:
                log.write(json.dumps(line) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--recipe", type=Path, required=True)
    parser.add_argument("--everything", action="store_true", help="train on every style and concept: the build that is shipped")
    parser.add_argument("--gallery", type=Path, help="folder with captions.jsonl that is evaluated while training")
    parser.add_argument("--start", type=Path, help="checkpoint whose weights are the start")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    options.out.mkdir(parents=True, exist_ok=True)
    pairs = Pairs(options.data) if (options.data / "pairs.json").exists() else None
    trainer = Trainer(data.load(options.data, options.everything), json.loads(options.recipe.read_text("utf-8")), pairs)
    checkpoint = options.out / "checkpoint.pt"
    if checkpoint.exists():
        trainer.resume(checkpoint)
        print(f"resumed at step {trainer.step}", flush=True)
    elif options.start is not None:
        trainer.model.load_state_dict(torch.load(options.start, weights_only=False)["model"])
    train(trainer, options.out, None if options.gallery is None else evaluate.gallery(options.gallery))


if __name__ == "__main__":
    main()
