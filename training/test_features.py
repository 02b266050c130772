import unittest

from mini.features import PARAMETERS, features, fnv1a, ids


class Features(unittest.TestCase):
    def test_fnv1a_gives_the_published_values(self):
        self.assertEqual([fnv1a(b""), fnv1a(b"a"), fnv1a(b"foobar")], [0x811C9DC5, 0xE40C292C, 0xBF9CF968])

    def test_text_without_words_has_no_ids(self):
        self.assertEqual([ids(""), ids(" \n"), ids("!?")], [[], [], []])

    def test_width_and_case_do_not_matter(self):
        self.assertEqual(ids("Ｂlack CAT"), ids("black cat"))

    def test_chinese_gives_characters_and_their_neighbours(self):
        self.assertEqual(features("黑猫"), ["h:黑", "h:猫", "h:黑猫"])

    def test_ids_of_many_scripts_stay_in_the_table(self):
        for text in ("red apple", "红apple苹果", "кошка", "قطة", "बिल्ली", "\ud800", "x " * 5000):
            found = ids(text)
            self.assertLessEqual(len(found), PARAMETERS["maxIds"])
            self.assertTrue(all(0 < i < PARAMETERS["buckets"] for i in found))


if __name__ == "__main__":
    unittest.main()
