#!/usr/bin/env python3
"""The guides' pictures: each that a guide shows is there, each that is there is shown, in both
languages alike; and pictures.json, by which they are taken, names the same and pages that exist."""
import json
import pathlib
import re
import unittest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
DOCS = ROOT / "docs"
BYTES_MAX = 1_000_000
LANGUAGES = ("en", "zh")
DRAWN = {"wiring.svg", "mounting.svg"}  # by hand


def shown(language):
    """[what it says, path] of every picture of the language's guides."""
    texts = [path.read_text() for path in sorted((DOCS / language).glob("*.md"))]
    return [pair for text in texts for pair in re.findall(r"!\[([^\]]*)\]\(([^)]+)\)", text)]


def there(language):
    return {path.name for path in (DOCS / "pictures" / language).iterdir()}


class Pictures(unittest.TestCase):
    def test_every_picture_of_a_guide_is_there_and_every_one_there_is_shown(self):
        for language in LANGUAGES:
            names = set()
            for said, path in shown(language):
                self.assertTrue(said, f"{path} says nothing to who cannot see it")
                self.assertEqual(path.rpartition("/")[0], f"../pictures/{language}", path)
                names.add(path.rpartition("/")[2])
            self.assertEqual(names, there(language), language)

    def test_both_languages_have_the_same(self):
        self.assertEqual(there("en"), there("zh"))

    def test_pictures_are_those_that_are_taken_of_pages_that_exist(self):
        taken = json.loads((HERE / "pictures.json").read_text())
        self.assertEqual({f"{name}.webp" for name in taken} | DRAWN, there("en"))
        source = (ROOT / "console/src/pages.ts").read_text()
        pages = set(re.findall(r'page: "([^"]*)"', source))
        self.assertGreater(len(pages), 5)
        for name, one in taken.items():
            self.assertIn(one["hash"].split("/")[0], pages, name)

    def test_they_are_small_and_what_they_say_they_are(self):
        files = [path for path in (DOCS / "pictures").rglob("*") if path.is_file()]
        self.assertLess(sum(path.stat().st_size for path in files), BYTES_MAX)
        for path in files:
            head = path.read_bytes()[:16]
            good = head[8:12] == b"WEBP" if path.suffix == ".webp" else head.startswith(b"<svg")
            self.assertTrue(good, path)


if __name__ == "__main__":
    unittest.main()
