"""A quick look at a net on held-out real pictures while it trains. The reported figures are not
these:
they come from `meterlens evaluate`, over the whole chain."""
import numpy as np
import torch

import displays
import layout
import register
import tasks
from augment import normalise
from nets import CLASSES
from pools import pixels


def squares(store):
    images = np.zeros((len(store.photos), 448, 448, 3), np.uint8)
    for row, photo in enumerate(store.photos):
        images[row, : photo.shape[0], : photo.shape[1]] = photo
    return images


class Watch:
    def __init__(self, args, device):
        self.device, self.net = device, args.net
        store = register.Store(args.prepared, args.glyphs, "calibration")
        self.sources = store.strip_source if args.net == "reader" else store.sources
        if args.net == "display":
            strips, self.position = displays.held_strips(args.wheels)
            self.image = torch.from_numpy(strips).to(device)
            self.sources = np.full(len(strips), "held displays")
        elif args.net == "reader":
            self.image, self.position = (
                torch.from_numpy(np.array(store.strips)).to(device),
                store.strip_position,
            )
        else:
            self.image = torch.from_numpy(squares(store)).to(device)
            self.quad = torch.from_numpy(store.quads.astype(np.float32)).to(device)

    @torch.no_grad()
    def __call__(self, net):
        ways = {
            "locator": self.locator,
            "refiner": self.refiner,
            "reader": self.reader,
            "display": self.reader,
        }
        good = ways[self.net](net)
        return " ".join(
            f"{name} {good[self.sources == name].mean():.3f}" for name in sorted(set(self.sources))
        )

    def locator(self, net):
        n, side = len(self.image), layout.LOCATOR_SIDE
        grid = tasks.pixel_grid(side, side, self.device) * (448 / side) + 0.2
        seen = tasks.look(pixels(self.image), grid[None].expand(n, -1, -1, -1))
        result = net(normalise(seen)).float()
        best = result[:, 0].flatten(1).argmax(1)
        value = result.flatten(2)[torch.arange(n), :, best]
        cell = torch.stack([best % 40, torch.div(best, 40, rounding_mode="floor")], -1)
        middle = (value[:, 1:3] + cell + 0.5) * 8 * (448 / side)
        centre, width, _, angle = tasks.axes(self.quad)
        direction = torch.cos(torch.atan2(value[:, 8], value[:, 7]) - angle)
        found = torch.exp(value[:, 3]) * 32 * 448 / side
        right = (
            ((middle - centre).norm(dim=1) < 0.1 * width)
            & (direction > 0.9)
            & ((found / width).log().abs() < 0.2)
        )
        return right.cpu().numpy()

    def refiner(self, net):
        n = len(self.image)
        state = torch.random.get_rng_state()
        torch.manual_seed(5)
        picture, target = tasks.refiner_batch(
            {
                "image": self.image,
                "quad": self.quad,
                "false": torch.zeros(n, dtype=torch.bool, device=self.device),
            }
        )
        torch.random.set_rng_state(state)
        result = net(picture).float()
        error = (result[:, :8] - target["corners"]).abs().amax(1) * target["near"]
        return ((error < 0.12) & (result[:, 8:].argmax(1) == target["flag"])).cpu().numpy()

    def reader(self, net):
        n = len(self.image)
        one = torch.ones(n, device=self.device)
        corners = torch.tensor(layout.strip_corners(), device=self.device).expand(n, 4, 2)
        seen = tasks.look(
            pixels(self.image), tasks.reader_points(n, corners, one, one, self.device)
        )
        best = net(normalise(seen))[:, :CLASSES, 0].float().argmax(1).cpu().numpy()
        right = []
        for row, position in zip(best, self.position):
            keep = [c for i, c in enumerate(row) if c and (i == 0 or row[i - 1] != c)]
            truth = [p for p in position if p >= 0]
            # a wheel half-way may be read as either neighbour
            close = [
                min((c - 1) % 20 - round(2 * p), (c - 1) % 20 - round(2 * p) + 20, key=abs)
                for c, p in zip(keep, truth)
            ]
            right.append(
                len(keep) == len(truth) and all(abs((d + 10) % 20 - 10) <= 1 for d in close)
            )
        return np.array(right)
