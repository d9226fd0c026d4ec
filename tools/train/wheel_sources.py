"""Clean pictures of single wheels, [n, 3, 48, 32] in 0..1, drawn anew for every batch.

Each source gives a dict: picture; position (0 to 9.99); exact (else `position` names the nearest
digit); shown (1 a wheel, 0 none, -1 neither quite: not used); lcd (1, 0, -1 unknown). A crop's
pixels are addressed as u, v: fractions of pitch and window height, 0 in the wheel's middle.
"""
import cv2
import numpy as np
import torch

import layout
import tasks
from augment import uniform
from pools import pixels

W, H = layout.WHEEL_WIDTH, layout.WHEEL_HEIGHT
CELL = 48  # pixels of a stored glyph, both ways
HALF_WHEELS = 0.12  # share of crops between two wheels


def rows_of(picture, position, exact, shown, lcd):
    """The dict of a source's n pictures; one value stands for all n."""
    n = len(picture)
    return {
        "picture": picture,
        "position": position,
        "exact": torch.as_tensor(exact).expand(n),
        "shown": torch.as_tensor(shown).expand(n),
        "lcd": torch.as_tensor(lcd).expand(n),
    }


def kept(array):
    """An array as a tensor where new tensors are made: see wheels.Feed."""
    return torch.from_numpy(array).to(torch.empty(0).device)


def pick(weights, n):
    return torch.multinomial(weights, n, replacement=True)


def look(images, x, y):
    """Samples [n, c, h, w] at pixel coordinates [n, H, W]; edges are replicated."""
    grid = torch.stack([(x + 0.5) / images.shape[3], (y + 0.5) / images.shape[2]], -1) * 2 - 1
    return torch.nn.functional.grid_sample(
        images, grid, mode="bilinear", padding_mode="border", align_corners=False
    )


def places(n, off_share=HALF_WHEELS):
    """u, v of every pixel [n, H, W] of slightly wrong crops, and `shown`."""
    grid = tasks.pixel_grid(W, H, None)
    u = ((grid[..., 0] + 0.5) / W - 0.5) / layout.WHEEL_SPAN[0]
    v = ((grid[..., 1] + 0.5) / H - 0.5) / layout.WHEEL_SPAN[1]
    normal = torch.randn(6, n, 1, 1)
    aside = 0.07 * normal[0]
    off = torch.rand(n, 1, 1) < off_share
    half = uniform(n, 0.42, 0.5, None, (1, 1)) * torch.sign(normal[0])
    aside = torch.where(off, half, aside)
    near = aside.abs()[:, 0, 0]
    shown = torch.where(near < 0.2, 1, torch.where(near > 0.4, 0, -1))
    seen_u = (u + 0.06 * normal[1] * v) * torch.exp(0.09 * normal[2]) + aside
    seen_v = (v + 0.07 * normal[3] * u) * torch.exp(0.10 * normal[4]) + 0.035 * normal[5]
    return seen_u, seen_v, shown


def three(u):
    """Which of three wheels side by side each u lies on (0, 1, 2), and u from that one's middle."""
    index = torch.round(u).clamp(-1, 1)
    return index.long() + 1, u - index


def outside(picture, mask, share):
    """Paints what lies beyond a wheel in one colour, in a share of the pictures."""
    n = len(picture)
    dark = (torch.rand(n, 1, 1, 1) < 0.65).float()
    fill = dark * uniform(n, 0, 0.25, None) + (1 - dark) * uniform(n, 0.3, 0.95, None)
    fill = (fill + 0.03 * torch.randn(n, 3, 1, 1)).clamp(0, 1)
    use = mask[:, None] & (torch.rand(n, 1, 1, 1) < share)
    return torch.where(use, fill, picture)


def type_face(x, y, strength=1.0):
    """Slants the digits, moves their waist and bends their strokes: more shapes than fonts have."""
    n = len(x)
    lean = 0.06 * torch.randn(n, 1, 1)
    lean = lean + uniform(n, 0, 0.5, None, (1, 1)) * (torch.rand(n, 1, 1) < 0.15)
    shift, waist, bow = (0.05 * torch.randn(n, 1, 1) for _ in range(3))
    x = x + strength * (lean * y - shift + bow * torch.sin(torch.pi * y))
    return x, y + strength * waist * torch.cos(torch.pi * y)


def mosaic_wheels(pack, keep):
    """[n, 48, 32, 3] uint8 of the wheels `keep` of wheels.npz."""
    starts = np.concatenate([[0], pack["page_ends"][:-1]])
    data = pack["page_bytes"]
    pages = [cv2.imdecode(data[a:b], cv2.IMREAD_COLOR) for a, b in zip(starts, pack["page_ends"])]
    found = np.zeros((len(keep), H, W, 3), np.uint8)
    for row, index in enumerate(keep):
        y, x = H * (index % 64 // 8), W * (index % 8)
        found[row] = pages[index // 64][y : y + H, x : x + W]
    return found


class Loose:
    """Crops that were labelled one by one; others of the same group stand beside them."""

    def __init__(self, path, train=True):
        pack = np.load(path)
        keep = np.flatnonzero(pack["train"] == train)
        self.image = kept(mosaic_wheels(pack, keep))
        self.position = kept(pack["position"][keep])
        self.exact = kept(pack["exact"][keep])
        self.lcd = kept(pack["lcd"][keep]).long()
        self.group = pack["group"][keep]
        self.weights = kept(self.balance())
        order = np.argsort(self.group, kind="stable")
        self.begin = kept(np.searchsorted(self.group[order], self.group))
        self.end = kept(np.searchsorted(self.group[order], self.group, "right"))
        self.order = kept(order)

    def balance(self):
        """Groups by the square root of their size, half steps within a group likewise."""
        weights = np.zeros(len(self.group), np.float32)
        step = np.round(self.position.cpu().numpy() * 2) % 20
        for group in set(self.group):
            rows = np.flatnonzero(self.group == group)
            _, which, count = np.unique(step[rows], return_inverse=True, return_counts=True)
            share = (count**-0.5)[which]
            weights[rows] = share / share.sum() * len(rows) ** 0.5
        return weights

    def draw(self, n):
        index = pick(self.weights, n)
        first, size = self.begin[index], self.end[index] - self.begin[index]
        beside = [self.order[first + (torch.rand(n) * size).long()] for _ in range(2)]
        row = torch.cat([self.image[beside[0]], self.image[index], self.image[beside[1]]], 2)
        u, v, shown = places(n)
        which, local = three(u)
        wide, high = uniform(n, 0.65, 1.05, None, (1, 1)), uniform(n, 0.75, 1.2, None, (1, 1))
        bent_u, bent_v = type_face(local / wide, v / high, 0.6)
        x = which * W + ((bent_u + 0.5) * W - 0.5).clamp(0, W - 1)
        y = (bent_v + 0.5) * H - 0.5
        picture = look(pixels(row), x, y)
        picture = outside(picture, local.abs() > wide / 2, 0.5)
        picture = outside(picture, v.abs() > high / 2 + 0.03, 0.5)
        lcd = self.lcd[index]
        return rows_of(picture, self.position[index], self.exact[index], shown, lcd)


class Cut:
    """Wheels of the whole-photo sets' straightened strips."""

    def __init__(self, store):
        self.image = kept(np.array(store.strips))
        rows, self.centre, self.pitch, self.position = strip_wheels(store)
        self.row = kept(rows)
        self.centre = kept(self.centre).float()
        self.pitch = kept(self.pitch).float()
        self.position = kept(self.position)
        self.weights = self.balance(store.strip_source[rows] == "jorvkve")

    def balance(self, is_jorvkve):
        """Rare digits of a set oftener, and those of the small set oftener."""
        digit = np.floor(self.position.cpu().numpy()).astype(int) % 10
        weights = np.zeros(len(digit), np.float32)
        for mask, share in ((is_jorvkve, 1.6), (~is_jorvkve, 1.0)):
            weights[mask] = share * np.bincount(digit[mask], minlength=10)[digit[mask]] ** -0.6
        return kept(weights)

    def draw(self, n):
        index = pick(self.weights, n)
        strip = pixels(self.image[self.row[index]])
        u, v, shown = places(n)
        local, whole = u - torch.round(u), torch.round(u)
        bent_u, v = type_face(local, v, 0.5)
        u = bent_u + whole
        x = self.centre[index][:, None, None] + u * self.pitch[index][:, None, None] - 0.5
        y = (layout.TOP + layout.BOTTOM) / 2 + v * (layout.BOTTOM - layout.TOP) - 0.5
        position = self.position[index]
        exact = position % 1 > 0.25  # two accepted digits: half-way
        return rows_of(look(strip, x, y), position, exact, shown, 0)


def strip_wheels(store):
    """Of every labelled wheel of the strips: its strip, centre and pitch there, position."""
    rows, centres, pitches, positions = [], [], [], []
    width = layout.RIGHT - layout.LEFT
    for row, position in enumerate(store.strip_position):
        count = int((position >= 0).sum())
        edge = 0 if store.strip_source[row] == "iaoqian" else 0.06  # see prepare.box_quad
        pitch = width / (count + 2 * edge)
        rows += [row] * count
        centres += [layout.LEFT + pitch * (edge + 0.5 + k) for k in range(count)]
        pitches += [pitch] * count
        positions += list(position[:count])
    return np.array(rows), np.array(centres), np.array(pitches), np.array(positions, np.float32)


def glyph_bank(digits):
    """[fonts, 3, 10, CELL, CELL] in 0..1: thin, plain and fat."""
    bank = np.zeros((len(digits), 3, 10, CELL, CELL), np.float32)
    kernel = np.ones((3, 3), np.uint8)
    for font, glyphs in enumerate(digits):
        for digit, glyph in enumerate(glyphs):
            glyph = cv2.copyMakeBorder(glyph, 4, 4, 4, 4, cv2.BORDER_CONSTANT)
            for k, change in enumerate((cv2.erode, None, cv2.dilate)):
                drawn = change(glyph, kernel) if change else glyph
                size = (CELL, CELL)
                bank[font, k, digit] = cv2.resize(drawn, size, interpolation=cv2.INTER_AREA) / 255
    return kept(bank)


MARGIN = (64 + 8) / 64  # a stored glyph with its border, against the glyph
RED = ((0.05, 0.35), (0.05, 0.35), (0.4, 0.95))  # BGR


def shades(n, low, high):
    return (uniform(n, low, high, None) + 0.04 * torch.randn(n, 3, 1, 1)).clamp(0, 1)


def inks(n):
    """Ink and paper of wheels, BGR [n, 3, 1, 1]: white on black, black on white, red ones."""
    light, dark = shades(n, 0.4, 1.0), shades(n, 0.0, 0.3)
    red = torch.cat([uniform(n, low, high, None) for low, high in RED], 1)
    kind = torch.rand(n, 1, 1, 1)
    ink = torch.where(kind < 0.45, light, torch.where(kind < 0.75, dark, light))
    paper = torch.where(kind < 0.45, dark, torch.where(kind < 0.75, light, red))
    red_ink = (kind > 0.86).expand_as(ink)
    paper = torch.where(red_ink, torch.where(kind > 0.98, dark, light), paper)
    return torch.where(red_ink, red, ink), paper


class Drums:
    """Drums of font digits, anywhere between two of them."""

    def __init__(self, store):
        names = np.array([str(name) for name in store.names])
        fonts = [f for f in store.fonts if not names[f].startswith("DSEG")]
        self.bank = glyph_bank(store.digits[fonts])
        self.aspect = kept(store.widths[fonts] / 64)

    def draw(self, n):
        u, v, shown = places(n)
        which, local = three(u)
        font, stroke = torch.randint(len(self.bank), (n,)), torch.randint(3, (n,))
        position = torch.rand(n, 3) * 10
        aligned = torch.rand(n, 3) < 0.35
        still = (torch.round(position) + 0.03 * torch.randn(n, 3)) % 10
        position = torch.where(aligned, still, position)
        wide = uniform(n, 0.72, 1.0, None, (1, 1))
        pitches = uniform(n, 0.8, 1.9, None, (1, 1))
        high = uniform(n, 0.5, 0.84, None, (1, 1))
        across = (self.aspect[font][:, None, None] * high / pitches * H / W).mul(
            torch.exp(0.28 * torch.randn(n, 1, 1))
        )
        across = torch.minimum(across.clamp(min=0.3), wide * 0.92)
        bend = uniform(n, 0.25, 0.95, None, (1, 1))
        reach = torch.arcsin((v * 2 * bend).clamp(-0.999, 0.999)) / torch.arcsin(bend)
        here = position.gather(1, which.flatten(1)).reshape(n, H, W)
        row = here + reach * pitches / 2 + 0.5
        digit = torch.floor(row)
        gx, gy = type_face(local / across, (row - digit - 0.5) / high)
        alpha = self.coverage(font, stroke, digit.long() % 10, gx, gy)
        alpha = torch.maximum(alpha, self.ticks(row, local, wide, n))
        (ink, paper), (ink2, paper2) = inks(n), inks(n)
        other = ((which != 1) & (torch.rand(n, 1, 1) < 0.15))[:, None]
        alpha = alpha[:, None]
        ink, paper = torch.where(other, ink2, ink), torch.where(other, paper2, paper)
        picture = (alpha * ink + (1 - alpha) * paper) * self.light(v, local, n)[:, None]
        picture = outside(picture, local.abs() > wide / 2, 0.85)
        edge = 0.5 + uniform(n, -0.04, 0.06, None, (1, 1))
        picture = outside(picture, v.abs() > edge, 0.85)
        return rows_of(picture, position[:, 1] % 10, True, shown, 0)

    def coverage(self, font, stroke, digit, gx, gy):
        """Bilinear samples of one glyph a pixel; gx, gy in -0.5..0.5 span the glyph."""
        x = ((gx / MARGIN + 0.5) * CELL - 0.5).clamp(0, CELL - 1.001)
        y = ((gy / MARGIN + 0.5) * CELL - 0.5).clamp(0, CELL - 1.001)
        x0, y0 = x.long(), y.long()
        fx, fy = x - x0, y - y0
        flat = self.bank.view(-1)
        base = ((font * 3 + stroke)[:, None, None] * 10 + digit) * CELL * CELL + y0 * CELL + x0
        a, b = flat[base], flat[base + 1]
        c, d = flat[base + CELL], flat[base + CELL + 1]
        return (a * (1 - fx) + b * fx) * (1 - fy) + (c * (1 - fx) + d * fx) * fy

    @staticmethod
    def ticks(row, local, wide, n):
        """Marks beside the digits, as on a last wheel."""
        each = torch.randint(1, 11, (n, 1, 1)) * torch.where(torch.rand(n, 1, 1) < 0.5, 1, 2)
        start = wide / 2 * uniform(n, 0.65, 0.95, None, (1, 1))
        side = torch.where(torch.rand(n, 1, 1) < 0.8, 1.0, -1.0)
        on = ((row * each + 0.25) % 1 < 0.5) & (local * side > start)
        return on.float() * (torch.rand(n, 1, 1) < 0.3) * uniform(n, 0.4, 1, None, (1, 1))

    @staticmethod
    def light(v, local, n):
        round_off = 1 - uniform(n, 0, 2.4, None, (1, 1)) * v**2
        rim = 1 - uniform(n, 0, 1.6, None, (1, 1)) * (local.abs() - 0.3).clamp(min=0)
        return round_off.clamp(min=0.1) * rim


class Displays(Drums):
    """LCD digits: nothing turns; segments that are off may show a little."""

    def __init__(self, store):
        names = np.array([str(name) for name in store.names])
        fonts = [f for f in range(len(names)) if names[f].startswith("DSEG")]
        self.bank = glyph_bank(store.digits[fonts])
        self.aspect = kept(store.widths[fonts] / 64)

    def draw(self, n):
        u, v, shown = places(n)
        which, local = three(u)
        font, stroke = torch.randint(len(self.bank), (n,)), torch.randint(3, (n,))
        digits = torch.randint(10, (n, 3))
        here = digits.gather(1, which.flatten(1)).reshape(n, H, W)
        high = uniform(n, 0.5, 0.95, None, (1, 1))
        across = uniform(n, 0.5, 0.88, None, (1, 1))
        lean = uniform(n, -0.02, 0.16, None, (1, 1)) * (torch.rand(n, 1, 1) < 0.6)
        shift = 0.04 * torch.randn(n, 1, 1)
        gx, gy = (local + lean * v - shift) / across, v / high
        on = self.coverage(font, stroke, here, gx, gy)
        ghost = self.coverage(font, stroke, torch.full_like(here, 8), gx, gy)
        ghost = ghost * uniform(n, 0, 0.25, None, (1, 1)) * (torch.rand(n, 1, 1) < 0.5)
        point = ((local - across / 2 - 0.06).abs() < 0.04) & ((v - high / 2 + 0.05).abs() < 0.05)
        point = point & (torch.rand(n, 1, 1) < 0.25)
        alpha = torch.maximum(torch.maximum(on, ghost), point.float())[:, None]
        paper = shades(n, 0.3, 0.85) + 0.06 * torch.randn(n, 3, 1, 1)
        ink = paper * uniform(n, 0.05, 0.65, None)
        lit = torch.rand(n, 1, 1, 1) < 0.15
        ink = torch.where(lit, shades(n, 0.5, 1.0), ink)
        paper = torch.where(lit, shades(n, 0.0, 0.25), paper)
        picture = (alpha * ink + (1 - alpha) * paper).clamp(0, 1)
        picture = outside(picture, v.abs() > 0.5 + uniform(n, -0.02, 0.1, None, (1, 1)), 0.5)
        return rows_of(picture, digits[:, 1].float(), True, shown, 1)


class Nothing:
    """What is no wheel: parts of photos away from the window, letters, bare plates."""

    def __init__(self, store, count=6000, seed=3):
        rng = np.random.default_rng(seed)
        made = [self.one(rng, store, k % 4) for k in range(count)]
        self.image = kept(np.array(made))

    def one(self, rng, store, kind):
        if kind < 2:
            return self.photo_part(rng, store)
        crop = np.empty((H, W, 3), np.float32)
        crop[:] = rng.uniform(10, 245) + rng.normal(0, 8, 3)
        if kind == 2:
            self.letter(rng, store, crop)
        else:
            size = (int(rng.integers(1, 9)), int(rng.integers(1, 6)), 3)
            rough = rng.normal(0, rng.uniform(0, 60), size).astype(np.float32)
            way = rng.choice([cv2.INTER_LINEAR, cv2.INTER_NEAREST])
            crop += cv2.resize(rough, (W, H), interpolation=int(way)).reshape(H, W, 3)
        return np.clip(crop, 0, 255).astype(np.uint8)

    @staticmethod
    def photo_part(rng, store):
        while True:
            k = rng.integers(len(store.photos))
            photo, quad = store.photos[k], store.quads[k]
            width = np.linalg.norm(quad[1] - quad[0])
            size = np.exp(rng.uniform(np.log(14), np.log(90)))
            at = rng.uniform([0, 0], [photo.shape[1], photo.shape[0]])
            if np.linalg.norm(at - quad.mean(0)) > 0.62 * width + size / 2:
                break
        turn = rng.choice([0, rng.uniform(0, 360)])
        view = cv2.getRotationMatrix2D((0, 0), turn, W / size)
        matrix = np.float32(np.column_stack([view[:, :2], (W / 2, H / 2) - view[:, :2] @ at]))
        return cv2.warpAffine(photo, matrix, (W, H), borderMode=cv2.BORDER_REPLICATE)

    @staticmethod
    def letter(rng, store, crop):
        ink = 250 - crop.mean() + rng.normal(0, 20, 3)
        font = rng.integers(len(store.letters))
        for _ in range(rng.integers(1, 3)):
            code = ord(rng.choice(list("ACDEFGHJKLMNPQRTUVWXYabdefhkmnprtuwxy/()=+%#m"))) - 32
            wide = max(4, int(store.advance[font][code]))
            glyph = store.letters[font][code][:, :wide]
            scale = rng.uniform(0.7, 2.4)
            first = [scale * rng.uniform(0.7, 1.3), 0, rng.uniform(-14, 18)]
            matrix = np.float32([first, [rng.normal(0, 0.05), scale, rng.uniform(-26, 14)]])
            alpha = cv2.warpAffine(glyph, matrix, (W, H))[:, :, None].astype(np.float32) / 255
            crop[:] = crop * (1 - alpha) + alpha * ink

    def draw(self, n):
        index = torch.randint(len(self.image), (n,))
        u, v, _ = places(n, 0)
        x, y = (u * 0.88 + 0.5) * W - 0.5, (v * 0.88 + 0.5) * H - 0.5
        return rows_of(look(pixels(self.image[index]), x, y), torch.zeros(n), False, 0, -1)
