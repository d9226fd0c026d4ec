"""What the wheel net learns: batches with their faults, targets, the loss, a look at held-out
wheels."""
import contextlib

import cv2
import numpy as np
import torch
import torch.nn.functional as functional

import layout
import register
import wheel_sources as sources
from augment import blur, chance, coarser, colour, glare, jpeg, noise, normalise, uniform
from pools import pixels

STEPS = 20
SHARES = {"loose": 0.32, "cut": 0.21, "drums": 0.27, "displays": 0.07, "nothing": 0.13}


def drawing_on(device):
    """Where new tensors are made; a PyTorch that cannot say (before 2) draws on the CPU."""
    return device if device.type == "cuda" else contextlib.nullcontext()


class Feed:
    """Batches of faultless pictures of all sources."""

    rings = ()

    def __init__(self, args, device):
        store = register.Store(args.prepared, args.glyphs, leave_out=args.leave_out)
        self.device = device
        with drawing_on(device):
            self.made = {
                "loose": sources.Loose(args.wheels),
                "cut": sources.Cut(store),
                "drums": sources.Drums(store),
                "displays": sources.Displays(store),
                "nothing": sources.Nothing(store),
            }

    def batch(self, n):
        count = {name: int(n * share) for name, share in SHARES.items()}
        count["drums"] += n - sum(count.values())
        with drawing_on(self.device):
            parts = [self.made[name].draw(k) for name, k in count.items()]
        return {key: torch.cat([part[key] for part in parts]).to(self.device) for key in parts[0]}


def dim_and_dirty(x):
    """A lamp above the window, whose light falls off downwards; specks and smears."""
    n, _, h, w = x.shape
    device = x.device
    down = torch.linspace(0, 1, h, device=device)[None, None, :, None]
    lamp = torch.exp(-down * uniform(n, 0, 2.2, device) * chance(n, 0.25, device))
    rough = torch.randn(n, 1, 9, 6, device=device)
    rough = functional.interpolate(rough, size=(h, w), mode="bilinear", align_corners=False)
    cover = ((rough - uniform(n, 0.8, 2.0, device)) * 3).clamp(0, 1)
    cover = cover * uniform(n, 0, 0.9, device) * chance(n, 0.15, device)
    tone = uniform(n, 0, 0.3, device, (3, 1, 1)) + uniform(n, 0, 0.5, device)
    return x * lamp * (1 - cover) + tone * cover


def strokes(x):
    """Light or dark strokes a little fatter, in a share of the pictures."""
    hit = torch.rand(len(x), device=x.device) < 0.3
    part = x[hit]
    half = len(part) // 2
    fat = functional.max_pool2d(part[:half], 3, 1, 1)
    thin = -functional.max_pool2d(-part[half:], 3, 1, 1)
    share = uniform(len(part), 0, 0.7, x.device)
    x = x.clone()
    x[hit] = part + share * (torch.cat([fat, thin]) - part)
    return x


def make(rows):
    """Pictures as the net sees them, and the targets."""
    x = coarser(glare(dim_and_dirty(strokes(rows["picture"]))), 0.3)
    x = colour(blur(x, 2.0))
    hit = torch.rand(len(x), device=x.device) < 0.6
    noisy = noise(x[hit])
    half = len(noisy) // 2
    x[hit] = torch.cat([noisy[:half], jpeg(noisy[half:], 1.0)])
    return normalise(x.clamp(0, 1)), rows


def soft_steps(position):
    """[n] positions -> [n, 20]: weight shared linearly by the two nearest half steps."""
    low = torch.floor(position * 2)
    part = (position * 2 - low)[:, None]
    low = low.long() % STEPS
    target = functional.one_hot(low, STEPS) * (1 - part)
    return target + functional.one_hot((low + 1) % STEPS, STEPS) * part


def near_steps(position):
    """[n] digits -> [n, 20]: how likely that digit is the label of a wheel at each half step."""
    middle = functional.one_hot((position * 2).round().long() % STEPS, STEPS).float()
    return middle + 0.5 * (middle.roll(1, 1) + middle.roll(-1, 1))


def loss_of(result, target):
    position, shown, lcd = target["position"], target["shown"], target["lcd"]
    odds = result[:, :STEPS].log_softmax(1)
    fine = -(soft_steps(position) * odds).sum(1)
    coarse = -torch.log((near_steps(position) * odds.exp()).sum(1) + 1e-6)
    text = torch.where(target["exact"], fine, coarse)
    is_wheel, known = shown == 1, shown >= 0
    text = (text * is_wheel).sum() / (is_wheel.sum() + 1)
    none = functional.binary_cross_entropy_with_logits(
        result[:, STEPS], (shown == 0).float(), reduction="none"
    )
    display = functional.binary_cross_entropy_with_logits(
        result[:, STEPS + 1], (lcd == 1).float(), reduction="none"
    )
    told = is_wheel & (lcd >= 0)
    return (
        text
        + 0.5 * (none * known).sum() / (known.sum() + 1)
        + 0.3 * (display * told).sum() / (told.sum() + 1)
    )


def position_of(logits):
    """[n, 20+] -> positions 0 to 9.99: the mean of the best half step and its two neighbours."""
    share = np.exp(logits[:, :STEPS] - logits[:, :STEPS].max(1, keepdims=True))
    best = share.argmax(1)
    around = np.stack([share[np.arange(len(best)), (best + k) % STEPS] for k in (-1, 0, 1)])
    return ((best + (around[2] - around[0]) / around.sum(0)) / 2) % 10


def distance(a, b):
    """Between positions on the ten-step circle."""
    return np.abs((a - b + 5) % 10 - 5)


def loose_crop(image):
    """[48, 32, 3]: a crop that shows one wheel and little else, put where the net expects it."""
    width = round(layout.WHEEL_WIDTH * layout.WHEEL_SPAN[0])
    height = round(layout.WHEEL_HEIGHT * layout.WHEEL_SPAN[1])
    small = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    x, y = (layout.WHEEL_WIDTH - width) // 2, (layout.WHEEL_HEIGHT - height) // 2
    right, below = layout.WHEEL_WIDTH - width - x, layout.WHEEL_HEIGHT - height - y
    return cv2.copyMakeBorder(small, y, below, x, right, cv2.BORDER_REPLICATE)


def held_out(prepared, glyphs, wheels, split="calibration"):
    """{name: (crops uint8, positions or None)} of wheels that training never saw."""
    store = register.Store(prepared, glyphs, split)
    found = {}
    if split == "calibration":
        loose = sources.Loose(wheels, train=False)
        for group in sorted(set(loose.group)):
            rows = np.flatnonzero(loose.group == group)
            crops = np.array([loose_crop(loose.image[row].numpy()) for row in rows])
            found[group] = crops, loose.position[rows].numpy()
    rows, centre, pitch, position = sources.strip_wheels(store)
    for name in sorted(set(store.strip_source)):
        keep = np.flatnonzero(store.strip_source[rows] == name)
        crops = [layout.wheel_crops(store.strips[rows[k]], [centre[k]], pitch[k])[0] for k in keep]
        found[name] = np.array(crops), position[keep]
    pairs = np.flatnonzero(rows[1:] == rows[:-1])[::3]
    middle = [(store.strips[rows[k]], [(centre[k] + centre[k + 1]) / 2], pitch[k]) for k in pairs]
    found["between wheels"] = np.array([layout.wheel_crops(*cut)[0] for cut in middle]), None
    state = torch.random.get_rng_state()
    torch.manual_seed(5)
    drawn = sources.Drums(store).draw(800)
    keep = drawn["shown"] == 1
    seen = (blur(drawn["picture"], 1.5)[keep] * 255).clamp(0, 255).byte().permute(0, 2, 3, 1)
    found["held fonts"] = seen.numpy(), drawn["position"][keep].numpy()
    torch.random.set_rng_state(state)
    if len(store.photos):
        found["no wheel"] = sources.Nothing(store, 1000, 4).image.numpy(), None
    return found


def score(logits, position):
    """Shares: within 0.5 of a step, nearest digit right, called no wheel, called LCD."""
    none, lcd = (logits[:, STEPS] > 0).mean(), (logits[:, STEPS + 1] > 0).mean()
    if position is None:
        return float("nan"), float("nan"), none, lcd
    found = position_of(logits)
    digit = np.round(found) % 10 == np.floor(position + 0.5) % 10
    return (distance(found, position) <= 0.5).mean(), digit.mean(), none, lcd


class Watch:
    def __init__(self, args, device):
        self.device = device
        self.sets = held_out(args.prepared, args.glyphs, args.wheels)

    @torch.no_grad()
    def __call__(self, net):
        told = []
        for name, (crops, position) in self.sets.items():
            seen = normalise(pixels(torch.from_numpy(crops)).to(self.device))
            close, digit, none, _ = score(net(seen).float().cpu().numpy(), position)
            short = name.split("/")[-1]
            told.append(f"{short} {none:.3f}" if position is None else f"{short} {close:.3f}")
        return " ".join(told)
