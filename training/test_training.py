"""Needs PyTorch, ONNX and ONNX Runtime (requirements.txt); draws its own tiny pictures, so it needs no package of icons."""
import json
import tempfile
import unittest
from pathlib import Path

import numpy as np
import torch

from mini import augment, data, losses, search
from mini.card import Exported
from mini.export import export
from mini.texts import Pairs
from mini.train import Trainer, train

RECIPE = json.loads(Path(__file__).with_name("recipes").joinpath("smoke.json").read_text("utf-8"))
NUMBERS = ["one", "two", "three", "four", "five", "six", "seven", "eight"]
COLOURS = {"red": (220, 30, 30), "green": (30, 180, 60), "blue": (40, 70, 220), "black": (20, 20, 20)}


def draw_data(folder: Path):
    """Coloured bars: how many bars and which colour is the concept, their thickness is the style."""
    pictures, icons, concepts = [], [], {}
    for count, number in enumerate(NUMBERS, 1):
        for colour, rgb in COLOURS.items():
            concept = f"{count:04x}-{rgb[0]:04x}"
            concepts[concept] = {language: {"name": f"{number} {colour} bars", "tags": [number, colour]} for language in ("en", "zh")}
            for thickness, style in ((3, "thin"), (6, "thick")):
                picture = np.zeros((72, 72, 4), np.uint8)
                for bar in range(count):
                    picture[8:64, 4 + bar * 8:4 + bar * 8 + thickness] = (*rgb, 255)
                pictures.append(picture)
                icons.append({"style": style, "concept": concept})
    np.stack(pictures).tofile(folder / "icons.rgba")
    (folder / "icons.json").write_text(json.dumps({"size": 72, "icons": icons}))
    (folder / "concepts.json").write_text(json.dumps(concepts))
    pairs = {"wordnet": [[f"{n} of them", f"{n} pieces", n] for n in NUMBERS]}
    (folder / "pairs.json").write_text(json.dumps(pairs))


class Losses(unittest.TestCase):
    def setUp(self):
        torch.manual_seed(1)
        self.left, self.right = (torch.nn.functional.normalize(torch.randn(6, 8), dim=1) for _ in range(2))
        self.scale = torch.tensor(2.0)

    def test_symmetric_is_the_mean_cross_entropy_of_rows_and_columns(self):
        logits = self.left @ self.right.T * self.scale.exp()
        target = torch.arange(6)
        wanted = (torch.nn.functional.cross_entropy(logits, target) + torch.nn.functional.cross_entropy(logits.T, target)) / 2
        self.assertAlmostEqual(losses.symmetric(self.left, self.right, self.scale).item(), wanted.item(), places=5)

    def test_a_pair_that_matches_as_well_is_no_negative(self):
        also = torch.zeros(6, 6, dtype=torch.bool)
        also[0, 1] = True
        moved = self.right.clone()
        moved[1] = self.left[0]
        row = losses.spread(self.left @ moved.T * 9, also, 0.0)
        plain = losses.spread(self.left @ moved.T * 9, torch.zeros_like(also), 0.0)
        self.assertLess(row.item(), plain.item())

    def test_the_hardest_negative_is_never_the_positive(self):
        self.assertEqual(losses.hardest_negative(torch.eye(4), torch.eye(4)).item(), 0.0)
        swapped = torch.eye(4)[[1, 0, 2, 3]]
        self.assertAlmostEqual(losses.hardest_negative(torch.eye(4), swapped).item(), 0.6, places=5)

    def test_a_margin_makes_the_same_answer_cost_more(self):
        self.assertGreater(losses.symmetric(self.left, self.left, self.scale, margin=0.3).item(),
                           losses.symmetric(self.left, self.left, self.scale).item())

    def test_distillation_costs_nothing_more_when_the_student_is_the_teacher(self):
        self.assertLess(losses.distillation(self.left, self.left).item(), 1e-5)
        self.assertGreater(losses.distillation(self.right, self.left).item(), 0.1)


class Search(unittest.TestCase):
    def test_bm25_prefers_the_document_with_the_rare_word(self):
        found = search.BM25(["a cat and a dog", "a dog", "a dog and a cow"]).scores("cat dog")
        self.assertEqual(found.argmax(), 0)

    def test_of_equal_scores_the_earlier_document_comes_first(self):
        self.assertEqual(search.ranks(np.zeros((2, 3)), np.array([0, 2])).tolist(), [0, 2])

    def test_the_paired_interval_of_no_difference_is_zero(self):
        hits = np.array([True, False] * 20)
        self.assertEqual(search.bootstrap(hits, hits), (0.0, 0.0))


class Training(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name)
        draw_data(self.path)

    def tearDown(self):
        self.folder.cleanup()

    def trainer(self, **changes) -> Trainer:
        return Trainer(data.load(self.path, everything=True), RECIPE | changes, Pairs(self.path))

    def test_a_minute_of_training_learns_and_exports_what_it_learned(self):
        trainer = self.trainer()
        train(trainer, self.path, None)
        lines = [json.loads(line) for line in (self.path / "log.jsonl").read_text().splitlines()]
        self.assertEqual(lines[-1]["step"], trainer.steps)
        self.assertGreater(self.found_first(trainer), 8 / 32)
        self.compare(trainer, small=False, within=1e-4)
        self.compare(trainer, small=True, within=2e-2)

    @torch.no_grad()
    def found_first(self, trainer: Trainer) -> float:
        """Share of the 32 names whose picture is the nearest; chance is 1 / 32."""
        model, loaded = trainer.model.eval(), trainer.pictures.loaded
        pictures = model.image(augment.plain(torch.from_numpy(loaded.pictures[::2]), 32))
        names = model.text(*trainer.bags([loaded.texts[c]["en"]["name"] for c in loaded.concept[::2]]))
        return float(((names @ pictures.T).argmax(1) == torch.arange(32)).float().mean())

    def compare(self, trainer: Trainer, small: bool, within: float):
        folder = self.path / f"model-{small}"
        export(self.path / "checkpoint.pt", folder, small)
        exported, model = Exported(folder), trainer.model.eval()
        texts = ["two red bars", "黑色", "", "eight blue bars " * 20]
        pictures = trainer.pictures.loaded.pictures[:5]
        with torch.no_grad():
            words = model.text(*trainer.bags(texts)).numpy()
            seen = model.image(augment.plain(torch.from_numpy(pictures), exported.size)).numpy()
        np.testing.assert_allclose(exported.texts(texts), words, atol=within)
        np.testing.assert_allclose(exported.pictures(pictures), seen, atol=within)

    def test_a_resumed_run_ends_where_an_uninterrupted_one_does(self):
        stages = [{"size": 24, "steps": 8, "texts": 0.0}]
        whole = self.trainer(stages=stages, simcse=2, bf16=False)
        for _ in range(8):
            whole.advance()
        cut = self.trainer(stages=stages, simcse=2, bf16=False)
        for _ in range(4):
            cut.advance()
        cut.save(self.path / "half.pt")
        resumed = self.trainer(stages=stages, simcse=2, bf16=False)
        resumed.resume(self.path / "half.pt")
        for _ in range(4):
            resumed.advance()
        for name, value in whole.model.state_dict().items():
            torch.testing.assert_close(resumed.model.state_dict()[name], value, rtol=1e-4, atol=1e-5, msg=name)

    def test_a_recipe_with_text_pairs_needs_them(self):
        with self.assertRaisesRegex(ValueError, "mini.pairs"):
            Trainer(data.load(self.path, everything=True), RECIPE)

    def test_concepts_that_are_held_out_are_in_no_batch(self):
        loaded = data.load(self.path)
        loaded.held_out[3] = True
        loaded.train &= ~loaded.held_out[loaded.concept]
        trainer = Trainer(loaded, RECIPE, Pairs(self.path))
        self.assertNotIn(3, trainer.pictures.concepts)


if __name__ == "__main__":
    unittest.main()
