#!/usr/bin/env python3
"""Fits the odds correction of reader/decide.cpp on photos that were not trained on.

Usage: calibrate.py --labels DATA/e2e_jorvkve_power_street/labels.csv --split '^7'
Reads the photos with build/release/meterlens, undoes the correction that is built in, and prints
slope and offset of log odds by logistic regression, wheel by wheel, with a table of what was there.
"""
import argparse
import csv
import json
import pathlib
import re
import subprocess

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
LEAST = 1e-9  # probabilities are clipped here, as in decide.cpp


def built_in():
    text = (ROOT / "reader" / "decide.cpp").read_text()
    return map(float, re.search(r"odds_slope = ([-\d.]+), odds_offset = ([-\d.]+)", text).groups())


def wheels(labels, split):
    """(right or wrong, confidence as the reader gives it) of every wheel."""
    rows = [row for row in csv.DictReader(open(labels)) if re.search(split, row["label"])]
    files = [str(pathlib.Path(labels).parent / row["file"]) for row in rows]
    lines = subprocess.run([ROOT / "build/release/meterlens", "read", "--json", *files],
                           capture_output=True, text=True).stdout.splitlines()
    for row, line in zip(rows, lines):
        answer = json.loads(line)
        accepted = (row.get("all_accepted") or row["label"]).split()
        digits = answer.get("digits", "")
        truth = digits if digits in accepted else accepted[0]
        if len(digits) != len(truth):
            continue
        for shown, digit, wheel in zip(digits, truth, answer["wheels"]):
            yield shown == digit, wheel["confidence"]


def fit(odds, right):
    slope, offset = 1.0, 0.0
    for _ in range(20000):
        error = 1 / (1 + np.exp(-(slope * odds + offset))) - right
        slope -= 0.05 * (error * odds).mean()
        offset -= 0.05 * error.mean()
    return slope, offset


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--labels", required=True)
    parser.add_argument("--split", default="")
    arguments = parser.parse_args()
    right, confidence = map(np.array, zip(*wheels(arguments.labels, arguments.split)))
    slope, offset = built_in()
    p = np.clip(confidence, 1e-7, 1 - 1e-7)
    odds = (np.log(p / (1 - p)) - offset) / slope
    odds = np.clip(odds, np.log(LEAST), -np.log(LEAST))
    for low, high in [(-99, 2), (2, 4), (4, 5.3), (5.3, 7), (7, 9), (9, 99)]:
        inside = (odds >= low) & (odds < high)
        print(f"log odds {low:>4} to {high:<4} {inside.sum():5} wheels, "
              f"{(~right[inside]).sum()} wrong")
    slope, offset = fit(odds, right)
    print(f"odds_slope = {slope:.3f}, odds_offset = {offset:.3f}")


if __name__ == "__main__":
    main()
