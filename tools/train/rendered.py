"""Chunk files from the program meterlens-face: photos with known windows, wheels and tenths.

Like generate.py, with the project's own renderer in place of the drawing here. Seeds used for
training
start at 1,000,000, so that `meterlens-face --seed` below that stays unseen.
"""
import argparse
import csv
import json
import os
import shutil
import subprocess

import cv2
import numpy as np

import layout
import photo as photos
from generate import PHOTOS, Strips, run_workers, save

SEED_LEAST = 1_000_000


def render(program, fonts, folder, seed, kinds):
    """Draws PHOTOS photos of one seed; the seed also chooses size, difficulty, whether fonts are
    used and, where there are several, the kind."""
    rng = np.random.default_rng(seed)
    width, height = [(640, 480), (800, 600), (1024, 768), (480, 640)][rng.integers(0, 4)]
    command = [
        program,
        "--out",
        folder,
        "--seed",
        str(seed),
        "--count",
        str(PHOTOS),
        "--hardness",
        f"{rng.choice([0.2, 0.5, 0.8, 1.0]):.1f}",
        "--width",
        str(width),
        "--height",
        str(height),
    ]
    if fonts and rng.random() < 0.6:
        command += ["--fonts", fonts]
    command += ["--kind", kinds[rng.integers(len(kinds))] if len(kinds) > 1 else kinds[0]]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    with open(os.path.join(folder, "labels.csv"), encoding="utf-8") as file:
        return list(csv.DictReader(file))


def false_windows(reader, folder, rows):
    """What the present reader takes for a counter where there is none: {file: window}."""
    files = [row["file"] for row in rows if row["display"] == "none"]
    if not reader or not files:
        return {}
    command = [*reader, "read", "--json", *(os.path.join(folder, file) for file in files)]
    lines = subprocess.run(command, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    answers = map(json.loads, lines)
    return {
        file: np.array(answer["window"], np.float32)
        for file, answer in zip(files, answers, strict=True)
        if answer.get("digits")
    }


def hidden_places(row):
    """Places left of an LCD's digits that its window spans, or seems to: mostly none."""
    rng = np.random.default_rng(int(row["label"]))
    room = layout.WHEELS_MAX - len(row["label"])
    return int(rng.integers(0, room + 1)) if rng.random() < 0.5 else 0


def with_hidden(quad, share):
    """A window that is longer on its left by this share of its width."""
    top, bottom = (quad[0] - quad[1]) * share, (quad[3] - quad[2]) * share
    return np.float32([quad[0] + top, quad[1], quad[2], quad[3] + bottom])


def chunk(folder, rows, reader=None, display="wheels"):
    images, quads, strips = [], [], Strips()
    wrong = false_windows(reader, folder, rows)
    for row in rows:
        picture = cv2.imread(os.path.join(folder, row["file"]))
        quad = np.full((4, 2), np.nan, np.float32)
        if row["quad"]:
            quad = np.array(row["quad"].split(), np.float32).reshape(4, 2)
        if row["file"] in wrong:
            quad = wrong[row["file"]]
            strips.add(layout.straighten(picture, quad), np.zeros(0), np.zeros(0), 0)
        if row["display"] == display:
            positions = np.array(row["positions"].split(), float) / 10
            hidden = hidden_places(row) if display == "lcd" else 0
            count, wide = len(positions) + hidden, layout.RIGHT - layout.LEFT
            centres = layout.LEFT + (hidden + np.arange(len(positions)) + 0.5) / count * wide
            window = with_hidden(quad, hidden / len(positions))
            strips.add(layout.straighten(picture, window), positions, centres, int(row["red"]))
        scale = photos.OUT / max(picture.shape[:2])
        small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        square = np.zeros((photos.OUT, photos.OUT, 3), np.uint8)
        square[: small.shape[0], : small.shape[1]] = small[: photos.OUT, : photos.OUT]
        images.append(square)
        quads.append(quad * scale)
    photo = {
        "image": np.array(images),
        "quad": np.array(quads, np.float32),
        "false": np.array([row["file"] in wrong for row in rows]),
    }
    return photo, strips.arrays() if strips.rows else None


def work(args, worker):
    cv2.setNumThreads(1)
    for number in range(worker, args.chunks, args.processes):
        folder = os.path.join(args.out, f".render{number}")
        rows = render(args.program, args.fonts, folder, args.seed + number, args.kinds)
        photo, strips = chunk(folder, rows, args.reader, args.display)
        shutil.rmtree(folder)
        if number < args.photo_chunks:
            save(args.out, f"photo{number:05d}", photo)
        if strips:
            save(args.out, f"strip{number:05d}", strips)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", required=True, help="the built meterlens-face")
    parser.add_argument("--fonts", help="folder of fonts for a part of the photos")
    parser.add_argument(
        "--kinds",
        nargs="+",
        default=["any"],
        help="kinds of meterlens-face, a chunk each; one named twice comes twice as often",
    )
    parser.add_argument(
        "--reader",
        nargs="+",
        help="the built meterlens and its options: windows that it wrongly finds become examples",
    )
    parser.add_argument(
        "--display", default="wheels", choices=["wheels", "lcd"], help="what strips are kept of"
    )
    parser.add_argument("--out", required=True)
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--chunks", type=int, default=160)
    parser.add_argument(
        "--photo-chunks",
        type=int,
        default=240,
        help="whole photos are kept of the first ones only",
    )
    parser.add_argument("--seed", type=int, default=SEED_LEAST)
    args = parser.parse_args()
    if args.seed < SEED_LEAST:
        parser.error(f"--seed: from {SEED_LEAST} on; what is below is for tests")
    os.makedirs(args.out, exist_ok=True)
    run_workers(work, args)


if __name__ == "__main__":
    main()
