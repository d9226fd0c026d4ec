"""The table of the model card: photos by set, mirrored photos, single wheels, speed, memory.

Sets whose folder is not there are left out, and said so. Splits are as in tools/train/prepare.py.
"""
import csv
import itertools
import json
import os
import pathlib
import random
import re
import statistics
import subprocess
import sys

TRAIN = pathlib.Path(__file__).resolve().parents[1] / "train"
sys.path.insert(0, str(TRAIN))
from figures import BUILD, ROOT, render  # noqa: E402

MODELS = ROOT / "reader" / "models"
REAL = (  # name, part, folder, split
    ("iaoqian", "test", "e2e_iaoqian_water", "^005"),
    ("jorvkve", "test", "e2e_jorvkve_power_street", "^4"),
    ("iaoqian", "calibration", "e2e_iaoqian_water", "^00[68]"),
    ("jorvkve", "calibration", "e2e_jorvkve_power_street", "^7"),
)
RENDERED = (  # kind, seed, hardness, how many, further options of meterlens-face
    ("any", 77, 0.5, 300, ()),
    ("any", 78, 1.0, 300, ()),
    ("household", 79, 0.7, 300, ()),
    ("street", 80, 0.9, 300, ()),
    ("any", 81, 0.5, 10, ("--series", "30", "--width", "640", "--height", "480")),
    ("lcd", 82, 0.5, 100, ()),
    ("lcd", 83, 0.9, 150, ()),
)
NO_READING = (  # what must not be read
    ("no meter", 83, 0.5, 300, ("--kind", "none")),
    ("two meters", 84, 0.3, 100, ("--meters", "2")),
)
RISKS = (0, 0.005, 0.01, 0.02)


def evaluate(labels, *more):
    done = subprocess.run([BUILD / "meterlens", "evaluate", "--json", "--models", MODELS,
                           "--labels", labels, *more], capture_output=True, text=True)
    return json.loads(done.stdout) if done.returncode == 0 else sys.exit(done.stderr.strip())


def percent(part, whole):
    return f"{part} ({100 * part / whole:.1f} %)" if whole else "n/a"


def coverage_at(curve, risk):
    """The largest share of photos that can be given with at most this share of them wrong."""
    with open(curve, encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    good = [float(row["coverage"]) for row in rows if float(row["risk"]) <= risk]
    return f"{100 * max(good, default=0):.1f} %"


def photo_sets(folder, data):
    """(name, part, labels.csv, arguments) of every set that there is."""
    for name, part, set_folder, split in REAL:
        labels = data / set_folder / "labels.csv"
        if labels.exists():
            yield f"{name} `{split}`", part, labels, ("--split", split)
        else:
            print(f"(no {labels})")
    boxes = data / "boxes_anhkhoitran_power"
    if boxes.exists():
        yield "anhkhoitran, whole photos", "calibration", unseen_make(folder, boxes), ()
    for kind, seed, hardness, count, more in RENDERED:
        name = f"rendered {kind}{' series' if more else ''}, hardness {hardness}, seed {seed}"
        labels = render(folder / str(seed), seed, hardness, count, "--kind", kind, *more)
        yield name, "test", labels, ()


def unseen_make(folder, boxes):
    """Whole photos of a make whose wheels were never trained on: their readings are those of the
    crops of the same name; a wheel without a digit may be read as any."""
    labels = folder / "anhkhoitran.csv"
    with (boxes / "labels.csv").open(encoding="utf-8") as file, labels.open("w") as out:
        write = csv.writer(out)
        write.writerow(("file", "label", "all_accepted"))
        for row in csv.DictReader(file):
            photo = boxes / "images" / "whole_photo" / pathlib.Path(row["file"]).name[1:]
            if row["what"] != "counter_crop" or not photo.exists():
                continue
            wheels = sorted(json.loads(row["boxes"]), key=lambda box: box[1])
            digits = ["0123456789" if box[0] == "NaN" else box[0] for box in wheels]
            accepted = ["".join(reading) for reading in itertools.product(*digits)]
            write.writerow((photo, accepted[0], " ".join(accepted)))
    return labels


def print_sets(folder, sets):
    print("| set | part | n | exact | whole units | read | a certain wheel wrong while read | ms, "
          "median and 95 % |\n|---|---|---|---|---|---|---|---|")
    curves, decimals = [], []
    for index, (name, part, labels, more) in enumerate(sets):
        curve = folder / f"curve-{index}.csv"
        r = evaluate(labels, *more, "--threads", "1", "--curve", curve)
        print(f"| {name} | {part} | {r['n']} | {percent(r['exact'], r['labelled'])} | "
              f"{percent(r['units_right'], r['units_known'])} | {percent(r['read'], r['n'])} | "
              f"{r['wrong_while_read']} | {r['ms_50']:.1f}, {r['ms_95']:.1f} |", flush=True)
        curves.append((name, part, curve))
        if r["decimals_known"]:
            wrong = r["decimals_sure"] - r["decimals_sure_right"]
            decimals.append(f"| {name} | {r['decimals_known']} | "
                            f"{percent(r['decimals_right'], r['decimals_known'])} | "
                            f"{percent(r['decimals_sure'], r['decimals_known'])} | {wrong} |")
    print("\nDecimals of the photos that were read with the right number of wheels:")
    print("| set | n | right number | sure of it | of these wrong |\n|---|---|---|---|---|")
    print("\n".join(decimals))
    risks = " | ".join(f"risk {100 * risk:g} %" for risk in RISKS)
    print("\nShare of photos that can be given at a risk, by confidence alone:")
    print(f"| set | part | {risks} |\n" + "|---" * (2 + len(RISKS)) + "|")
    for name, part, curve in curves:
        print(f"| {name} | {part} | " + " | ".join(coverage_at(curve, r) for r in RISKS) + " |")


def answers(photos, *more):
    out = subprocess.run([BUILD / "meterlens", "read", "--json", "--evidence", "--models", MODELS,
                          *more, *photos], stdout=subprocess.PIPE, text=True).stdout
    return [json.loads(line) for line in out.splitlines()]


def earlier_of(label, rng):
    """A reading of an hour before, of a meter that may go on by 20 steps an hour."""
    before = (int(label) - rng.randrange(20)) % 10 ** len(label)
    return {"digits": f"{before:0{len(label)}}", "hours": 1, "most_per_hour": 20}


def is_accepted(answer, accepted):
    certain = answer["certain"]
    return any(len(text) == len(answer["digits"]) and text[:certain] == answer["digits"][:certain]
               for text in accepted)


def print_followed(folder, sets):
    """Real photos and the series once more, each with its layout and a made-up earlier reading."""
    rng = random.Random(3)
    for name, part, labels, more in sets:
        if name.startswith("rendered") and "series" not in name:
            continue
        split = more[1] if more else ""
        with labels.open(encoding="utf-8") as file:
            rows = [row for row in csv.DictReader(file) if re.search(split, row["label"])]
        firsts = answers([labels.parent / row["file"] for row in rows])
        count = read = wrong = alone = 0
        for row, first in zip(rows, firsts, strict=True):
            if len(first["digits"]) != len(row["label"]):
                continue
            count += 1
            known = folder / "known.json"
            known.write_text(json.dumps({
                "window": first["window"], "wheels": len(first["digits"]), "red": first["red"],
                "earlier": earlier_of(row["label"], rng)}))
            again = answers([first["file"]], "--known", known)[0]
            if again["status"] != "read":
                continue
            read += 1
            accepted = {row["label"], *(row.get("all_accepted") or "").split()}
            wrong += not is_accepted(again, accepted)
            alone += all(wheel["odds"][0] == 0 for wheel in again["wheels"])
        print(f"followed: {name}, {part}: {count} with the right number of wheels, {read} read, "
              f"{wrong} of them not as labelled, {alone} by the wheel's net alone", flush=True)


def print_mirrored(sets):
    """Every photo of every set, whatever its part."""
    seen = {labels: evaluate(labels, "--mirror") for _, _, labels, _ in sets}
    print(f"\nmirrored: {sum(r['n'] for r in seen.values())} photos, "
          f"{sum(r['read'] for r in seen.values())} of them read", flush=True)


def print_no_reading(folder):
    for name, seed, hardness, count, more in NO_READING:
        photos = render(folder / name, seed, hardness, count, *more).parent
        out = subprocess.run([BUILD / "meterlens", "read", "--json", "--models", MODELS, photos],
                             stdout=subprocess.PIPE, text=True).stdout
        states = [json.loads(line)["status"] for line in out.splitlines()]
        print(f"{name}: {len(states)} photos, {states.count('read')} of them read", flush=True)


def print_wheels(folder, data):
    """Single wheels of the meter groups that training never sees."""
    source = data / "digits_haverland" / "labels.csv"
    if not source.exists():
        return print(f"(no {source})")
    held = re.search(r"HELD_GROUPS = \((.*?)\)", (TRAIN / "prepare.py").read_text(), re.S).group(1)
    groups = re.findall(r'"(.+?)"', held)
    with source.open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["group"] in groups]
    labels = folder / "wheels.csv"
    with labels.open("w", encoding="utf-8") as file:
        lines = [(source.parent / row["file"], row["label"]) for row in rows]
        csv.writer(file).writerows([("file", "label"), *lines])
    r = evaluate(labels, "--wheels")
    print(f"single wheels of {len(groups)} held-out groups: {r['n']}, within 0.5 of a step "
          f"{percent(r['near'], r['n'])}")


def print_speed():
    """Every benchmark of reader_bench.cpp, beside the bare decode of the same photos to gray."""
    out = subprocess.run([BUILD / "meterlens-bench-reader", "--benchmark_format=json",
                          "--benchmark_enable_random_interleaving=true",
                          "--benchmark_repetitions=9", "--benchmark_min_time=0.1"],
                         check=True, capture_output=True, text=True).stdout
    runs = {}
    for run in json.loads(out[: out.rindex("}") + 1])["benchmarks"]:
        if run["run_type"] == "iteration":
            runs.setdefault(run["run_name"].split("/manual")[0], []).append(run)
    for name, repeats in runs.items():
        figures = {key: statistics.median(run[key] for run in repeats) for key in repeats[0]
                   if key[0].isdigit() or key in ("photo_ms", "gray_ms", "ratio", "read")}
        print(f"speed: {name} " + ", ".join(f"{key} {figures[key]:.2f}" for key in figures))


def print_memory(folder):
    subprocess.run([BUILD / "meterlens-face", "--seed", "7", "--count", "1", "--width", "1024",
                    "--height", "768", "--out", folder / "one"], check=True,
                   stdout=subprocess.DEVNULL)
    reading = subprocess.Popen([BUILD / "meterlens", "read", "--threads", "1", "--models", MODELS,
                                folder / "one" / "images" / "7_0.jpg"], stdout=subprocess.DEVNULL)
    _, _, usage = os.wait4(reading.pid, 0)
    print(f"memory: at most {usage.ru_maxrss / 1024:.0f} MiB for a photo of 1024x768")


def print_all(folder, data):
    sets = list(photo_sets(folder, data))
    print_sets(folder, sets)
    print_followed(folder, sets)
    print_mirrored(sets)
    print_no_reading(folder)
    print_wheels(folder, data)
    print_speed()
    print_memory(folder)
