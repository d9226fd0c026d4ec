"""Trains one net from prepared.npz and the chunk files of generate.py; see README.md for the one
command.

Ends after --seconds or --steps; the learning rate falls along a half cosine over that time.
Writes the
averaged weights to --out (npz) and a line of progress every minute and at the end.
"""
import argparse
import copy
import functools
import math
import random
import time

import numpy as np
import torch

import files
import layout
import nets
import pools
import register
import tasks
import warm
import watch
import wheels

MAKE = {
    "locator": (tasks.locator_batch, tasks.locator_loss),
    "refiner": (tasks.refiner_batch, tasks.refiner_loss),
    "reader": (tasks.reader_batch, tasks.reader_loss),
    "wheel": (wheels.make, wheels.loss_of),
    "display": (functools.partial(tasks.reader_batch, of_displays=True), tasks.reader_loss),
}


def real_photos(store, with_rough):
    side = max(max(photo.shape[:2]) for photo in store.photos)
    keep = [i for i in range(len(store.photos)) if with_rough or store.sources[i] != "anhkhoitran"]
    images = np.zeros((len(keep), side, side, 3), np.uint8)
    for row, index in enumerate(keep):
        photo = store.photos[index]
        images[row, : photo.shape[0], : photo.shape[1]] = photo
    weights = [{"jorvkve": 2.5, "anhkhoitran": 1.5}.get(store.sources[i], 1.0) for i in keep]
    rows = {"image": images, "quad": store.quads[keep].astype(np.float32)}
    return rows | {"false": np.zeros(len(keep), bool)}, weights


def real_strips(store):
    pitch = (layout.RIGHT - layout.LEFT) / 5.12
    rows = len(store.strips)
    centre = np.full((rows, 9), -1, np.float32)
    is_boxed = store.strip_source == "jorvkve"
    centre[is_boxed, :5] = layout.LEFT + pitch * (0.56 + np.arange(5))
    weights = np.where(is_boxed, 2.5, 1.0) * (1 + 2 * (store.strip_position[:, 2] > 0))
    return {
        "image": np.array(store.strips),
        "position": store.strip_position,
        "centre": centre,
        "red": store.strip_decimals,
        "exact": np.zeros(rows, bool),
    }, weights


def no_displays(store):
    """Registers of wheels, which are none of an LCD."""
    rows, weights = real_strips(store)
    rows["position"] = np.full_like(rows["position"], -1)
    return rows, weights


class Feed:
    """Batches: a share of real pictures, the rest drawn."""

    def __init__(self, args, device):
        store = register.Store(args.prepared, args.glyphs, leave_out=args.leave_out)
        kind = "strip" if args.net in ("reader", "display") else "photo"
        if args.net == "display":
            rows = no_displays(store)
        elif args.net == "reader":
            rows = real_strips(store)
        else:
            rows = real_photos(store, args.net == "locator")
        self.real = pools.Fixed(*rows, device)
        self.rings = [pools.Ring(folder, kind, args.capacity, device) for folder in args.chunks]
        self.share = {"locator": 0.33, "refiner": 0.3, "reader": 0.2, "display": 0.08}[args.net]
        for ring in self.rings:
            ring.poll(wait=True)

    def batch(self, n):
        real = int(n * self.share)
        parts = [self.real.draw(real)]
        left = n - real
        for index, ring in enumerate(self.rings):
            take = left if index == len(self.rings) - 1 else (left * 2) // 3
            parts.append(ring.draw(take))
            left -= take
        return pools.join(parts)


def save(net, path):
    numbers = {key: value.float().cpu().numpy() for key, value in net.state_dict().items()}
    files.save(path, numbers)


def average(target, source, keep):
    with torch.no_grad():
        for a, b in zip(target.state_dict().values(), source.state_dict().values()):
            if a.dtype.is_floating_point:
                a.mul_(keep).add_(b, alpha=1 - keep)
            else:
                a.copy_(b)


def progress(args, step, start):
    return step / args.steps if args.steps else (time.time() - start) / args.seconds


def first_net(args, picture):
    """New, from a checkpoint (npz), or from a shipped model (onnx)."""
    net = nets.NETS[args.net]()
    if args.resume and args.resume.endswith(".onnx"):
        with torch.no_grad():
            warm.start(net, args.resume, [picture().cpu() for _ in range(20)])
    elif args.resume:
        pack = np.load(args.resume)
        net.load_state_dict({key: torch.from_numpy(pack[key]) for key in pack.files})
    net.train()
    for name in args.freeze:
        getattr(net, name).eval().requires_grad_(False)
    return net


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--net", required=True, choices=nets.NETS)
    parser.add_argument("--prepared", required=True)
    parser.add_argument("--glyphs", required=True)
    parser.add_argument(
        "--chunks",
        nargs="*",
        default=(),
        help="folders of chunk files; the first counts double; not used by the wheel net",
    )
    parser.add_argument(
        "--leave-out",
        nargs="*",
        default=(),
        help="sources whose strips are not trained on, to see what they are to a net; the chunks "
        "then must be made without them, too",
    )
    parser.add_argument("--wheels", help="wheels.npz, for the wheel and the display net")
    parser.add_argument("--threads", type=int, default=0, help="of PyTorch; 0: its own choice")
    parser.add_argument("--out", required=True)
    parser.add_argument("--resume", help="a checkpoint (npz) or a shipped model (onnx)")
    parser.add_argument(
        "--plain", type=float, default=0, help="share of strips without blur, noise and new colours"
    )
    parser.add_argument("--freeze", nargs="*", default=(), help="parts of the net that stay")
    parser.add_argument("--seconds", type=float, default=500)
    parser.add_argument("--steps", type=int, default=0)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument(
        "--capacity", type=int, default=4000, help="drawn pictures kept in memory, a folder"
    )
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    if args.plain and args.net != "reader":
        parser.error("--plain: only for the reader")
    return args


def main():
    args = arguments()
    torch.manual_seed(args.seed)
    random.seed(args.seed)
    if args.threads:
        torch.set_num_threads(args.threads)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    fast = device.type == "cuda"
    torch.backends.cudnn.benchmark = fast
    make, loss_of = MAKE[args.net]
    if args.plain:
        make = functools.partial(make, plain=args.plain)
    is_wheel = args.net == "wheel"
    feed = (wheels.Feed if is_wheel else Feed)(args, device)
    net = first_net(args, lambda: make(feed.batch(args.batch))[0]).to(device)
    if fast:
        net = net.to(memory_format=torch.channels_last)
    steady = copy.deepcopy(net).eval()
    optimiser = torch.optim.AdamW(net.parameters(), lr=args.rate, weight_decay=0.01)
    test = (wheels.Watch if is_wheel else watch.Watch)(args, device)
    start, step, told, saved, running = time.time(), 0, time.time(), time.time(), 0.0
    while progress(args, step, start) < 1:
        done = progress(args, step, start)
        for group in optimiser.param_groups:
            group["lr"] = (
                args.rate
                * min(1, (step + 1) / 200)
                * (0.01 + 0.99 * (1 + math.cos(math.pi * done)) / 2)
            )
        with torch.no_grad():
            picture, target = make(feed.batch(args.batch))
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=fast):
            result = net(picture)
        loss = loss_of(result.float(), target)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimiser.step()
        average(steady, net, min(0.999, 1 - 1 / (step + 2)) if not args.resume else 0.995)
        step += 1
        if step % 20 == 0:
            running = float(loss.detach())
            for ring in feed.rings:
                ring.poll()
        if time.time() - told > 60:
            told = time.time()
            print(
                f"{args.net} {told - start:.0f} s step {step} loss {running:.3f} "
                f"drawn {[ring.count for ring in feed.rings]} {test(steady)}",
                flush=True,
            )
        if time.time() - saved > 60:
            saved = time.time()
            save(steady, args.out)
    save(steady, args.out)
    print(
        f"{args.net} done: {step} steps in {time.time() - start:.0f} s {test(steady)}", flush=True
    )


if __name__ == "__main__":
    main()
