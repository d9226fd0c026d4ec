"""What each net learns: random views of the pools, their targets, and the loss."""
import math
import random

import torch
import torch.nn.functional as functional

import layout
from augment import change, normalise, uniform
from nets import CLASSES
from pools import pixels


def look(images, points):
    """Samples [n, c, h, w] at pixel points [n, ho, wo, 2]."""
    size = torch.tensor([images.shape[3], images.shape[2]], device=images.device)
    grid = (points + 0.5) / size * 2 - 1
    return functional.grid_sample(
        images, grid, mode="bilinear", padding_mode="zeros", align_corners=False
    )


def pixel_grid(width, height, device):
    y, x = torch.meshgrid(
        torch.arange(height, device=device).float(),
        torch.arange(width, device=device).float(),
        indexing="ij",
    )
    return torch.stack([x, y], -1)


def axes(quad):
    """Middle [n, 2], width [n], height [n], reading direction [n] of quads [n, 4, 2]."""
    along = (quad[:, 1] - quad[:, 0] + quad[:, 2] - quad[:, 3]) / 2
    down = (quad[:, 3] - quad[:, 0] + quad[:, 2] - quad[:, 1]) / 2
    return quad.mean(1), along.norm(dim=1), down.norm(dim=1), torch.atan2(along[:, 1], along[:, 0])


class View:
    """in = C + A q / (1 + g.q), q = out - o: a similarity or stretch A with a little perspective
    g."""

    def __init__(self, matrix, centre, out_centre, tilt):
        self.matrix, self.centre, self.out_centre, self.tilt = matrix, centre, out_centre, tilt

    def source(self, grid):
        q = grid[None] - self.out_centre[:, None, None]
        depth = 1 + (q * self.tilt[:, None, None]).sum(-1, keepdim=True)
        return self.centre[:, None, None] + torch.einsum(
            "nij,nhwj->nhwi", self.matrix, q
        ) / depth.clamp(min=0.2)

    def out(self, points):
        """Where the source points [n, k, 2] are seen."""
        r = points - self.centre[:, None]
        system = self.matrix[:, None] - r[..., :, None] * self.tilt[:, None, None, :]
        return torch.linalg.solve(system, r[..., None])[..., 0] + self.out_centre[:, None]


def rotation(turn):
    return torch.stack(
        [torch.stack([turn.cos(), -turn.sin()], -1), torch.stack([turn.sin(), turn.cos()], -1)], -2
    )


def locator_view(quad, has, side, source_side):
    n, device = len(quad), quad.device
    centre, width, _, angle = axes(quad)
    natural = side / source_side * torch.exp(torch.randn(n, device=device) * 0.25)
    wished = torch.exp(uniform(n, math.log(30), math.log(250), device, ())) / width
    scale = torch.where(torch.rand(n, device=device) < 0.5, natural, wished)
    scale = torch.minimum(torch.maximum(scale, 22 / width), 270 / width)
    scale = torch.where(has, scale, natural)
    upright = (
        torch.randn(n, device=device) * 0.15
        + torch.randint(0, 4, (n,), device=device)
        * (torch.rand(n, device=device) < 0.3)
        * math.pi
        / 2
    )
    turn = torch.where(
        torch.rand(n, device=device) < 0.45,
        upright - 0 * angle,
        uniform(n, 0, 2 * math.pi, device, ()),
    )
    room = torch.where(
        has, (width * scale / 2 + 6).clamp(max=side / 2 - 2), torch.full_like(width, 100.0)
    )
    out_centre = room[:, None] + torch.rand(n, 2, device=device) * (side - 2 * room)[:, None]
    centre = torch.where(has[:, None], centre, torch.full_like(centre, source_side / 2))
    tilt = torch.randn(n, 2, device=device) * 0.07 / side
    return View(rotation(turn) / scale[:, None, None], centre, out_centre, tilt)


def locator_batch(rows):
    images, quad = pixels(rows["image"]), rows["quad"]
    has = ~torch.isnan(quad[:, 0, 0]) & ~rows["false"]
    stand_in = torch.tensor([[100.0, 100], [200, 100], [200, 130], [100, 130]], device=quad.device)
    quad = torch.where(has[:, None, None], quad, stand_in)
    side = random.choice(layout.LOCATOR_SIDES)
    view = locator_view(quad, has, side, images.shape[2])
    seen = look(images, view.source(pixel_grid(side, side, quad.device)))
    return change(seen, 1.3, 0.6), {"quad": view.out(quad), "has": has}


def locator_loss(result, target):
    cells = result.shape[2]
    centre, width, height, angle = axes(target["quad"])
    centre = centre / 8 - 0.5
    grid = pixel_grid(cells, cells, result.device)
    delta = centre[:, None, None] - grid[None]
    heat = torch.exp(-(delta**2).sum(-1) / (2 * 1.1**2)) * target["has"][:, None, None]
    p = result[:, 0].sigmoid().clamp(1e-5, 1 - 1e-5)
    peak = ((delta.abs() <= 0.5).all(-1) & target["has"][:, None, None]).float()
    found = -(peak * (1 - p) ** 2 * p.log()).sum()
    false = -((1 - peak) * (1 - heat) ** 4 * p**2 * (1 - p).log()).sum()
    weight = heat * (heat > 0.3)
    wanted = torch.stack(
        [
            delta[..., 0],
            delta[..., 1],
            *[
                v[:, None, None].expand(-1, cells, cells)
                for v in (
                    torch.log(width / 32),
                    torch.log(height / 32),
                    torch.cos(2 * angle),
                    torch.sin(2 * angle),
                    torch.cos(angle),
                    torch.sin(angle),
                )
            ],
        ],
        1,
    )
    error = functional.smooth_l1_loss(result[:, 1:], wanted, beta=0.1, reduction="none").sum(1)
    count = target["has"].sum() + 1
    return (found + false) / count + (error * weight).sum() / (weight.sum() + 1)


ORDER = (
    (0, 1, 2, 3),
    (2, 3, 0, 1),
    (1, 0, 3, 2),
    (3, 2, 1, 0),
)  # as seen: upright, turned, mirrored, flipped
SIGNS = ((1, 1), (-1, -1), (-1, 1), (1, -1))


def refiner_batch(rows):
    images, quad = pixels(rows["image"]), rows["quad"]
    n, device = len(quad), quad.device
    has = ~torch.isnan(quad[:, 0, 0])
    centre, width, height, angle = axes(torch.nan_to_num(quad))
    width = torch.where(has, width, uniform(n, 60, 250, device, ()))
    height = torch.where(has, height, width * uniform(n, 0.12, 0.35, device, ()))
    centre = torch.where(has[:, None], centre, uniform(n, 80, 370, device, (2,)))
    angle = torch.where(has, angle, uniform(n, 0, 2 * math.pi, device, ()))
    away = (torch.rand(n, device=device) < 0.08) | ~has
    nothing = away | rows["false"]
    slack = torch.where(torch.rand(n, device=device) < 0.6, 1.0, 0.35)
    spread = (
        torch.stack([width * 0.08, height * 0.2], -1)
        * slack[:, None]
        * torch.randn(n, 2, device=device)
    )
    far = torch.rand(n, device=device) * 2 * math.pi
    jump = torch.stack([far.cos() * width * 1.2, far.sin() * (width * 0.6 + height * 1.2)], -1)
    offset = torch.where(away[:, None], jump, spread)
    turn = angle + torch.randn(n, device=device) * 0.09 * slack
    centre = centre + torch.einsum("nij,nj->ni", rotation(angle), offset)
    width = width * torch.exp(torch.randn(n, device=device) * 0.13 * slack)
    height = height * torch.exp(torch.randn(n, device=device) * 0.22 * slack)
    kind = torch.multinomial(
        torch.tensor([0.45, 0.35, 0.12, 0.08], device=device), n, replacement=True
    )
    sign = torch.tensor(SIGNS, device=device, dtype=torch.float32)[kind]
    size = torch.tensor([layout.REFINER_WIDTH, layout.REFINER_HEIGHT], device=device).float()
    span = torch.tensor(layout.REFINER_SPAN, device=device)
    step = torch.stack([width, height], -1) / (size * span) * sign
    tilt = torch.randn(n, 2, device=device) * 0.06 / layout.REFINER_WIDTH
    view = View(rotation(turn) * step[:, None, :], centre, (size / 2 - 0.5).expand(n, 2), tilt)
    seen = look(
        images, view.source(pixel_grid(layout.REFINER_WIDTH, layout.REFINER_HEIGHT, device))
    )
    corners = (view.out(torch.nan_to_num(quad)) - view.out_centre[:, None]) / (size * span)
    corners = corners.gather(
        1, torch.tensor(ORDER, device=device)[kind][..., None].expand(-1, -1, 2)
    )
    nominal = torch.tensor([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]], device=device)
    flag = torch.where(nothing, torch.full_like(kind, 3), kind.clamp(max=2))
    return change(seen, 1.2, 0.5), {
        "corners": (corners - nominal).flatten(1),
        "flag": flag,
        "near": ~nothing,
    }


def refiner_loss(result, target):
    error = functional.smooth_l1_loss(
        result[:, :8], target["corners"].clamp(-1.5, 1.5), beta=0.03, reduction="none"
    ).sum(1)
    corners = (error * target["near"]).sum() / (target["near"].sum() + 1)
    return 2 * corners + functional.cross_entropy(result[:, 8:], target["flag"])


def reader_points(n, corners, flip_x, flip_y, device):
    """Source points of the reader's pixels for window corners [n, 4, 2] in strip pixels."""
    grid = pixel_grid(layout.READER_WIDTH, layout.READER_HEIGHT, device)
    size = torch.tensor([layout.READER_WIDTH, layout.READER_HEIGHT], device=device)
    span = torch.tensor(layout.READER_SPAN, device=device)
    uv = ((grid + 0.5) / size - 0.5) / span
    u = (uv[None, ..., 0] * flip_x[:, None, None] + 0.5)[..., None]
    v = (uv[None, ..., 1] * flip_y[:, None, None] + 0.5)[..., None]
    a, b, c, d = (corners[:, k, None, None] for k in range(4))
    return (a * (1 - u) + b * u) * (1 - v) + (d * (1 - u) + c * u) * v


DISPLAY_LOOSE = (3.0, 1.3)  # how much farther than those of wheels windows are off, across and down


def reader_batch(rows, plain=0.0, of_displays=False):
    """plain: the share of strips that are seen as they are. An LCD's window has no edge where its
    digits begin and end: it is farther off, and whole as long as it has them all."""
    images, position, centre = pixels(rows["image"]), rows["position"], rows["centre"]
    n, device = len(position), position.device
    count = (position >= 0).sum(1)
    jitter = torch.randn(n, 4, 2, device=device) * torch.tensor([1.5, 1.2], device=device)
    whole = torch.randn(n, 1, 2, device=device) * torch.tensor([3.0, 2.2], device=device)
    grow = 1 + torch.randn(n, 1, 2, device=device) * torch.tensor([0.018, 0.09], device=device)
    base = torch.tensor(layout.strip_corners(), device=device)
    middle = base.mean(0)
    loose = torch.tensor(DISPLAY_LOOSE if of_displays else (1.0, 1.0), device=device)
    grow = 1 + (grow - 1) * loose
    corners = (base - middle) * grow + middle + jitter + whole * loose
    kind = torch.multinomial(
        torch.tensor([0.76, 0.08, 0.05, 0.03, 0.08], device=device), n, replacement=True
    )
    flip_x = torch.where((kind == 1) | (kind == 2), -1.0, 1.0)
    flip_y = torch.where((kind == 1) | (kind == 3), -1.0, 1.0)
    pitch = (layout.RIGHT - layout.LEFT) / count.clamp(min=3)
    if of_displays:
        between = (centre[:, 1] - centre[:, 0]).clamp(min=1)
        pitch = torch.where((centre[:, 0] > 0) & (count > 1), between, pitch)
    side = torch.where(torch.rand(n, device=device) < 0.5, -1.0, 1.0)
    shift = torch.where(
        kind == 4, side * pitch * uniform(n, 0.62, 1.4, device, ()), torch.zeros(n, device=device)
    )
    squeeze = torch.where((kind == 4) & (torch.rand(n, device=device) < 0.4), 0.0, 1.0)
    corners[..., 0] += shift[:, None]
    # a window that lost its first or last wheel ends early at one side only
    cut = (1 - squeeze) * shift
    corners[:, 0, 0] -= cut * (shift < 0)
    corners[:, 3, 0] -= cut * (shift < 0)
    corners[:, 1, 0] -= cut * (shift > 0)
    corners[:, 2, 0] -= cut * (shift > 0)
    seen = look(images, reader_points(n, corners, flip_x, flip_y, device))
    left, right = corners[:, [0, 3], 0].mean(1), corners[:, [1, 2], 0].mean(1)
    span = layout.READER_SPAN[0]
    centred = centre[:, 0] > 0
    # Where the wheels are is not always known: evenly spaced is near enough for their colour.
    even = layout.LEFT + (torch.arange(9, device=device) + 0.5) * pitch[:, None]
    centre = torch.where(centred[:, None], centre, even)
    column = (((centre - left[:, None]) / (right - left)[:, None] - 0.5) * span + 0.5) * (
        layout.READER_WIDTH / 4
    ) - 0.5
    is_whole = kind == 0
    if of_displays:
        last = centre.gather(1, (count - 1).clamp(min=0)[:, None])[:, 0]
        is_whole = (is_whole | (kind == 4)) & (centre[:, 0] > left) & (last < right)
    target = {
        "position": position,
        "count": count,
        "column": column,
        "centred": centred,
        "red": rows["red"],
        "pitch": pitch / (layout.RIGHT - layout.LEFT) * span * layout.READER_WIDTH / 4,
        "valid": is_whole & (count > 0),
        "exact": rows["exact"],
    }
    as_it_is = torch.rand(n, 1, 1, 1, device=device) < plain
    return torch.where(as_it_is, normalise(seen), change(seen, 2.4, 0.35)), target


NEIGHBOUR = 0.5  # how likely a label names the digit of a last wheel half a step off, against none


def row_loss(logits, target):
    """CTC. Where a label names only the digit of the last wheel, the wheel may as well stand half
    a step before or after it: the loss is that of all three together."""
    position, count = target["position"], target["count"].clamp(min=1)
    labels = torch.round(position * 2).long() % 20

    def lost(rows, shift):
        some = labels[rows].clone()
        last = (count[rows] - 1)[:, None]
        some.scatter_(1, last, (some.gather(1, last) + shift) % 20)
        length = torch.full_like(count[rows], logits.shape[0])
        return functional.ctc_loss(
            logits[:, rows], some + 1, length, count[rows], reduction="none", zero_infinity=True
        )

    result = lost(slice(None), 0)
    last = position.gather(1, (count - 1)[:, None])[:, 0]
    rows = torch.nonzero(~target["exact"] & target["valid"] & (last % 1 < 0.25))[:, 0]
    if len(rows):
        ways = torch.stack([
            math.log(NEIGHBOUR) - lost(rows, -1),
            -result[rows],
            math.log(NEIGHBOUR) - lost(rows, 1),
        ])
        result = result.index_put((rows,), -ways.logsumexp(0))
    return result


def decimals_loss(logits, near, target):
    """Whether each wheel is a decimal, and how many trailing wheels are, which the reader finds of
    all wheels together. logits: [n, columns]; near: of each wheel, [n, 9, columns]."""
    known = (target["red"] >= 0) & (target["red"] < target["count"].clamp(min=1))
    use = (near & known[:, None, None]).float()
    index = torch.arange(9, device=logits.device)[None]
    count, red = target["count"][:, None], target["red"].long()[:, None]
    is_red = (index >= count - red).float()
    each = functional.binary_cross_entropy_with_logits(
        logits[:, None].expand_as(use), is_red[..., None].expand_as(use), reduction="none"
    )
    each = (each * use).sum() / (use.sum() + 1)
    wheel = (logits[:, None] * use).sum(2) / use.sum(2).clamp(min=1)
    # of k trailing ones against none, from the right
    last = torch.where(index < count, wheel, torch.zeros_like(wheel)).flip(1).cumsum(1)
    odds = last.gather(1, (9 - count + index - 1).clamp(0, 8)) * (index > 0)
    odds = odds.masked_fill(index >= count.clamp(min=1), -math.inf)
    lost = functional.cross_entropy(odds, torch.where(known, red[:, 0], 0), reduction="none")
    some = known & (use.amax((1, 2)) > 0)
    return each + torch.where(some, lost, torch.zeros_like(lost)).sum() / (some.sum() + 1)


def reader_loss(result, target):
    result = result[:, :, 0].float()
    steps = result.shape[2]
    valid = target["valid"]
    logits = result[:, :CLASSES].permute(2, 0, 1).log_softmax(-1)
    lost = row_loss(logits, target)
    text = (lost / target["count"].clamp(min=1) * valid).sum() / (valid.sum() + 1)
    whole = functional.binary_cross_entropy_with_logits(
        result[:, CLASSES + 3].mean(1), valid.float()
    )
    known = valid & target["centred"]
    is_wheel = (target["position"] >= 0)[..., None]
    column = torch.arange(steps, device=result.device)
    distance = (column[None, None] - target["column"][..., None]).abs()
    exists = is_wheel & known[:, None, None]
    close = distance < 0.3 * target["pitch"][:, None, None]
    near = close & exists
    middle = (
        torch.exp(-0.5 * (distance / (0.14 * target["pitch"][:, None, None])) ** 2) * exists
    ).amax(1)
    centre = functional.binary_cross_entropy_with_logits(
        result[:, CLASSES + 2], middle, reduction="none"
    )
    centre = (centre * known[:, None]).sum() / (known.sum() * steps + 1)
    angle = target["position"] * (2 * math.pi / 10)
    turn = (result[:, None, CLASSES] - angle.cos()[..., None]) ** 2 + (
        result[:, None, CLASSES + 1] - angle.sin()[..., None]
    ) ** 2
    use = near & target["exact"][:, None, None]
    turn = (turn * use).sum() / (use.sum() + 1)
    decimals = decimals_loss(
        result[:, CLASSES + 4], close & is_wheel & valid[:, None, None], target
    )
    return text + 0.5 * whole + 0.5 * centre + 0.7 * turn + 0.15 * decimals
