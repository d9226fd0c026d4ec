"""The whole training in one command: prepare, draw, train the nets, export. See README.md."""
import argparse
import os
import subprocess
import sys
import time

import torch

HERE = os.path.dirname(os.path.abspath(__file__))
NETS = ("locator", "refiner", "reader", "wheel")


def run(script, *arguments):
    return subprocess.Popen([sys.executable, os.path.join(HERE, script), *map(str, arguments)])


def must(*processes):
    for process in processes:
        if process.wait():
            sys.exit(f"failed: {' '.join(process.args)}")


def draw(args, processes, chunks):
    """Starts the programs that draw pictures while the nets train; the wheel net needs none."""
    if list(args.nets) == ["wheel"]:
        return []
    started = [
        run(
            "generate.py",
            "--prepared",
            args.prepared,
            "--glyphs",
            args.glyphs,
            "--out",
            os.path.join(args.work, "drawn"),
            "--processes",
            processes,
            "--chunks",
            chunks,
            "--seed",
            args.seed,
            *(["--strips-only"] if list(args.nets) == ["reader"] else []),
        )
    ]
    if args.face:
        fonts = ["--fonts", args.fonts] if args.fonts else []
        started.append(
            run(
                "rendered.py",
                "--program",
                args.face,
                "--out",
                os.path.join(args.work, "rendered"),
                "--processes",
                processes,
                "--chunks",
                3 * chunks,
                "--photo-chunks",
                0 if list(args.nets) == ["reader"] else 240,
                "--seed",
                1_000_000 * args.seed,
                *fonts,
            )
        )
    return started


def start_of(folder, net):
    """The checkpoint of a net in a folder, else the shipped model."""
    checkpoint = os.path.join(folder, net + ".npz")
    return checkpoint if os.path.exists(checkpoint) else os.path.join(folder, net + ".onnx")


def trainer(args, net, seconds, out, resume):
    fast = torch.cuda.is_available()
    batch = {"locator": 128, "refiner": 256, "reader": 512, "wheel": 1024}[net]
    capacity = {"reader": 120000}.get(net, 20000)
    if not fast:
        batch, capacity = 96 if net == "wheel" else 48, 3000
    chunks = [os.path.join(args.work, "drawn")]
    if args.face:
        chunks.insert(0, os.path.join(args.work, "rendered"))
    more = ["--resume", start_of(resume, net)] if resume else []
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
        *chunks,
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
    """Makes those of the three input files that are not there yet."""
    args.prepared = args.prepared or os.path.join(args.work, "prepared.npz")
    args.glyphs = args.glyphs or os.path.join(args.work, "glyphs.npz")
    args.wheels = args.wheels or os.path.join(args.work, "wheels.npz")
    if not os.path.exists(args.prepared):
        must(run("prepare.py", "--data", *args.data, "--out", args.prepared))
    if "wheel" in args.nets and not os.path.exists(args.wheels):
        must(run("prepare_wheels.py", "--data", args.data[0], "--out", args.wheels))
    if not os.path.exists(args.glyphs):
        must(run("glyphs.py", "--out", args.glyphs))


def main():
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
    parser.add_argument("--nets", nargs="+", default=NETS)
    parser.add_argument("--resume", help="folder of checkpoints, or of shipped models")
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--chunks", type=int, default=400)
    parser.add_argument(
        "--smoke", action="store_true", help="try every net for some seconds first"
    )
    parser.add_argument("--no-export", action="store_true")
    args = parser.parse_args()
    os.makedirs(args.work, exist_ok=True)
    os.makedirs(args.out, exist_ok=True)
    prepare(args)
    fast = torch.cuda.is_available()
    drawing = draw(
        args,
        max(1, os.cpu_count() // 2 - 2) if fast else 1,
        args.chunks if fast else args.chunks // 8,
    )
    try:
        if args.smoke:
            must(*[trainer(args, net, 6, args.work, args.resume) for net in args.nets])
            print("every net trains", flush=True)
        start = time.time()
        if fast:
            must(*[trainer(args, net, args.seconds, args.out, args.resume) for net in args.nets])
        else:
            for net in args.nets:
                must(trainer(args, net, args.seconds, args.out, args.resume))
        print(f"trained in {time.time() - start:.0f} s", flush=True)
    finally:
        for process in drawing:
            process.terminate()
            process.wait()
    if not args.no_export:
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
        held = os.path.join(os.path.dirname(args.prepared), "calibration")
        must(run("figures.py", "--models", args.out, "--labels", held))


if __name__ == "__main__":
    main()
