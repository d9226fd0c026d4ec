"""Reads labelled sets and writes one prepared file, prepared.npz.

Each --data is a folder with the known sets in it, or a set of its own: a folder with labels.csv
(file, label, [all_accepted], [quad], [red], [meter or device]), as `meterlens export` writes it.
A row without quad gets the window that the built program finds, if it reads the label there.

Every picture is kept as JPEG bytes: whole photos (at most 448 px), straightened strips of the
counter
window with a margin, and single wheels. Splits are by reading or by meter group, never by frame:
  test         iaoqian readings 500-599, jorvkve readings that start with 4; never used to choose
  anything
  calibration  iaoqian 600-699 and 800-899, jorvkve starting with 7, the anhkhoitran counter crops,
               the haverland groups in HELD_GROUPS: thresholds and checkpoints are chosen here
  train        all others
Of a set of its own, a hash of the meter's name (without one: of the label) puts one meter in ten
into calibration. The calibration photos are listed beside the prepared file, in calibration/, for
`meterlens evaluate`.
"""
import argparse
import csv
import glob
import hashlib
import json
import os
import subprocess
import sys

import cv2
import numpy as np

import files
import layout

HELD_GROUPS = (
    "collected/watermeter/pp",
    "collected/powermeter/betar/1",
    "collected/watermeter/Unknown/iotson/watermeter2",
    "collected/powermeter/unknown/timm",
)
PHOTO_SIDE = 448
UNKNOWN = -2  # how many wheels are decimals
HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAM = os.path.join(HERE, "../../build/release/meterlens")


def rows(folder):
    with open(os.path.join(folder, "labels.csv"), encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


def jpeg(image, quality):
    return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]


def accepted_positions(label, accepted):
    """Wheel positions of a label; a wheel accepted as d and as d+1 stands half-way, at d.5."""
    positions = []
    for index, digit in enumerate(label):
        seen = {int(text[index]) for text in accepted if len(text) == len(label)}
        if len(seen) == 2:
            low, high = sorted(seen)
            low = 9 if (low, high) == (0, 9) else low
            positions.append(low + 0.5)
        elif len(seen) > 2:
            return None
        else:
            positions.append(float(digit))
    return positions


def box_quad(boxes, rise=0.68):
    """The counter window around a row of digit boxes [[x0, y0, x1, y1], ...] sorted by x; `rise`
    is half
    its height in box heights."""
    boxes = np.asarray(boxes, float)
    centre_x, centre_y = (boxes[:, 0] + boxes[:, 2]) / 2, (boxes[:, 1] + boxes[:, 3]) / 2
    slope, level = np.polyfit(centre_x, centre_y, 1)
    pitch, height = np.diff(centre_x).mean(), (boxes[:, 3] - boxes[:, 1]).mean()
    along = np.array([1, slope]) / np.hypot(1, slope)
    up = np.array([-along[1], along[0]]) * height * rise
    left = np.array([centre_x[0], slope * centre_x[0] + level]) - along * pitch * 0.56
    right = np.array([centre_x[-1], slope * centre_x[-1] + level]) + along * pitch * 0.56
    return np.array([left - up, right - up, right + up, left + up])


class Collector:
    def __init__(self):
        self.photos, self.strips, self.wheels = [], [], []
        self.held = {}

    def hold(self, path, row, split, source):
        """Lists a calibration photo for the figures after training."""
        if split == "calibration":
            accepted = row.get("all_accepted") or row["label"]
            line = [os.path.abspath(path), row["label"], accepted, row.get("red", "")]
            self.held.setdefault(source, []).append(line)

    def photo(self, image, quad, split, source):
        scale = min(1.0, PHOTO_SIDE / max(image.shape[:2]))
        small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        self.photos.append((jpeg(small, 84), quad * scale, split, source))

    def strip(self, image, quad, positions, split, source, decimals):
        strip = jpeg(layout.straighten(image, quad), 90)
        self.strips.append((strip, positions, split, source, decimals))


def iaoqian(data, out):
    folder = os.path.join(data, "e2e_iaoqian_water")
    for row in rows(folder):
        image = cv2.imread(os.path.join(folder, row["file"]))
        quad = np.array(row["quad"].split(), float).reshape(4, 2)
        hundred = int(row["label"]) // 100
        split = "test" if hundred == 5 else "calibration" if hundred in (6, 8) else "train"
        positions = accepted_positions(row["label"], row["all_accepted"].split())
        out.hold(os.path.join(folder, row["file"]), row, split, "iaoqian")
        out.photo(image, quad, split, "iaoqian")
        if positions:
            out.strip(image, quad, positions, split, "iaoqian", 0)


def jorvkve(data, out):
    folder = os.path.join(data, "e2e_jorvkve_power_street")
    # What the set's labels lack, as people saw it on the photos.
    with open(os.path.join(HERE, "jorvkve_decimals.csv"), encoding="utf-8") as file:
        decimals = {row["label"]: int(row["decimals"]) for row in csv.DictReader(file)}
    for row in rows(folder):
        image = cv2.imread(os.path.join(folder, row["file"]))
        boxes = sorted((box[1:] for box in json.loads(row["digit_boxes"])), key=lambda box: box[0])
        quad = box_quad(boxes)
        split = {"4": "test", "7": "calibration"}.get(row["label"][0], "train")
        out.hold(os.path.join(folder, row["file"]), row, split, "jorvkve")
        out.photo(image, quad, split, "jorvkve")
        positions = [float(digit) for digit in row["label"]]
        out.strip(image, quad, positions, split, "jorvkve", decimals.get(row["label"], UNKNOWN))


def anhkhoitran(data, out):
    folder = os.path.join(data, "boxes_anhkhoitran_power")
    spans = []
    for row in rows(folder):
        if row["what"] != "counter_crop":
            continue
        image = cv2.imread(os.path.join(folder, row["file"]))
        boxes = sorted(json.loads(row["boxes"]), key=lambda box: box[1])
        spans.append((boxes[0][1] / image.shape[1], boxes[-1][3] / image.shape[1]))
        if len(boxes) >= 5 and all(box[0] != "NaN" for box in boxes):
            quad = box_quad([box[1:] for box in boxes], 0.36)
            positions = [float(box[0]) for box in boxes]
            out.strip(image, quad, positions, "calibration", "anhkhoitran", UNKNOWN)
    left, right = np.median(spans, axis=0)
    for row in rows(folder):
        if row["what"] != "whole_photo":
            continue
        image = cv2.imread(os.path.join(folder, row["file"]))
        for name, x0, y0, x1, y1 in json.loads(row["boxes"]):
            if name == "counter":
                a, b = x0 + (x1 - x0) * left, x0 + (x1 - x0) * right
                y0, y1 = (
                    y0 + (y1 - y0) * 0.14,
                    y1 - (y1 - y0) * 0.14,
                )  # these boxes stand off the digits
                out.photo(
                    image,
                    np.array([[a, y0], [b, y0], [b, y1], [a, y1]], float),
                    "train",
                    "anhkhoitran",
                )


def haverland(data, out):
    folder = os.path.join(data, "digits_haverland")
    for row in rows(folder):
        if row["kind"] == "nan":
            continue
        image = cv2.imread(os.path.join(folder, row["file"]))
        if image is None or min(image.shape[:2]) < 12:
            continue
        split = "calibration" if row["group"] in HELD_GROUPS else "train"
        small = cv2.resize(image, (32, 48), interpolation=cv2.INTER_AREA)
        out.wheels.append((small, float(row["label"]), row["group"], split))


def split_of(meter):
    """The same for every frame of a meter, today and in a later training."""
    return "calibration" if hashlib.sha256(meter.encode()).digest()[0] % 10 == 0 else "train"


def found_windows(paths, program):
    """What the reader says of each photo, by path: (digits, window)."""
    if paths and not os.access(program, os.X_OK):
        sys.exit(f"{len(paths)} photos have no quad, and {program} is no program that finds them: "
                 "tools/build release makes it, --program names another")
    lines = []
    for start in range(0, len(paths), 500):
        command = [program, "read", "--json", *paths[start : start + 500]]
        lines += subprocess.run(command, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    answers = map(json.loads, lines)
    return {a["file"]: (a["digits"], a["window"]) for a in answers if a.get("digits")}


def is_reading(row):
    row["label"] = (row["label"] or "").strip()
    return row["label"].isdigit() and 3 <= len(row["label"]) <= layout.WHEELS_MAX


def decimals_of(row):
    decimals = (row.get("red") or "").strip()
    return int(decimals) if decimals.isdigit() else UNKNOWN


def labelled(folder, out, program):
    """A set of its own: a folder with labels.csv."""
    source = os.path.basename(os.path.abspath(folder))
    every = rows(folder)
    if every and not {"file", "label"} <= every[0].keys():
        sys.exit(f"{folder}/labels.csv has no columns file and label")
    known = [row for row in every if is_reading(row)]
    path_of = {id(row): os.path.join(folder, row["file"]) for row in known}
    found = found_windows([path_of[id(row)] for row in known if not row.get("quad")], program)
    no_photo = no_window = 0
    for row in known:
        path = path_of[id(row)]
        accepted = (row.get("all_accepted") or row["label"]).split()
        split = split_of(row.get("meter") or row.get("device") or row["label"])
        quad = (row.get("quad") or "").split()
        digits, window = found.get(path, ("", None))
        if not quad and digits in accepted:
            quad = [number for corner in window for number in corner]
        image = cv2.imread(path)
        if image is None:
            no_photo += 1
            continue
        out.hold(path, row, split, source)
        if len(quad) != 8:
            no_window += 1
            continue
        quad = np.array(quad, float).reshape(4, 2)
        out.photo(image, quad, split, source)
        positions = accepted_positions(row["label"], accepted)
        if positions:
            out.strip(image, quad, positions, split, source, decimals_of(row))
    print(
        f"{source}: {len(every)} rows, {len(every) - len(known)} of them without a label of 3 to "
        f"{layout.WHEELS_MAX} digits, {no_photo} without photo, {no_window} without window"
    )


KNOWN_SETS = {
    "e2e_iaoqian_water": iaoqian,
    "e2e_jorvkve_power_street": jorvkve,
    "boxes_anhkhoitran_power": anhkhoitran,
    "digits_haverland": haverland,
}


def read_folder(folder, out, program):
    there = [name for name in KNOWN_SETS if os.path.isdir(os.path.join(folder, name))]
    if os.path.exists(os.path.join(folder, "labels.csv")):
        labelled(folder, out, program)
    elif not there:
        sys.exit(f"{folder} has neither labels.csv nor one of {', '.join(KNOWN_SETS)}")
    else:
        for name in there:
            KNOWN_SETS[name](folder, out)
            print(name, len(out.photos), len(out.strips), len(out.wheels), flush=True)


def write_held(folder, held):
    os.makedirs(folder, exist_ok=True)
    for before in glob.glob(os.path.join(folder, "*.csv")):
        os.remove(before)
    for source, lines in held.items():
        with open(os.path.join(folder, source + ".csv"), "w", encoding="utf-8") as file:
            csv.writer(file).writerows([["file", "label", "all_accepted", "red"], *lines])


def pack(items):
    """A list of byte strings as one array and its offsets."""
    if not items:
        return np.zeros(0, np.uint8), np.zeros(0, np.int64)
    ends = np.cumsum([len(item) for item in items])
    return np.concatenate([np.frombuffer(bytes(item), np.uint8) for item in items]), ends


def mosaics(wheels):
    """Wheels of 32x48 packed 64 to a picture, which saves their JPEG headers."""
    pages = []
    for start in range(0, len(wheels), 64):
        page = np.zeros((384, 256, 3), np.uint8)
        for index, wheel in enumerate(wheels[start : start + 64]):
            y, x = 48 * (index // 8), 32 * (index % 8)
            page[y : y + 48, x : x + 32] = wheel
        pages.append(jpeg(page, 88))
    return pages


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, nargs="+")
    parser.add_argument("--program", default=PROGRAM, help="meterlens, to find missing windows")
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    out = Collector()
    for folder in args.data:
        read_folder(folder, out, args.program)
    write_held(os.path.join(os.path.dirname(os.path.abspath(args.out)), "calibration"), out.held)
    arrays = {}
    pages = mosaics([item[0] for item in out.wheels])
    pictures = (
        ("photo", [item[0] for item in out.photos]),
        ("strip", [item[0] for item in out.strips]),
        ("page", pages),
    )
    for name, items in pictures:
        arrays[name + "_bytes"], arrays[name + "_ends"] = pack(items)
    arrays["photo_quad"] = np.array([item[1] for item in out.photos], np.float32).reshape(-1, 4, 2)
    arrays["photo_split"] = np.array([item[2] for item in out.photos])
    arrays["photo_source"] = np.array([item[3] for item in out.photos])
    arrays["strip_position"] = np.array(
        [list(item[1]) + [-1.0] * (9 - len(item[1])) for item in out.strips], np.float32
    ).reshape(-1, layout.WHEELS_MAX)
    arrays["strip_decimals"] = np.array([item[4] for item in out.strips], np.int8)
    arrays["strip_split"] = np.array([item[2] for item in out.strips])
    arrays["strip_source"] = np.array([item[3] for item in out.strips])
    arrays["wheel_position"] = np.array([item[1] for item in out.wheels], np.float32)
    groups = sorted({item[2] for item in out.wheels})
    arrays["wheel_group"] = np.array([groups.index(item[2]) for item in out.wheels], np.int16)
    arrays["wheel_train"] = np.array([item[3] == "train" for item in out.wheels])
    files.save(args.out, arrays, np.savez_compressed)


if __name__ == "__main__":
    main()
