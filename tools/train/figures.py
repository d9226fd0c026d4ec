#!/usr/bin/env python3
"""Prints what models read of the calibration photos, a line a set.

Usage: figures.py --models OUT --labels WORK/calibration
The sets are the lists that prepare.py writes, and rendered photos where meterlens-face is built.
Nets that OUT lacks are those of reader/models. These figures choose checkpoints; those to be
reported are of photos that never chose anything (`tools/bench/run reader`).
"""
import argparse
import json
import pathlib
import shutil
import subprocess
import tempfile

from checksums import list_checksum

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "release"
RENDERED_SEEDS = (527, 557, 587, 507)
RENDERED_COUNT = 75  # a seed


def evaluate(labels, models, *more):
    """The report of `meterlens evaluate` as a dictionary."""
    out = subprocess.run([BUILD / "meterlens", "evaluate", "--json", "--labels", labels, "--models",
                          models, *more], check=True, capture_output=True, text=True)
    return json.loads(out.stdout)


def render(folder, seed, hardness, count, *more):
    """labels.csv of rendered photos; `more`: further options of meterlens-face."""
    subprocess.run([BUILD / "meterlens-face", "--seed", str(seed), "--hardness", str(hardness),
                    "--count", str(count), *more, "--out", folder], check=True,
                   stdout=subprocess.DEVNULL)
    return folder / "labels.csv"


def line(name, report):
    n = report["n"]
    return (f"| {name} | {n} | {report['exact']} ({100 * report['exact'] / n:.1f} %) | "
            f"{report['read']} ({100 * report['read'] / n:.1f} %) | {report['wrong_while_read']} |")


HEADER = ("| set | n | exact | read | a certain wheel wrong while read |\n"
          "|---|---|---|---|---|")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", required=True, type=pathlib.Path)
    parser.add_argument("--labels", required=True, type=pathlib.Path)
    args = parser.parse_args()
    if not (BUILD / "meterlens").exists():
        print("no figures: build the program first (tools/build release)")
        return
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        models = shutil.copytree(ROOT / "reader" / "models", folder / "models")
        for model in args.models.glob("*.onnx"):
            list_checksum(shutil.copy(model, models))
        print(HEADER)
        for labels in sorted(args.labels.glob("*.csv")):
            print(line(labels.stem, evaluate(labels, models)), flush=True)
        if (BUILD / "meterlens-face").exists():
            for seed in RENDERED_SEEDS:
                labels = render(folder / str(seed), seed, 1.0, RENDERED_COUNT)
                print(line(f"rendered {seed}", evaluate(labels, models)), flush=True)


if __name__ == "__main__":
    main()
