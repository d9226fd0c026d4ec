"""Reads the sets of single wheels and writes wheels.npz, beside prepared.npz, for the wheel net.

Every wheel is kept at 32x48 in JPEG mosaics of 64. Split by group, as in prepare.py; the few
LCD crops of digits_jomjol_extra are held out, too (`held_lcd`). Crops labelled NaN are left out:
the sets call a half-turned wheel NaN, which to us is a wheel like any other.
"""
import argparse
import os

import cv2
import numpy as np

import files
import prepare

SETS = ("digits_haverland", "digits_jomjol_extra")
LCD_GROUPS = ("collected/lcd", "LandisGyr", "Metrona", "liflitz")
MIXED_GROUPS = ("ziffer_raw", "jomjol_extra")  # wheels and LCDs, not told apart


def is_lcd(group):
    """1 or 0; -1 where nobody knows."""
    if any(name in group for name in LCD_GROUPS):
        return 1
    return -1 if any(name in group for name in MIXED_GROUPS) else 0


def group_of(row, name):
    if name == "digits_haverland":
        return row["group"]
    return "held_lcd" if row["kind"] == "tenth" else "jomjol_extra"


def wheels(data, name):
    folder = os.path.join(data, name)
    for row in prepare.rows(folder):
        image = None if row["kind"] == "nan" else cv2.imread(os.path.join(folder, row["file"]))
        if image is None or min(image.shape[:2]) < 12:
            continue
        group = group_of(row, name)
        lcd = 1 if group == "held_lcd" else is_lcd(group)
        # an integer names the nearest digit only, but an LCD shows nothing between two
        exact = row["kind"] == "tenth" or lcd == 1
        position = float(row["label"]) % 10
        small = cv2.resize(image, (32, 48), interpolation=cv2.INTER_AREA)
        yield small, round(position) % 10 if lcd == 1 else position, exact, lcd, group


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, nargs="+")
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    found = []
    for data in args.data:
        for name in SETS:
            if os.path.isdir(os.path.join(data, name)):
                found += wheels(data, name)
    if not found:
        parser.error(f"--data: none of {', '.join(SETS)} in it, which the wheel net is made of")
    held = (*prepare.HELD_GROUPS, "held_lcd")
    data, ends = prepare.pack(prepare.mosaics([item[0] for item in found]))
    arrays = {
        "page_bytes": data,
        "page_ends": ends,
        "position": np.array([item[1] for item in found], np.float32),
        "exact": np.array([item[2] for item in found]),
        "lcd": np.array([item[3] for item in found], np.int8),
        "group": np.array([item[4] for item in found]),
        "train": np.array([item[4] not in held for item in found]),
    }
    files.save(args.out, arrays, np.savez_compressed)
    print(len(found), "wheels of", len({item[4] for item in found}), "groups")


if __name__ == "__main__":
    main()
