#!/usr/bin/env python3
"""Fits the corrections of reader/trust.cpp, and the limit of risk in reader/trust.h, on
photos that were not trained on.

Usage: calibrate.py --labels LABELS:SPLIT[:MODELS] ... [--none FOLDER] [--models MODELS]
MODELS of its own: nets that were trained without that kind of photos (train.py --leave-out), so
that all of them can be used.
Every photo is read as it is and in `copies` worse copies (defocus, noise, dark, glare, small,
strong JPEG), so that faults are seen by the hundred; also mirrored, and photos of FOLDER, which
show no meter. Prints:
  * wheel: log odds that a wheel's digit is right, from what the two nets say of it;
  * alone: the same, from what the wheel's net says of its own digit;
  * mirrored: log odds that the row is not a mirror image;
  * register: log odds that it is a whole register, and not some other printing;
  * display: log odds that an LCD's digits are its whole number, where there are LCDs in a set;
    their mirror images weigh as much as they;
all by logistic regression with every set weighing the same, and how often the corrected odds
come true, set by set, when the set itself was left out of the fit;
  * risk: of several limits of the risk of one reading, how many photos would be `read`, how many
    of those wrong, and how many expected to be wrong, set by set, again with the set itself left
    out. The limit to take is the largest that keeps within --target the share that is wrong among
    all that would be `read`. Photos whose label is wrong can be left out by --skip.
"""
import argparse
import csv
import json
import os
import pathlib
import re
import subprocess
import tempfile

import cv2
import numpy as np

WORSE = "worse-"  # begins the name of a worse copy
TESTED, ALWAYS = -1, -2  # photos without a meter: one half to test with, one in every fit
NONE_SHARE, MIRRORED_SHARE = 0.05, 0.01  # of all photos: cameras are mostly aimed at meters
COUNT_SURE, EVENNESS_LEAST = 0.7, 0.55  # nothing else is read: as in reader/decide.cpp
MIRRORED_MOST = 0.25
LIMITS = (0.003, 0.005, 0.008, 0.01, 0.012, 0.015, 0.02, 0.03, 0.04, 0.06, 0.08, 0.1, 0.15, 0.2)
ODDS_MOST = 12  # as in reader/trust.cpp
ALONE_ODDS_MOST = 6  # there 4.3: beyond, the set that is worst when left out is no better
ROOT = pathlib.Path(__file__).resolve().parents[2]
WHEEL = ("one", "stronger", "weaker", "contradict", "contradicting_sum")
ALONE = ("one", "odds")
MIRRORED = ("one", "whole", "mirrored")
REGISTER = ("one", "whole", "nothing", "located")
DISPLAY = ("one", "whole")


def parts_of(argument):
    """LABELS, SPLIT and MODELS of its own or None."""
    labels, split, models = (*argument.split(":"), "", "")[:3]
    return labels, split, models or None


def photos_of(argument):
    labels, split, _ = parts_of(argument)
    for row in csv.DictReader(open(labels, encoding="utf-8-sig")):
        if row["label"] and re.search(split, row["label"]):
            accepted = (row.get("all_accepted") or row["label"]).split()
            yield str(pathlib.Path(labels).parent / row["file"]), set(accepted) | {row["label"]}


def worse(image, rng):
    """One fault or two, of the kinds that cameras on meters have."""
    scale = max(image.shape[:2]) / 1024
    for kind in rng.permutation(6)[: rng.integers(1, 3)]:
        if kind == 0:
            image = cv2.GaussianBlur(image, (0, 0), scale * rng.uniform(0.6, 3.5))
        elif kind == 1:
            noise = rng.normal(0, rng.uniform(4, 28), image.shape)
            image = np.clip(image + cv2.GaussianBlur(noise, (0, 0), 0.7), 0, 255).astype(np.uint8)
        elif kind == 2:
            image = (image * rng.uniform(0.12, 0.5)).astype(np.uint8)
        elif kind == 3:
            height, width = image.shape[:2]
            y, x = np.mgrid[:height, :width] / max(height, width)
            middle, size = rng.uniform(0.2, 0.8, 2), rng.uniform(0.03, 0.15)
            spot = np.exp(-((x - middle[0]) ** 2 + (y - middle[1]) ** 2) / size**2)
            image = np.clip(image + spot[..., None] * rng.uniform(60, 250), 0, 255).astype(np.uint8)
        elif kind == 4:
            factor = rng.uniform(0.3, 0.7)
            image = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        else:
            quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(8, 35))]
            image = cv2.imdecode(cv2.imencode(".jpg", image, quality)[1], cv2.IMREAD_COLOR)
    return image


def write(folder, name, image):
    path = os.path.join(folder, f"{name}.jpg")
    cv2.imwrite(path, image, [cv2.IMWRITE_JPEG_QUALITY, 92])
    return path


def answers(files, models):
    command = [ROOT / "build/release/meterlens", "read", "--json", "--evidence"]
    command += ["--models", models] if models else []
    lines = []
    for start in range(0, len(files), 500):
        some = command + files[start : start + 500]
        lines += subprocess.run(some, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    return [json.loads(line) for line in lines]


def gather(arguments, folder):
    """[(set, accepted readings or None for what must not be read, the reader's answer)]"""
    rng = np.random.default_rng(5)
    jobs = []
    for name, argument in enumerate(arguments.labels):
        for file, accepted in photos_of(argument):
            if re.search(arguments.skip, file):
                continue
            jobs.append((name, accepted, file))
            image = cv2.imread(file)
            for _ in range(arguments.copies):
                worse_name = f"{WORSE}{len(jobs)}"
                jobs.append((name, accepted, write(folder, worse_name, worse(image, rng))))
            jobs.append((name, None, write(folder, len(jobs), image[:, ::-1])))
    empty = sorted(pathlib.Path(arguments.none).rglob("*.jpg")) if arguments.none else []
    for number, file in enumerate(empty):
        jobs.append((ALWAYS if number % 2 else TESTED, None, str(file)))
    own = [parts_of(argument)[2] or arguments.models for argument in arguments.labels]
    of_job = [own[name] if name >= 0 else arguments.models for name, *_ in jobs]
    results = {}
    for models in set(of_job):
        rows = [row for row, its in enumerate(of_job) if its == models]
        results |= zip(rows, answers([jobs[row][2] for row in rows], models), strict=True)
    return [(*job[:2], results[row]) for row, job in enumerate(jobs)]


def nearest(digits, accepted):
    same = [text for text in accepted if len(text) == len(digits)]
    return max(same, key=lambda text: sum(a == b for a, b in zip(text, digits)), default=None)


def odds(p):
    p = np.clip(p, 1e-9, 1 - 1e-9)
    return np.clip(np.log(p / (1 - p)), -ODDS_MOST, ODDS_MOST)


def wheel_signs(both_odds):
    """Two regimes: both nets are for the digit, or one of them is against it."""
    weaker, stronger = sorted(np.clip(both_odds, -ODDS_MOST, ODDS_MOST))
    if weaker < 0:
        return 1, 0, 0, 1, stronger + weaker
    return 1, stronger, weaker, 0, 0


def labelled_wheels(gathered):
    """(set, whether the digit is right, its odds, whether of a worse copy)"""
    for name, accepted, answer in gathered:
        seen = answer.get("evidence")
        truth = nearest(answer.get("digits", ""), accepted) if accepted and seen else None
        if truth is None:
            continue
        for digit, right, wheel in zip(answer["digits"], truth, answer["wheels"]):
            turning = 0.25 < wheel["position"] % 1 < 0.75
            if turning and wheel is answer["wheels"][-1]:
                continue  # which digit it counts as is a convention
            yield name, digit == right, wheel["odds"], is_worse(answer)


def wheel_rows(gathered):
    for name, right, both_odds, copy in labelled_wheels(gathered):
        yield name, right, wheel_signs(both_odds), copy


def alone_rows(gathered):
    """The wheel's net against whom the row's had its way was for another digit, taken for wrong."""
    for name, right, (_, odds_of_wheel), copy in labelled_wheels(gathered):
        signs = 1, min(abs(odds_of_wheel), ALONE_ODDS_MOST)
        yield name, right and odds_of_wheel > 0, signs, copy


def whole_register(accepted, answer):
    """Whether the digits are those of the whole register; None: nobody can say, or not asked."""
    seen = answer.get("evidence")
    if not seen or seen["count"] < COUNT_SURE or seen["evenness"] < EVENNESS_LEAST:
        return None
    truth = nearest(answer["digits"], accepted) if accepted else None
    share = np.mean([a == b for a, b in zip(truth, answer["digits"])]) if truth else 0
    return None if truth and share < 0.6 else bool(share >= 0.6)  # between: only hard to read


def is_worse(answer):
    return os.path.basename(answer["file"]).startswith(WORSE)


def is_mirrored(name, accepted):
    return accepted is None and name >= 0


def is_display(answer):
    return answer.get("display") == "lcd"


def display_rows(gathered):
    for name, accepted, answer in gathered:
        right = whole_register(accepted, answer)
        if is_display(answer) and right is not None and name >= 0:
            yield name, right, signs_of(answer, DISPLAY), is_worse(answer)


def mirrored_rows(gathered):
    for name, accepted, answer in gathered:
        right = None if is_display(answer) else whole_register(accepted, answer)
        if right or (right is not None and is_mirrored(name, accepted)):
            yield name, right, signs_of(answer, MIRRORED), is_worse(answer)


def register_rows(gathered):
    for name, accepted, answer in gathered:
        right = None if is_display(answer) else whole_register(accepted, answer)
        if right is not None and not is_mirrored(name, accepted):
            yield name, right, signs_of(answer, REGISTER), is_worse(answer)


def signs_of(answer, columns):
    return [1, *(odds(answer["evidence"][sign]) for sign in columns[1:])]


def weights_of(rows, photos_false, false_share):
    """Each set of meters weighs the same, its worse copies as much as the photos as they came; the
    false photos of all sets, also those that were dismissed before they came to be rows, weigh
    `false_share` of everything together."""
    group, right, _, copy = (np.array(part) for part in zip(*rows))
    weight = np.zeros(len(rows))
    for one in set(group):
        for part in (copy, ~copy):
            inside = (group == one) & part
            weight[inside] = 1 / max(1, (inside & right).sum())
    if photos_false:
        own = ~right & (group < 0) if (group < 0).any() else ~right
        weight[own] = false_share / (1 - false_share) * weight[right].sum() / photos_false
    return weight * len(right) / weight.sum()


def fit(x, right, weight):
    """Logistic regression with a little ridge, by Newton's method."""
    w = np.zeros(x.shape[1])
    for _ in range(60):
        p = 1 / (1 + np.exp(-x @ w))
        slope = x.T @ (weight * (p - right)) + 0.5 * w
        curve = (x * (weight * p * (1 - p))[:, None]).T @ x + 0.5 * np.eye(len(w))
        step = np.linalg.solve(curve, slope)
        w -= step / max(1.0, np.abs(step).max())
    return w


def left_out(x, right, group, weight):
    """{set: the fit without it}; None: with all of them."""
    fits = {None: fit(x, right, weight)}
    for one in set(group):
        rest = group != one
        fits[one] = fit(x[rest], right[rest], weight[rest]) if rest.any() else fits[None]
    return fits


def table(name, x, right, group, fits):
    """How often corrected odds come true; each set by a fit without it."""
    found = np.zeros(len(right))
    for one in sorted(set(group)):
        inside = group == one
        found[inside] = x[inside] @ fits[one]
    found[group == ALWAYS] = -98
    edges = [-99, 0, 2, 4, 5, 6, 7, 8, 99]
    print(f"{name}: set, then of each band of log odds: wrong/all; expected wrong")
    for one in [*sorted(set(group)), None]:
        cells = []
        for low, high in zip(edges, edges[1:]):
            inside = (found >= low) & (found < high) & ((group == one) if one is not None else True)
            wait = (1 / (1 + np.exp(found[inside]))).sum()
            wrong = int((~right[inside]).sum())
            cells.append(f"{low}..{high}: {wrong}/{inside.sum()};{wait:.1f}")
        print("  ", "all" if one is None else one, "  ".join(cells))


def report(name, columns, rows, photos_false=0, false_share=0.0):
    group, right, x, _ = (np.array(part) for part in zip(*rows))
    x = x.astype(float)
    fits = left_out(x, right, group, weights_of(rows, photos_false, false_share))
    table(name, x, right, group, fits)
    for column, value in zip(columns, fits[None]):
        print(f"{name} {column} = {value:.4f}")
    return fits


def probability(log_odds):
    return 1 / (1 + np.exp(-log_odds))


class Trusted:
    """One answer as the reader would judge it with the given fits; as in reader/decide.cpp."""

    def __init__(self, answer, accepted, fits):
        seen, wheels = answer["evidence"], answer["wheels"]
        parts = {"mirrored": MIRRORED, "register": REGISTER}
        whole = 1.0
        for part, columns in ({"display": DISPLAY} if is_display(answer) else parts).items():
            # of a kind that no set has nothing is known
            whole *= probability(signs_of(answer, columns) @ fits[part]) if part in fits else 0
        signs = np.array([wheel_signs(wheel["odds"]) for wheel in wheels])
        right = probability(signs @ fits["wheel"])
        if wheels[-1]["confidence"] <= 0.5:
            right[-1] = min(right[-1], 0.5)  # it turns
        self.right = whole * np.cumprod(right)
        self.sound = (
            len(wheels) >= 4
            and seen["count"] >= COUNT_SURE
            and seen["evenness"] >= EVENNESS_LEAST
            and seen["mirrored"] <= MIRRORED_MOST
        )
        self.digits, self.accepted = answer["digits"], accepted or set()

    def read(self, limit):
        """None, or whether a certain wheel is wrong and how likely that was."""
        certain = int((self.right >= 1 - limit).sum())
        if not self.sound or certain < max(2, len(self.digits) - 2):
            return None
        same = any(len(text) == len(self.digits) and text[:certain] == self.digits[:certain]
                   for text in self.accepted)
        return not same, 1 - self.right[certain - 1]


def report_risk(gathered, fits, target):
    """What each limit gives, of photos as they came; the largest that holds."""
    photos = {}
    for name, accepted, answer in gathered:
        if is_worse(answer):
            continue
        there = answer.get("evidence") and answer["wheels"]
        own = {part: fit.get(name, fit[None]) for part, fit in fits.items()}
        key = "mirrored" if is_mirrored(name, accepted) else "none" if name < 0 else name
        photos.setdefault(key, []).append(Trusted(answer, accepted, own) if there else None)
    count = sum(len(some) for key, some in photos.items() if key not in ("mirrored", "none"))
    none_weight = NONE_SHARE / (1 - NONE_SHARE) * count / max(1, len(photos.get("none", ())))
    best = None
    for limit in LIMITS:
        cells, expectations, wrong_all, read_all = [], [], 0, 0
        for name, trusted in sorted(photos.items(), key=str):
            outcomes = [one.read(limit) for one in trusted if one]
            outcomes = [outcome for outcome in outcomes if outcome]
            wrong, expected = (sum(column) for column in zip(*outcomes)) if outcomes else (0, 0)
            cells.append(f"{name}: {wrong}/{len(outcomes)} of {len(trusted)};{expected:.2f}")
            if name == "none":
                continue
            wrong_all, read_all = wrong_all + wrong, read_all + len(outcomes)
            if outcomes and name != "mirrored":
                expectations.append(expected / len(outcomes))
        outcomes = [one.read(limit) for one in photos.get("none", ()) if one]
        wrong_all += sum(outcome is not None for outcome in outcomes) * none_weight
        holds = read_all > 0 and wrong_all <= target * read_all
        share = np.mean(expectations) if expectations else 0
        best = limit if holds else best
        note = "" if holds else " (too much)"
        print(f"risk {limit:g}{note} {share:.2%} expected  " + "  ".join(cells))
    print(f"risk_most = {best}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--labels", nargs="+", required=True)
    parser.add_argument("--none")
    parser.add_argument("--models")
    parser.add_argument("--skip", default="$^", help="pattern of files whose label is wrong")
    parser.add_argument("--copies", type=int, default=4)
    parser.add_argument("--target", type=float, default=0.005, help="share of `read` that is wrong")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        gathered = gather(arguments, folder)
    report_all(gathered, arguments.target)


def report_all(gathered, target):
    count_false = {kind: 0 for kind in ("mirrored", "none")}
    for name, accepted, _ in gathered:
        if accepted is None:
            count_false["mirrored" if name >= 0 else "none"] += 1
    parts = {
        "wheel": (WHEEL, wheel_rows, 0, 0.0),
        "mirrored": (MIRRORED, mirrored_rows, count_false["mirrored"], MIRRORED_SHARE),
        "register": (REGISTER, register_rows, count_false["none"], NONE_SHARE),
        "display": (DISPLAY, display_rows, 0, 0.0),
    }
    fits = {}
    for name, (columns, rows_in, *false) in parts.items():
        rows = list(rows_in(gathered))
        if rows:
            fits[name] = report(name, columns, rows, *false)
    report("alone", ALONE, list(alone_rows(gathered)))
    report_risk(gathered, fits, target)


if __name__ == "__main__":
    main()
