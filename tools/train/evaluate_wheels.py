"""Prints what a wheel model (ONNX, through OpenCV) says of wheels that were not trained on.

within 0.5: share of wheels whose position is at most half a step from the label; digit: share whose
nearest digit is right; none, LCD: shares called so; sure: share of wheels with a class and its
neighbours above 0.98, and how many of those are more than half a step wrong. The test split shows
the strips of iaoqian and jorvkve alone.
"""
import argparse
import time

import cv2
import numpy as np

import wheels


def see(net, crops):
    """Logits [n, 22]; each crop with zero mean and unit deviation, in batches of eight."""
    seen = crops.astype(np.float32).transpose(0, 3, 1, 2) / 255
    mean = seen.mean((1, 2, 3), keepdims=True)
    seen = (seen - mean) / (seen.std((1, 2, 3), keepdims=True) + 0.02)
    found = []
    for start in range(0, len(seen), 8):
        net.setInput(np.ascontiguousarray(seen[start : start + 8]))
        found.append(net.forward().copy())
    return np.concatenate(found)


def sure(logits, position):
    """(share of sure wheels, how many sure wheels are wrong)."""
    chance = np.exp(logits[:, : wheels.STEPS] - logits[:, : wheels.STEPS].max(1, keepdims=True))
    chance /= chance.sum(1, keepdims=True)
    near = chance + np.roll(chance, 1, 1) + np.roll(chance, -1, 1)
    is_sure = (near.max(1) > 0.98) & (logits[:, wheels.STEPS] < 0)
    wrong = wheels.distance(wheels.position_of(logits), position) > 0.5
    return is_sure.mean(), int((is_sure & wrong).sum())


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True)
    parser.add_argument("--prepared", required=True)
    parser.add_argument("--glyphs", required=True)
    parser.add_argument("--wheels", required=True)
    parser.add_argument("--split", default="calibration", choices=["calibration", "test"])
    args = parser.parse_args()
    cv2.setNumThreads(1)
    net = cv2.dnn.readNetFromONNX(args.model)
    sets = wheels.held_out(args.prepared, args.glyphs, args.wheels, args.split)
    print("| wheels | n | within 0.5 | digit | none | LCD | sure | of them wrong |")
    print("|---|---|---|---|---|---|---|---|")
    for name, (crops, position) in sets.items():
        logits = see(net, crops)
        close, digit, none, lcd = wheels.score(logits, position)
        if position is None:
            print(f"| {name} | {len(crops)} | - | - | {none:.3f} | {lcd:.3f} | - | - |")
            continue
        share, wrong = sure(logits, position)
        print(
            f"| {name} | {len(crops)} | {close:.3f} | {digit:.3f} | {none:.3f} | {lcd:.3f} | "
            f"{share:.3f} | {wrong} |"
        )
    crops = next(iter(sets.values()))[0][:8]
    see(net, crops)
    start = time.process_time()
    for _ in range(50):
        see(net, crops)
    print(f"\n{(time.process_time() - start) * 20:.2f} ms of one core for 8 wheels")


if __name__ == "__main__":
    main()
