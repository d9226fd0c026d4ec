"""Draws a counter register: a row of wheels, each a turning drum of font digits or of real wheel
crops."""
import dataclasses

import cv2
import numpy as np

import layout

HEIGHT = 64  # pixels of a drawn register
FONTS_HELD = 6  # the last fonts are kept out of training, for calibration on unseen type


@dataclasses.dataclass
class Register:
    image: np.ndarray  # [64, width, 3] uint8
    positions: np.ndarray  # wheel positions 0.0 to 9.99
    centres: np.ndarray  # x of each wheel's middle as a fraction of the width
    red: int  # how many trailing wheels are in the decimals' colour; -1: unknown


class Store:
    """Everything real that drawing uses, from prepared.npz and glyphs.npz."""

    def __init__(self, prepared, glyphs, split="train", leave_out=()):
        pack, glyph = np.load(prepared), np.load(glyphs)
        self.train = split == "train"
        self.digits, self.widths = glyph["digits"], glyph["widths"]
        self.names = glyph["names"]
        self.letters, self.advance = glyph["letters"], glyph["advance"]
        self.fonts = self.font_indices(len(self.digits))
        self.wheels_by_group = self.load_wheels(pack)
        self.photos = self.load_pictures(pack, "photo", split)
        self.quads = pack["photo_quad"][pack["photo_split"] == split]
        self.sources = pack["photo_source"][pack["photo_split"] == split]
        strips = self.load_pictures(pack, "strip", split)
        self.strips, self.strip_source = strips, pack["strip_source"][pack["strip_split"] == split]
        self.strip_position = pack["strip_position"][pack["strip_split"] == split]
        self.strip_decimals = pack["strip_decimals"][pack["strip_split"] == split]
        self.drop(leave_out)

    def drop(self, sources):
        """Leaves out the strips of whole kinds of photos."""
        keep = ~np.isin(self.strip_source, sources)
        self.strips = [strip for strip, stays in zip(self.strips, keep) if stays]
        self.strip_source, self.strip_position = self.strip_source[keep], self.strip_position[keep]
        self.strip_decimals = self.strip_decimals[keep]

    def font_indices(self, count):
        order = np.random.default_rng(7).permutation(count)
        return order[:-FONTS_HELD] if self.train else order[-FONTS_HELD:]

    @staticmethod
    def load_pictures(pack, name, split=None):
        ends, data = pack[name + "_ends"], pack[name + "_bytes"]
        keep = (
            range(len(ends)) if split is None else np.flatnonzero(pack[name + "_split"] == split)
        )
        starts = np.concatenate([[0], ends[:-1]])
        return [cv2.imdecode(data[starts[i] : ends[i]], cv2.IMREAD_COLOR) for i in keep]

    def load_wheels(self, pack):
        pages = self.load_pictures(pack, "page")
        groups = {}
        for index in np.flatnonzero(pack["wheel_train"] == self.train):
            page, slot = pages[index // 64], index % 64
            y, x = 48 * (slot // 8), 32 * (slot % 8)
            wheel = page[y : y + 48, x : x + 32]
            groups.setdefault(int(pack["wheel_group"][index]), []).append(
                (float(pack["wheel_position"][index]), wheel.mean((0, 1)), wheel)
            )
        return {group: wheels for group, wheels in groups.items() if len(wheels) >= 20}


def draw_positions(rng, count):
    """Positions as a train of wheels has them: a wheel turns only while the one to its right
    passes 9."""
    digits = rng.integers(0, 10, count).astype(float)
    if rng.random() < 0.3:
        digits[rng.integers(0, count) :] = 9 if rng.random() < 0.6 else 0
    if rng.random() < 0.15:
        digits[: rng.integers(1, count)] = 0
    if rng.random() < 0.6:
        digits[-1] += rng.random()
    for index in range(count - 2, -1, -1):
        passed = digits[index + 1] - 9
        if passed > 0:
            digits[index] += passed
    digits += rng.normal(0, rng.choice([0.01, 0.03, 0.08]), count)
    return np.mod(digits, 10)


def shade(rng, low, high):
    """A grey of the given range with a slight tint, BGR."""
    return np.clip(rng.uniform(low, high) + rng.normal(0, 7, 3), 0, 255)


def colours(rng, red):
    if red:
        ink = np.array([rng.uniform(20, 90), rng.uniform(20, 80), rng.uniform(130, 230)])
        pair = (ink, shade(rng, 170, 245)) if rng.random() < 0.5 else (shade(rng, 180, 250), ink)
        return pair if rng.random() < 0.9 else (ink, shade(rng, 15, 60))
    if rng.random() < 0.6:
        return shade(rng, 120, 250), shade(rng, 8, 75)
    return shade(rng, 8, 80), shade(rng, 140, 250)


def draw_drum(rng, glyphs, font_width, ink, paper, width):
    """A whole drum [640, width, 3], digit d centred at row 64 d + 32."""
    height = int(rng.uniform(0.52, 0.8) * 64)
    glyph_width = int(np.clip(font_width / 64 * height * rng.uniform(0.8, 1.3), 10, width * 0.92))
    drum = np.zeros((640, width), np.float32)
    left, top = (width - glyph_width) // 2, 32 - height // 2
    for digit in range(10):
        glyph = cv2.resize(glyphs[digit], (glyph_width, height), interpolation=cv2.INTER_AREA)
        drum[64 * digit + top : 64 * digit + top + height, left : left + glyph_width] = glyph
    stroke = rng.random()
    if stroke < 0.4:
        change = cv2.dilate if stroke < 0.25 else cv2.erode
        drum = change(drum, np.ones((3, 3), np.uint8))
    drum = np.roll(drum, rng.integers(-width // 14 - 1, width // 14 + 2), axis=1)
    if rng.random() < 0.3:
        step, tick = rng.integers(6, 22), int(width * rng.uniform(0.05, 0.18)) + 1
        side = slice(width - tick, width) if rng.random() < 0.7 else slice(0, tick)
        for row in range(0, 640, step):
            drum[row : row + step // 2, side] = rng.uniform(120, 255)
    drum = drum[:, :, None] / 255
    return drum * ink + (1 - drum) * paper


def drum_view(drum, position, pitches, bend):
    """What the aperture shows of a drum that stands at `position`: [64, width, 3]."""
    y = np.linspace(-1, 1, HEIGHT)
    offset = np.arcsin(y * bend) / np.arcsin(bend) * pitches / 2
    row = (position + 0.5 + offset) * 64 - 0.5
    low = np.floor(row).astype(int)
    part = (row - low)[:, None, None]
    return drum[low % 640] * (1 - part) + drum[(low + 1) % 640] * part


def drums(rng, store, count):
    red = int(rng.choice([0, 1, 2, 3, 4], p=[0.5, 0.26, 0.08, 0.13, 0.03]))
    red = min(red, count - 3)
    font = rng.choice(store.fonts)
    width = int(rng.uniform(34, 66))
    plain = colours(rng, False)
    decimal = colours(rng, True) if rng.random() < 0.85 else colours(rng, False)
    paper_drums = [
        draw_drum(rng, store.digits[font], store.widths[font], *pair, width)
        for pair in ((plain, decimal) if red else (plain,))
    ]
    pitches, bend = rng.uniform(0.8, 1.55), rng.uniform(0.3, 0.95)
    positions = draw_positions(rng, count)
    down = np.linspace(-1, 1, HEIGHT)[:, None, None]
    light = 1 - rng.uniform(0, 0.55) * down**2
    if rng.random() < 0.3:  # a lamp above the window
        light = light * np.exp(-down * rng.uniform(0.1, 0.9))
    views = []
    for index, position in enumerate(positions):
        view = drum_view(paper_drums[-1 if index >= count - red else 0], position, pitches, bend)
        views.append(view * light * rng.uniform(0.92, 1.06))
    return views, positions, red, red > 0


def display(rng, store, count):
    """A row of LCD digits: no drums, nothing turns; segments that are off may show a little."""
    fonts = [font for font in range(len(store.names)) if str(store.names[font]).startswith("DSEG")]
    font, width = rng.choice(fonts), int(rng.uniform(30, 50))
    paper = shade(rng, 90, 210) + rng.uniform(-12, 12, 3)
    ink = paper * rng.uniform(0.05, 0.6)
    if rng.random() < 0.12:
        ink, paper = shade(rng, 150, 250), shade(rng, 5, 60)
    ghost = paper + (ink - paper) * rng.choice([0, rng.uniform(0, 0.25)])
    digits = rng.integers(0, 10, count)
    if rng.random() < 0.3:
        digits[: rng.integers(1, count)] = 0
    high, wide = int(rng.uniform(0.6, 0.9) * HEIGHT), int(width * rng.uniform(0.66, 0.92))
    place = (slice((HEIGHT - high) // 2, (HEIGHT - high) // 2 + high), slice(0, wide))
    lean = rng.choice([0.0, rng.uniform(0, 0.12)])
    views = []
    for digit in digits:
        view = np.empty((HEIGHT, width, 3), np.float32)
        view[:] = paper
        for shape, colour in ((8, ghost), (digit, ink)):
            glyph = store.digits[font][shape]
            glyph = cv2.resize(glyph, (wide, high), interpolation=cv2.INTER_AREA)
            alpha = glyph[:, :, None].astype(np.float32) / 255
            view[place] = view[place] * (1 - alpha) + colour * alpha
        sheared = np.float32([[1, -lean, lean * HEIGHT / 2 + width * 0.06], [0, 1, 0]])
        size = (width, HEIGHT)
        views.append(cv2.warpAffine(view, sheared, size, borderMode=cv2.BORDER_REPLICATE))
    return views, digits.astype(float), 0, False


def real_wheels(rng, store, count):
    """Crops of one group that look alike, side by side; their labels are good to a tenth."""
    sizes = {group: len(wheels) ** 0.5 for group, wheels in store.wheels_by_group.items()}
    group = rng.choice(list(sizes), p=np.array(list(sizes.values())) / sum(sizes.values()))
    wheels = store.wheels_by_group[group]
    picks = rng.integers(0, len(wheels), min(160, 24 * count))
    anchor = wheels[picks[0]][1]
    picks = sorted(picks, key=lambda i: np.abs(wheels[i][1] - anchor).sum())[: count * 2]
    picks = rng.permutation(picks)[:count]
    width = int(rng.uniform(36, 60))
    zoom = rng.uniform(0, 0.12)
    cut_x, cut_y = int(32 * zoom * 0.6), int(48 * zoom)
    views = []
    for index in picks:
        wheel = wheels[index][2][cut_y : 48 - cut_y, cut_x : 32 - cut_x]
        views.append(cv2.resize(wheel, (width, HEIGHT)).astype(np.float32))
    return views, np.array([wheels[index][0] % 10 for index in picks]), -1, False


def row_of_wheels(rng, views, split_at):
    """Views joined with gaps; `split_at` wheels from the left the decimals may stand apart."""
    width = views[0].shape[1]
    gap = int(rng.choice([0, 1, 2, width * rng.uniform(0.05, 0.5)], p=[0.25, 0.15, 0.15, 0.45]))
    fill = shade(rng, 5, 60) if rng.random() < 0.7 else shade(rng, 60, 230)
    extra = int(width * rng.uniform(0.1, 0.5)) if split_at and rng.random() < 0.25 else 0
    pad = gap // 2
    total = 2 * pad + len(views) * width + (len(views) - 1) * gap + extra
    image = np.empty((HEIGHT, total, 3), np.float32)
    image[:] = fill
    x, centres = pad, []
    for index, view in enumerate(views):
        x += extra if index == split_at and index else 0
        shift = int(rng.normal(0, 1.5))
        image[:, x : x + width] = np.roll(view, shift, axis=0) if shift else view
        centres.append((x + width / 2) / total)
        x += width + gap
    if rng.random() < 0.3:
        edge = int(rng.integers(1, 7))
        image[:edge] *= rng.uniform(0.2, 0.9)
        image[-edge:] *= rng.uniform(0.2, 1.0)
    return image, np.array(centres)


def draw_register(rng, store, count=None):
    count = count or int(rng.choice([4, 5, 6, 7, 8, 9], p=[0.06, 0.34, 0.2, 0.16, 0.2, 0.04]))
    make = rng.choice([real_wheels, drums, display], p=[0.42, 0.5, 0.08])
    if make is real_wheels and not store.wheels_by_group:
        make = drums
    views, positions, red, apart = make(rng, store, count)
    image, centres = row_of_wheels(rng, views, count - red if apart else 0)
    return Register(np.clip(image, 0, 255).astype(np.uint8), positions, centres, red)


def put_text(rng, store, canvas, x, y, height, text, ink):
    """Prints text with its left middle at x, y; returns its width in pixels."""
    font = rng.integers(0, len(store.letters))
    codes = [min(94, max(0, ord(letter) - 32)) for letter in text]
    line = np.hstack([store.letters[font][code][:, : store.advance[font][code]] for code in codes])
    width = max(4, int(line.shape[1] * height / 32))
    line = cv2.resize(line, (width, max(4, int(height))), interpolation=cv2.INTER_AREA)
    x, y = int(x), int(y - line.shape[0] / 2)
    x0, y0 = max(0, x), max(0, y)
    x1, y1 = min(canvas.shape[1], x + width), min(canvas.shape[0], y + line.shape[0])
    if x1 <= x0 or y1 <= y0:
        return width
    alpha = line[y0 - y : y1 - y, x0 - x : x1 - x, None].astype(np.float32) / 255
    canvas[y0:y1, x0:x1] = canvas[y0:y1, x0:x1] * (1 - alpha) + np.asarray(ink) * alpha
    return width


def word(rng):
    kind = rng.integers(0, 5)
    if kind == 0:
        return "".join(rng.choice(list("0123456789"), rng.integers(4, 13)))
    if kind == 1:
        return str(
            rng.choice(
                [
                    "m3",
                    "kWh",
                    "No.",
                    "GAS",
                    "WATT-HOUR METER",
                    "Q3 2.5",
                    "220V 50Hz",
                    "10(40)A",
                    "CLASS 2",
                    "Type",
                    "x0.0001",
                    "Made in",
                    "2019-09-13 10:46:04",
                    "T30",
                    "1 imp",
                ]
            )
        )
    letters = list("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-/()=")
    return "".join(rng.choice(letters, rng.integers(2, 18)))


def draw_strip(rng, store):
    """A register on a plate, as a stored strip: (strip, positions, centres in strip pixels,
    red)."""
    register = draw_register(rng, store)
    canvas = np.empty((layout.STRIP_HEIGHT, layout.STRIP_WIDTH, 3), np.float32)
    canvas[:] = shade(rng, 130, 240) if rng.random() < 0.6 else shade(rng, 10, 130)
    for _ in range(rng.integers(0, 4)):
        y = rng.choice([rng.uniform(-2, 10), rng.uniform(62, 74)])
        put_text(
            rng,
            store,
            canvas,
            rng.uniform(-20, 300),
            y,
            rng.uniform(10, 26),
            word(rng),
            shade(rng, 0, 255),
        )
    if rng.random() < 0.5:
        put_text(
            rng,
            store,
            canvas,
            layout.RIGHT + rng.uniform(4, 12),
            36,
            rng.uniform(20, 46),
            str(rng.choice(["m3", "kWh", "m", "G"])),
            shade(rng, 0, 120),
        )
    x0, x1 = int(layout.LEFT), int(layout.RIGHT)
    y0, y1 = int(layout.TOP), int(layout.BOTTOM)
    if rng.random() < 0.6:
        edge = int(rng.integers(1, 9))
        frame = shade(rng, 5, 70) if rng.random() < 0.7 else shade(rng, 100, 250)
        cv2.rectangle(canvas, (x0 - edge, y0 - edge), (x1 + edge, y1 + edge), frame.tolist(), -1)
    if register.red > 0 and rng.random() < 0.4:
        split = x0 + int(
            (x1 - x0) * (register.centres[-register.red] - 0.5 / len(register.positions))
        )
        cv2.rectangle(
            canvas, (split, y0 - 4), (x1 + 4, y1 + 4), (40, 40, 190), int(rng.integers(2, 8))
        )
    canvas[y0:y1, x0:x1] = cv2.resize(
        register.image, (x1 - x0, y1 - y0), interpolation=cv2.INTER_AREA
    )
    centres = layout.LEFT + register.centres * (layout.RIGHT - layout.LEFT)
    return np.clip(canvas, 0, 255).astype(np.uint8), register.positions, centres, register.red


def recombine(rng, store):
    """A real jorvkve strip with some wheels taken from others, matched in mean and contrast.

    The last value, -2, says that neither decimals nor tenths are known."""
    pool = np.flatnonzero(store.strip_source == "jorvkve")
    base = rng.choice(pool)
    strip, positions = store.strips[base].astype(np.float32), store.strip_position[base][:5].copy()
    pitch = (layout.RIGHT - layout.LEFT) / 5.12
    centres = layout.LEFT + pitch * (0.56 + np.arange(5))
    for index in range(5):
        if rng.random() < 0.35:
            continue
        donor = rng.choice(pool)
        source = index if index == 4 else rng.integers(0, 4)
        a, b = int(centres[source] - pitch / 2), int(centres[index] - pitch / 2)
        patch = store.strips[donor][12:60, a : a + int(pitch)].astype(np.float32)
        target = strip[12:60, b : b + int(pitch)]
        scale = (target.std() + 4) / (patch.std() + 4)
        strip[12:60, b : b + int(pitch)] = (patch - patch.mean((0, 1))) * scale + target.mean(
            (0, 1)
        )
        positions[index] = store.strip_position[donor][source]
    return np.clip(strip, 0, 255).astype(np.uint8), positions, centres, -2


def draw_false_strip(rng, store):
    """What a wrong window shows: printing, a serial plate, a bar code, or nothing. No positions."""
    canvas = np.empty((layout.STRIP_HEIGHT, layout.STRIP_WIDTH, 3), np.float32)
    canvas[:] = shade(rng, 5, 245)
    ink = shade(rng, 150, 255) if canvas.mean() < 120 else shade(rng, 0, 90)
    kind = rng.integers(0, 4)
    if kind == 0:
        bars = np.repeat(rng.integers(0, 2, 100), rng.integers(2, 5))[:288]
        canvas[16:56, 48 : 48 + len(bars)] = (bars[:, None] * 220 + 15)[None]
    elif kind < 3:
        for y in rng.uniform(0, 72, rng.integers(1, 4)) if kind == 1 else [36]:
            letters = list("ABCDEFGHIJKLMNOPRSTUVWXYZabcdefghiklmnoprstuvwxyz")
            text = word(rng) + "".join(rng.choice(letters, rng.integers(2, 12)))
            put_text(rng, store, canvas, rng.uniform(-20, 90), y, rng.uniform(16, 60), text, ink)
    else:
        coarse = rng.uniform(
            0, 255, (int(rng.integers(2, 9)), int(rng.integers(2, 30)), 3)
        ).astype(np.float32)
        canvas = cv2.resize(
            coarse, (layout.STRIP_WIDTH, layout.STRIP_HEIGHT), interpolation=cv2.INTER_LINEAR
        )
    return np.clip(canvas, 0, 255).astype(np.uint8), np.zeros(0), np.zeros(0), 0
