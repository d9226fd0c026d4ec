"""The whole training in one command: prepare, draw, train the nets, export. See README.md."""
import argparse
import os
import shutil
import signal
import subprocess
import sys
import time

import torch

from checksums import list_checksum
from rendered import SEED_LEAST

HERE = os.path.dirname(os.path.abspath(__file__))
SHIPPED = os.path.join(HERE, "../../reader/models")
NETS = ("locator", "refiner", "reader", "wheel", "display")
PHOTO_CHUNKS = 240

started = []  # processes, none of which may outlive this one


def run(script, *arguments):
    process = subprocess.Popen([sys.executable, os.path.join(HERE, script), *map(str, arguments)])
    started.append(process)
    return process


def end_all():
    for process in started:
        process.terminate()
    for process in started:
        process.wait()


def must(*processes, beside=()):
    """Waits for all; none of them, nor of those beside that they depend on, may fail."""
    while True:
        running = [process for process in processes if process.poll() is None]
        for process in (*processes, *beside):
            if process.poll():
                sys.exit(f"failed: {' '.join(process.args)}")
        if not running:
            return
        time.sleep(0.2)


def folders_of(args, net):
    """Where what a net learns from is drawn, by the project's own renderer and here. The first
    counts double: real digits of displays are all among what is drawn here."""
    names = ("drawn_displays", "rendered_displays") if net == "display" else ("rendered", "drawn")
    there = [name for name in names if args.face or not name.startswith("rendered")]
    return [os.path.join(args.work, name) for name in there]


def draw_for(args, net, processes, chunks, of_net):
    """Starts the programs that draw for a net. of_net: their options for it, here and rendered."""
    share = ["--processes", processes, "--chunks"]
    own = ["--prepared", args.prepared, "--glyphs", args.glyphs, "--seed", args.seed]
    fonts = ["--fonts", args.fonts] if args.fonts else []
    drawing = []
    for folder in folders_of(args, net):
        shutil.rmtree(folder, ignore_errors=True)  # of a training before: other data, another seed
        if os.path.basename(folder).startswith("rendered"):
            face = ["--program", os.path.abspath(args.face), "--seed", SEED_LEAST * args.seed]
            more = [3 * chunks, *face, *fonts, *of_net[1]]
            drawing.append(run("rendered.py", "--out", folder, *share, *more))
        else:
            more = [chunks, *own, *of_net[0]]
            drawing.append(run("generate.py", "--out", folder, *share, *more))
    return drawing


def draw(args, processes, chunks):
    """Starts the programs that draw pictures while the nets train; the wheel net needs none."""
    drawing = []
    if "display" in args.nets and len(args.nets) > 1:
        processes = max(1, processes // 2)
    if {"locator", "refiner", "reader"} & set(args.nets):
        alone = not {"locator", "refiner"} & set(args.nets)
        photos = ["--photo-chunks", 0 if alone else PHOTO_CHUNKS]
        of_net = ["--strips-only"] if alone else [], photos
        drawing += draw_for(args, "reader", processes, chunks, of_net)
    if "display" in args.nets:
        of_photos = ["--kinds", "lcd", "--display", "lcd", "--photo-chunks", 0]
        of_net = ["--displays", args.wheels], of_photos
        drawing += draw_for(args, "display", processes, chunks, of_net)
    return drawing


def start_of(folder, net):
    """The checkpoint of a net in a folder, else the model there; None: it begins anew."""
    for name in (net + ".npz", net + ".onnx"):
        path = os.path.join(folder, name)
        if os.path.exists(path):
            return path
    return None


def starts_of(args):
    """Where each net begins, said before hours go by."""
    starts = {net: start_of(args.resume, net) if args.resume else None for net in args.nets}
    for net, start in starts.items():
        print(f"{net}: {'goes on from ' + start if start else 'begins anew'}", flush=True)
    return starts


def trainer(args, net, seconds, out, start):
    fast = torch.cuda.is_available()
    batch = {"locator": 128, "refiner": 256, "wheel": 1024}.get(net, 512)
    capacity = {"reader": 120000, "display": 60000}.get(net, 20000)
    if not fast:
        batch, capacity = 96 if net == "wheel" else 48, 3000
    more = ["--resume", start] if start else []
    return run(
        "train.py",
        "--net",
        net,
        "--prepared",
        args.prepared,
        "--glyphs",
        args.glyphs,
        "--wheels",
        args.wheels,
        "--chunks",
        *folders_of(args, net),
        "--out",
        os.path.join(out, net + ".npz"),
        "--seconds",
        seconds,
        "--batch",
        batch,
        "--capacity",
        capacity,
        "--rate",
        args.rate,
        "--seed",
        args.seed,
        *more,
    )


def prepare(args):
    """Reads --data anew each time, for there may be more of it; what is named is taken as it is."""
    needs_wheels = bool({"wheel", "display"} & set(args.nets)) and not args.wheels
    if not args.data and (needs_wheels or not args.prepared):
        sys.exit("--data is missing: the folders of labelled photos")
    args.glyphs = args.glyphs or os.path.join(args.work, "glyphs.npz")
    if not os.path.exists(args.glyphs):
        must(run("glyphs.py", "--out", args.glyphs))
    if not args.prepared:
        args.prepared = os.path.join(args.work, "prepared.npz")
        must(run("prepare.py", "--data", *args.data, "--out", args.prepared))
    args.wheels = args.wheels or os.path.join(args.work, "wheels.npz")
    if needs_wheels:
        must(run("prepare_wheels.py", "--data", *args.data, "--out", args.wheels))


def export(args):
    """All five nets, so that the folder is one that the reader takes: those not trained as
    shipped."""
    for net in args.nets:
        must(
            run(
                "export.py",
                "--net",
                net,
                "--checkpoint",
                os.path.join(args.out, net + ".npz"),
                "--out",
                os.path.join(args.out, net + ".onnx"),
            )
        )
    for net in NETS:
        model = os.path.join(args.out, net + ".onnx")
        if not os.path.exists(model):
            list_checksum(shutil.copy(os.path.join(SHIPPED, net + ".onnx"), model))
    held = os.path.join(os.path.dirname(args.prepared), "calibration")
    must(run("figures.py", "--models", args.out, "--labels", held))


def positive(text):
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("from 1 on")
    return number


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", nargs="+", help="folders as prepare.py takes, if it must run")
    parser.add_argument(
        "--work", required=True, help="folder for everything in between (30 GB with CUDA)"
    )
    parser.add_argument("--prepared")
    parser.add_argument("--glyphs")
    parser.add_argument("--wheels")
    parser.add_argument("--face", help="the built program meterlens-face, for rendered photos")
    parser.add_argument(
        "--fonts", help="folder of fonts that meterlens-face uses for a part of its photos"
    )
    parser.add_argument("--out", required=True, help="folder for checkpoints and models")
    parser.add_argument("--seconds", type=float, default=5400, help="a net")
    parser.add_argument("--nets", nargs="+", choices=NETS, default=NETS)
    parser.add_argument("--resume", help="folder of checkpoints, or of shipped models")
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--seed", type=positive, default=1)
    parser.add_argument("--chunks", type=positive, default=400)
    parser.add_argument(
        "--smoke", action="store_true", help="try every net for some seconds first"
    )
    parser.add_argument("--no-export", action="store_true")
    args = parser.parse_args()
    if args.face and not os.access(args.face, os.X_OK):
        parser.error(f"--face: {args.face} is no program; tools/build release makes it")
    for path in (args.prepared, args.glyphs, args.wheels):
        if path and not os.path.exists(path):
            parser.error(f"there is no {path}")
    if args.resume and not os.path.isdir(args.resume):
        parser.error(f"--resume: there is no folder {args.resume}")
    return args


def train(args):
    os.makedirs(args.work, exist_ok=True)
    os.makedirs(args.out, exist_ok=True)
    starts = starts_of(args)
    prepare(args)
    fast = torch.cuda.is_available()
    drawing = draw(
        args,
        max(1, os.cpu_count() // 2 - 2) if fast else 1,
        args.chunks if fast else max(1, args.chunks // 8),
    )

    def run_all(nets, seconds, out):
        must(*[trainer(args, net, seconds, out, starts[net]) for net in nets], beside=drawing)

    if args.smoke:
        run_all(args.nets, 6, args.work)
        print("every net trains", flush=True)
    start = time.time()
    for nets in [args.nets] if fast else [[net] for net in args.nets]:
        run_all(nets, args.seconds, args.out)
    print(f"trained in {time.time() - start:.0f} s", flush=True)
    for process in drawing:
        process.terminate()
    if not args.no_export:
        export(args)


def main():
    args = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        train(args)
    finally:
        end_all()


if __name__ == "__main__":
    main()
