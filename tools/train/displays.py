"""Draws the strips that the display net learns from: rows of an LCD's digits, drawn or put together
of real ones, and what is none.

The window of a display spans all its places, also those on the left where it shows no leading
zeros; what stands round it (units, codes, marks) is part of a strip's margin or of its left.
"""
import sys

import cv2
import numpy as np

import layout
import prepare_wheels
import register
import wheel_sources

# Real digits that are kept out of this net's training.
HELD_GROUPS = ("collected/powermeter/LandisGyrT330_C", "collected/powermeter/unknown/liflitz",
               "held_lcd")
CONTRAST_LEAST = 11  # of a real digit, grey levels: one set labels empty places 0
NEGATIVES, REAL = 0.2, 0.35  # shares of strips that show no display, or real digits
SCALE = 3  # strips are drawn so much larger, then averaged
# Segments a to g as bits; the corners they run between, of a digit's box.
SEGMENTS = (0x3F, 0x06, 0x5B, 0x4F, 0x66, 0x6D, 0x7D, 0x07, 0x7F, 0x6F)
ENDS = ((0, 1), (1, 2), (2, 3), (4, 3), (5, 4), (0, 5), (5, 2))
LYING = (0, 3, 6)
WIDE, HIGH = layout.RIGHT - layout.LEFT, layout.BOTTOM - layout.TOP


class Real:
    """Crops of real LCD digits by group: [(digit, mean colour, [48, 32, 3])]."""

    def __init__(self, path, held=False):
        pack = np.load(path)
        wanted = np.isin(pack["group"], HELD_GROUPS) == held
        keep = np.flatnonzero((pack["lcd"] == 1) & wanted)
        crops = wheel_sources.mosaic_wheels(pack, keep)
        self.groups = {}
        for index, crop in zip(keep, crops):
            if crop[10:38, 6:26].mean(2).std() < CONTRAST_LEAST:
                continue
            digit = int(pack["position"][index]) % 10
            item = (digit, crop.mean((0, 1)), crop.astype(np.float32))
            self.groups.setdefault(str(pack["group"][index]), []).append(item)
        if not self.groups:
            sys.exit(f"{path} has no real LCD digits {'held out' if held else 'to train on'}: the "
                     "display net needs the public sets of single digits")


class Places:
    """How many places a display has, and which of them show a digit."""

    def __init__(self, rng):
        self.count = int(rng.choice([4, 5, 6, 7, 8, 9], p=[0.06, 0.16, 0.24, 0.2, 0.24, 0.1]))
        most = self.count - (1 if rng.random() < 0.15 else 3)
        self.hidden = int(rng.integers(0, most + 1)) if rng.random() < 0.4 else 0
        self.shown = self.count - self.hidden
        self.red = min(int(rng.choice([0, 1, 2, 3], p=[0.4, 0.25, 0.15, 0.2])), self.shown - 1)
        self.digits = rng.integers(0, 10, self.shown)
        if self.hidden and self.shown > self.red + 1 and self.digits[0] == 0:
            self.digits[0] = rng.integers(1, 10)
        elif not self.hidden and rng.random() < 0.4:
            self.digits[: rng.integers(1, self.shown)] = 0
        self.pitch = WIDE / self.count

    def centres(self):
        return layout.LEFT + (self.hidden + np.arange(self.shown) + 0.5) * self.pitch

    def labels(self):
        return self.digits.astype(float), self.centres(), self.red


class Look:
    """How one display draws digits, of segments or of dots; lengths in heights of a digit."""

    def __init__(self, rng, store):
        self.width = rng.uniform(0.42, 0.6)
        self.thick = rng.uniform(0.07, 0.17)
        # Seen from above or below, segments that lie show less than those that stand.
        self.flat = rng.uniform(0.5, 1.1) if rng.random() < 0.4 else 1.0
        self.faint = rng.uniform(0.35, 1.0) if rng.random() < 0.4 else 1.0
        self.gap = rng.uniform(0, 0.035)
        self.taper = rng.uniform(0.2, 0.6) if rng.random() < 0.7 else 0.02
        self.lean = rng.uniform(0.04, 0.18) if rng.random() < 0.55 else 0.0
        self.tailless = rng.random() < 0.12
        self.hooked = rng.random() < 0.2
        self.ghost = rng.uniform(0.02, 0.3) if rng.random() < 0.6 else 0.0
        self.dots = store.digits[rng.choice(store.fonts)] if rng.random() < 0.1 else None

    def segments(self, digit):
        if digit == 6 and self.tailless:
            return 0x7C
        if digit == 9 and self.tailless:
            return 0x67
        return 0x27 if digit == 7 and self.hooked else SEGMENTS[digit]

    def outline(self, end):
        """Corners of one segment in heights of the digit."""
        t, w = self.thick / 2, self.width
        nodes = np.float32([[t, t], [w - t, t], [w - t, 0.5], [w - t, 1 - t], [t, 1 - t], [t, 0.5]])
        p, q = nodes[end[0]], nodes[end[1]]
        d = (q - p) / np.linalg.norm(q - p)
        n = np.float32([-d[1], d[0]]) * t * (self.flat if abs(d[0]) > 0.5 else 1)
        p, q, cut = p + d * self.gap, q - d * self.gap, d * self.thick * self.taper
        return np.array([p, p + cut + n, q - cut + n, q, q - cut - n, p + cut - n])


def fill(mask, points, value):
    cv2.fillPoly(mask, [np.int32(np.round(points * 16))], float(value), cv2.LINE_AA, 4)


def of_dots(shape, high, wide):
    rows = cv2.resize(shape, (5, 7), interpolation=cv2.INTER_AREA) > 110
    dots = np.kron(rows, np.pad(np.ones((7, 7)), 1)[:8, :8]).astype(np.float32)
    return cv2.resize(dots, (wide, high), interpolation=cv2.INTER_AREA)


def draw_digit(mask, look, x, y, high, digit, darkness=1.0):
    """digit: None, where only what is off may show."""
    if look.dots is not None:
        if digit is not None:
            view = of_dots(look.dots[digit], int(high), int(high * look.width))
            x, y = int(x), int(y)
            place = mask[y : y + view.shape[0], x : x + view.shape[1]]
            np.maximum(place, view[: place.shape[0], : place.shape[1]] * darkness, out=place)
        return
    on = 0 if digit is None else look.segments(digit)
    for index, end in enumerate(ENDS):
        lit = on >> index & 1
        if lit or look.ghost:
            points = look.outline(end)
            points[:, 0] += look.lean * (0.5 - points[:, 1])
            lies = look.faint if index in LYING else 1
            fill(mask, points * high + (x, y), darkness * lies * (1 if lit else look.ghost))


def draw_point(rng, mask, look, x, y, high):
    """The decimal point or comma right of a place that ends at x, its foot at y."""
    size = high * look.thick * rng.uniform(0.45, 0.7)
    middle = np.float32([x - look.lean * high * 0.45, y - size])
    angles = np.arange(8) * np.pi / 4
    fill(mask, middle + size * np.stack([np.cos(angles), np.sin(angles)], -1), 1)
    if rng.random() < 0.35:  # a comma's tail
        tail = np.float32([[-0.6, 0], [1, 0], [-0.8, 2.6]])
        fill(mask, middle + size * tail, 1)


def colours(rng):
    """Ground and ink, BGR."""
    kind = rng.random()
    level = rng.uniform(0.6, 1.1)
    grounds = ((150, 182, 170), (190, 195, 190), (70, 220, 150), (60, 170, 235), (235, 150, 90))
    ground = np.float32(grounds[rng.choice(5, p=[0.4, 0.33, 0.13, 0.06, 0.08])]) * level
    ground = np.clip(ground + rng.normal(0, 10, 3), 0, 255)
    if kind < 0.08:
        return register.shade(rng, 5, 60), np.clip(ground * 1.3, 0, 255)
    return ground, ground * rng.uniform(0.05, 0.55)


def draw_marks(rng, store, canvas, ink):
    """Units, codes and words round the digits."""
    wide = canvas.shape[1]
    for _ in range(rng.integers(0, 4)):
        y = SCALE * rng.choice([rng.uniform(0, 13), rng.uniform(59, 72)])
        high = SCALE * rng.uniform(5, 12)
        register.put_text(rng, store, canvas, rng.uniform(0, wide), y, high,
                          register.word(rng), ink)
    if rng.random() < 0.7:
        x, y = SCALE * (layout.RIGHT + rng.uniform(2, 22)), SCALE * rng.uniform(24, 56)
        unit = str(rng.choice(["kWh", "m3", "MWh", "kW", "GJ", "m"]))
        register.put_text(rng, store, canvas, x, y, SCALE * rng.uniform(9, 24), unit, ink)


def draw_code(rng, mask, look, left):
    """The small code of what is shown, before the digits that begin at `left`."""
    high = SCALE * HIGH * rng.uniform(0.25, 0.5)
    x = SCALE * left - high * rng.uniform(2.0, 3.5)
    y = SCALE * rng.uniform(layout.TOP, layout.BOTTOM) - high / 2
    for _ in range(rng.integers(2, 4)):
        draw_digit(mask, look, x, y, high, int(rng.integers(0, 10)))
        x += high * 0.75


def draw_lcd(rng, store):
    """A display's strip, its positions, centres in strip pixels, and decimals."""
    places, look = Places(rng), Look(rng, store)
    size = (SCALE * layout.STRIP_HEIGHT, SCALE * layout.STRIP_WIDTH)
    ground, ink = colours(rng)
    canvas = np.empty((*size, 3), np.float32)
    canvas[:] = ground
    draw_marks(rng, store, canvas, ground + (ink - ground) * rng.uniform(0.5, 1))
    high = SCALE * min(HIGH * rng.uniform(0.62, 0.96), places.pitch * 0.9 / look.width)
    y = SCALE * (layout.TOP + layout.BOTTOM) / 2 - high / 2
    mask = np.zeros(size, np.float32)
    smaller = rng.uniform(0.7, 0.9) if places.red and rng.random() < 0.1 else 1
    for place in range(places.count):
        is_red = place >= places.count - places.red
        own = high * (smaller if is_red else 1)
        x = SCALE * (layout.LEFT + (place + 0.5) * places.pitch) - look.width * own / 2
        shown = place - places.hidden
        digit = int(places.digits[shown]) if shown >= 0 else None
        draw_digit(mask, look, x, y + high - own, own, digit)
        if is_red and smaller == 1 and place == places.count - places.red and rng.random() < 0.15:
            box = np.int32([x - 4, y - 8, SCALE * layout.RIGHT, y + high + 8])
            cv2.rectangle(mask, box[:2].tolist(), box[2:].tolist(), 0.8, SCALE)
    if places.red:
        edge = SCALE * (layout.RIGHT - places.red * places.pitch)
        draw_point(rng, mask, look, edge, y + high, high)
    if rng.random() < 0.3:
        draw_code(rng, mask, look, layout.LEFT + places.hidden * places.pitch)
    alpha = mask[..., None]
    if rng.random() < 0.5:  # the segments' shadow on what is behind them
        far = high * rng.uniform(0.01, 0.06)
        moved = cv2.warpAffine(mask, np.float32([[1, 0, far], [0, 1, far]]), size[::-1])
        alpha = np.maximum(alpha, moved[..., None] * rng.uniform(0.1, 0.3))
    canvas = canvas * (1 - alpha) + ink * alpha
    draw_edges(rng, canvas)
    strip = cv2.resize(canvas, (layout.STRIP_WIDTH, layout.STRIP_HEIGHT),
                       interpolation=cv2.INTER_AREA)
    return np.clip(strip, 0, 255).astype(np.uint8), *places.labels()


def draw_edges(rng, canvas):
    """The frame round the glass, on some of its sides."""
    frame = register.shade(rng, 5, 110) if rng.random() < 0.7 else register.shade(rng, 110, 240)
    high, wide = canvas.shape[:2]
    if rng.random() < 0.5:
        canvas[: int(SCALE * rng.uniform(0, layout.TOP - 3))] = frame
    if rng.random() < 0.5:
        canvas[high - int(SCALE * rng.uniform(0, layout.TOP - 3)) :] = frame
    if rng.random() < 0.3:
        canvas[:, : int(SCALE * rng.uniform(0, layout.LEFT - 4))] = frame
    if rng.random() < 0.3:
        canvas[:, wide - int(SCALE * rng.uniform(0, layout.LEFT - 4)) :] = frame


def put_real(rng, real):
    """Real digits of one display side by side."""
    places = Places(rng)
    names = list(real.groups)
    share = np.array([len(real.groups[name]) ** 0.5 for name in names])
    group = real.groups[names[rng.choice(len(names), p=share / share.sum())]]
    anchor = group[rng.integers(len(group))][1]
    alike = sorted(group, key=lambda item: np.abs(item[1] - anchor).sum())[: 12 + len(group) // 4]
    picks = [alike[i] for i in rng.integers(0, len(alike), places.shown)]
    places.digits = np.array([item[0] for item in picks])
    places.red = -1
    paper = np.percentile(picks[0][2].reshape(-1, 3), 75, axis=0)
    strip = np.empty((layout.STRIP_HEIGHT, layout.STRIP_WIDTH, 3), np.float32)
    strip[:] = paper
    aside, high = rng.uniform(0.02, 0.14), int(HIGH * rng.uniform(1.0, 1.25))
    top = (layout.STRIP_HEIGHT - high) // 2 + int(rng.integers(-2, 3))
    for centre, (_, mean, crop) in zip(places.centres(), picks):
        cut = int(32 * aside)
        crop = crop[:, cut : 32 - cut] - mean + anchor
        x0, x1 = round(centre - places.pitch / 2), round(centre + places.pitch / 2)
        strip[top : top + high, x0:x1] = cv2.resize(crop, (x1 - x0, high))
    first = places.centres()[0] - places.pitch / 2
    strip[:, : int(first)] = strip[:, int(first) : int(first) + 1]
    strip[:, int(layout.RIGHT) :] = strip[:, int(layout.RIGHT) - 1 : int(layout.RIGHT)]
    strip[:top], strip[top + high :] = strip[top : top + 1], strip[top + high - 1 : top + high]
    return np.clip(strip, 0, 255).astype(np.uint8), *places.labels()


def draw_number(rng, store):
    """A number printed on a plate."""
    canvas = np.empty((layout.STRIP_HEIGHT, layout.STRIP_WIDTH, 3), np.float32)
    canvas[:] = register.shade(rng, 5, 245)
    ink = register.shade(rng, 150, 255) if canvas.mean() < 120 else register.shade(rng, 0, 90)
    between = str(rng.choice(["", " "]))
    text = between.join(rng.choice(list("0123456789"), rng.integers(5, 12)))
    high = rng.uniform(24, 56)
    register.put_text(rng, store, canvas, rng.uniform(10, 80), 36, high, text, ink)
    return (np.clip(canvas, 0, 255).astype(np.uint8),)


def draw_none(rng, store):
    """Wheels, printing or anything else; no positions."""
    draw = rng.choice([register.draw_strip, register.draw_false_strip, draw_number])
    strip, *_ = draw(rng, store)
    return strip, np.zeros(0), np.zeros(0), 0


def draw_strip(rng, store, real):
    kind = rng.random()
    if kind < NEGATIVES:
        return draw_none(rng, store)
    if kind < NEGATIVES + REAL:
        return put_real(rng, real)
    return draw_lcd(rng, store)


def held_strips(path, count=200):
    """Rows of real digits that this net was not trained on: strips and positions."""
    real, rng = Real(path, held=True), np.random.default_rng(11)
    rows = [put_real(rng, real) for _ in range(count)]
    positions = np.full((count, layout.WHEELS_MAX), -1, np.float32)
    for row, (_, own, *_) in zip(positions, rows):
        row[: len(own)] = own
    return np.array([strip for strip, *_ in rows]), positions
