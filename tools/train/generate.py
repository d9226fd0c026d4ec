"""Draws training pictures into numbered chunk files, with as many processes as asked for.

photo chunk: 96 photos [448, 448, 3] and quads (NaN without window).  strip chunk: 1536 strips
with wheel positions, centres, red wheels; with --displays of LCDs. Chunk k of seed s is always the
same. A chunk appears whole (renamed).
"""
import argparse
import multiprocessing
import multiprocessing.connection
import os
import signal
import sys
import time

import cv2
import numpy as np

import displays
import files
import layout
import photo as photos
import register as registers

PHOTOS, STRIPS = 96, 1536
SHAPE = (layout.STRIP_HEIGHT, layout.STRIP_WIDTH, 3)


class Strips:
    def __init__(self):
        self.rows = []

    def add(self, strip, positions, centres, red):
        nine = np.full(9, -1.0, np.float32)
        where = np.full(9, -1.0, np.float32)
        nine[: len(positions)], where[: len(positions)] = positions, centres
        self.rows.append((strip, nine, where, red))

    def arrays(self):
        image, position, centre, red = zip(*self.rows)
        return {
            "image": np.array(image),
            "position": np.array(position),
            "centre": np.array(centre),
            "red": np.array(red, np.int8),
            "exact": np.array(red) > -2,
        }


def photo_chunk(rng, store):
    images, quads, strips = [], [], Strips()
    for _ in range(PHOTOS):
        image, quad, strip, positions, centres, red = photos.draw_photo(rng, store)
        images.append(image)
        quads.append(np.full((4, 2), np.nan) if quad is None else quad)
        if strip is not None:
            strips.add(strip, positions, centres, red)
    return {"image": np.array(images), "quad": np.array(quads, np.float32)}, strips.arrays()


def strip_chunk(rng, store):
    strips = Strips()
    for _ in range(STRIPS):
        kind = rng.random()
        draw = registers.draw_strip
        if kind < 0.08:
            draw = registers.draw_false_strip
        elif kind < 0.24 and store.train and "jorvkve" in store.strip_source:
            draw = registers.recombine
        strips.add(*draw(rng, store))
    return strips.arrays()


def display_chunk(rng, store, real):
    strips = Strips()
    for _ in range(STRIPS):
        strips.add(*displays.draw_strip(rng, store, real))
    return strips.arrays()


def save(folder, name, arrays):
    files.save(os.path.join(folder, name + ".npz"), arrays)


def run_workers(work, args):
    """Ends with all of them, or with the first that fails: a trainer would wait for its chunks."""
    workers = [
        multiprocessing.Process(target=work, args=(args, k), daemon=True)
        for k in range(args.processes)
    ]
    for worker in workers:
        worker.start()
    signal.signal(
        signal.SIGTERM, lambda *_: sys.exit(0)
    )  # a daemon process ends with its parent's exit
    while workers:
        multiprocessing.connection.wait([worker.sentinel for worker in workers])
        for worker in workers:
            worker.join(0)
        if any(worker.exitcode for worker in workers):
            sys.exit("a drawing process failed, see above")
        workers = [worker for worker in workers if worker.exitcode is None]


def work(args, worker):
    cv2.setNumThreads(1)
    store = registers.Store(args.prepared, args.glyphs, args.split, args.leave_out)
    real = displays.Real(args.displays) if args.displays else None
    stop = time.time() + args.seconds
    for number in range(worker, args.chunks, args.processes):
        if time.time() > stop:
            return
        rng = np.random.default_rng([args.seed, number])
        if real:
            save(args.out, f"strip{number:05d}", display_chunk(rng, store, real))
        elif number % 3 and not args.strips_only:
            photo, strips = photo_chunk(rng, store)
            save(args.out, f"photo{number:05d}", photo)
            save(args.out, f"strip{number:05d}", strips)
        else:
            save(args.out, f"strip{number:05d}", strip_chunk(rng, store))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prepared", required=True)
    parser.add_argument("--glyphs", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--split", default="train", choices=["train", "calibration"])
    parser.add_argument("--leave-out", nargs="*", default=(), help="sources of strips")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--chunks", type=int, default=600)
    parser.add_argument("--strips-only", action="store_true")
    parser.add_argument("--displays", help="wheels.npz: strips of displays, for the display net")
    parser.add_argument("--seconds", type=float, default=1e9)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    os.makedirs(args.out, exist_ok=True)
    run_workers(work, args)


if __name__ == "__main__":
    main()
