"""A person's word on a reading, from the API to the training's input and a look at two models."""
import csv
import json
import shutil
import subprocess
import sys
import unittest

from flow import BUILD, ROOT, FlowTest

PREPARE = ROOT / "tools" / "train" / "prepare.py"
# What prepare.py made of the folder, seen with its own libraries.
LOOK = """
import json, sys, numpy
pack = numpy.load(sys.argv[1])
print(json.dumps({name: pack[name].tolist() for name in
                  ("photo_split", "photo_source", "photo_quad", "strip_position")}))
"""


def training_python():
    """A Python with the training's libraries, or None."""
    for python in (sys.executable, "/usr/bin/python3"):
        if subprocess.run([python, "-c", "import cv2, numpy"], capture_output=True).returncode == 0:
            return python
    return None


class Learn(FlowTest):
    def run_meterlens(self, *arguments):
        done = subprocess.run([BUILD / "meterlens", *map(str, arguments)], cwd=self.folder,
                              capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def corrected_reading(self):
        """A reading of a rendered meter, corrected to what the meter shows, and that."""
        self.stack.serve()
        self.rendered_meter("a", baud=0)
        self.stack.wait_online("a")
        # A wheel that turns just then may be read as its neighbour: another photo, then.
        for _ in range(8):
            command, _ = self.take_photo("a")
            truth = self.truths("a")[-1]["digits"]
            path = f"/readings/{command['reading']}"
            before = self.stack.get(path)
            _, jpeg = self.stack.request("GET", f"/photos/{command['photo']}.jpg")
            (self.folder / "shot.jpg").write_bytes(jpeg)
            alone = json.loads(self.run_meterlens("read", "--json", "shot.jpg"))
            if before["digits"] == alone.get("digits") == truth:
                break
        edit = {"version": before["version"], "verdict": "manual", "digits": truth,
                "reviewer": "ann", "reason": "seen on the photo"}
        status, after = self.stack.request("PATCH", path, edit)
        self.assertEqual(status, 200, after)
        self.assertEqual((after["verdict"], after["digits"]), ("manual", truth))
        self.assertEqual(after["review"]["seen"]["digits"], before["digits"])
        status, late = self.stack.request("PATCH", path, edit)
        self.assertEqual((status, late["error"]["code"]), (409, "conflict"))
        self.assertEqual(self.stack.get(path), after)
        return after, truth

    def test_a_correction_becomes_training_data(self):
        reading, truth = self.corrected_reading()
        config = self.folder / "meterlens.toml"
        self.run_meterlens("export", "--config", config, "--out", "own")
        rows = list(csv.DictReader((self.folder / "own" / "labels.csv").read_text().splitlines()))
        self.assertEqual(len(rows), 1)
        row = rows[0]
        self.assertEqual((row["label"], row["all_accepted"], row["meter"]), (truth, truth, "a"))
        exported = (self.folder / "own" / row["file"]).read_bytes()
        _, served = self.stack.request("GET", f"/photos/{reading['photo']}.jpg")
        self.assertEqual(exported, served)
        self.assertTrue((self.folder / "own" / row["strip"]).read_bytes().startswith(b"\xff\xd8"))
        self.assertEqual(len(row["quad"].split()), 8)
        self.assert_compares(config, truth)
        self.assert_prepares(row, truth)

    def assert_compares(self, config, truth):
        models = shutil.copytree(ROOT / "reader" / "models", self.folder / "older")
        report = json.loads(self.run_meterlens("evaluate", "--stored", "--config", config,
                                               "--against", models, "--json"))
        self.assertGreaterEqual(report["old"]["n"], 1, report)
        self.assertEqual(report["new"]["labelled"], 1, report)
        self.assertEqual(report["photos"], [])
        text = self.run_meterlens("evaluate", "--labels", "own/labels.csv", "--against", models,
                                  "--curve", "curve.csv")
        self.assertIn("0 photos differ", text)
        curve = (self.folder / "curve.csv").read_text().splitlines()
        self.assertEqual(curve[0], "threshold,coverage,risk")
        mirrored = json.loads(self.run_meterlens("evaluate", "--labels", "own/labels.csv",
                                                 "--mirror", "--json"))
        self.assertEqual((mirrored["n"], mirrored["read"]), (1, 0))

    def assert_prepares(self, row, truth):
        python = training_python()
        if python is None:
            self.skipTest("no Python with cv2 and numpy here: prepare.py was not tried")
        # A row without a window gets the one that the reader finds.
        (self.folder / "own" / "labels.csv").write_text(
            f"file,label,quad,meter\n{row['file']},{truth},{row['quad']},a\n"
            f"{row['file']},{truth},,b\n{row['file']},{truth[:-1]},,c\n{row['file']},,,d\n")
        made = self.folder / "prepared.npz"
        subprocess.run([python, PREPARE, "--data", "own", "--out", made, "--program",
                        BUILD / "meterlens"], cwd=self.folder, check=True, capture_output=True)
        look = subprocess.run([python, "-c", LOOK, made], check=True, capture_output=True).stdout
        pack = json.loads(look)
        self.assertEqual(pack["photo_source"], ["own", "own"])
        self.assertLessEqual(set(pack["photo_split"]), {"train", "calibration"})
        for position in pack["strip_position"]:
            seen = "".join(str(round(p)) for p in position if p >= 0)
            self.assertEqual(seen, truth)
        drawn, found = pack["photo_quad"]
        for (x, y), (u, v) in zip(drawn, found):
            self.assertLess(abs(x - u) + abs(y - v), 3)


if __name__ == "__main__":
    unittest.main()
