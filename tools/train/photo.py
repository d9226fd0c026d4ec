"""Draws made-up photos of meters with the true window, and photos that only look like one.

A photo is drawn at 640 px; the strip is cut from that, the photo itself is kept at 448 px.
"""
import cv2
import numpy as np

import layout
from register import draw_register, draw_strip, put_text, shade, word

SIDE = 640
OUT = 448
PLATE = 480


def background(rng, store):
    """A real photo without its window, zoomed at random, or a smooth made-up ground."""
    if rng.random() < 0.55:
        index = rng.integers(0, len(store.photos))
        image = without_window(rng, store.photos[index], store.quads[index])
        height, width = image.shape[:2]
        zoom = rng.uniform(0.4, 1.0)
        w, h = int(width * zoom), int(height * zoom)
        x, y = rng.integers(0, width - w + 1), rng.integers(0, height - h + 1)
        return cv2.resize(image[y : y + h, x : x + w], (SIDE, SIDE)).astype(np.float32)
    coarse = rng.uniform(0, 1, (int(rng.integers(2, 9)), int(rng.integers(2, 9)), 1)).astype(
        np.float32
    )
    field = cv2.resize(coarse, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)[:, :, None]
    return np.clip(shade(rng, 5, 230) * (1 - field) + shade(rng, 5, 230) * field, 0, 255).astype(
        np.float32
    )


def without_window(rng, image, quad):
    """The photo with its counter window painted over."""
    quad = np.float32(quad)
    middle = quad.mean(0)
    hole = middle + (quad - middle) * np.float32([1.12, 1.3])
    mask = np.zeros(image.shape[:2], np.uint8)
    cv2.fillConvexPoly(mask, hole.astype(np.int32), 255)
    inside = image[mask > 0]
    paint = inside.mean(0) if len(inside) else np.full(3, 128.0)
    noise = rng.normal(0, rng.uniform(1, 12), image.shape)
    soft = cv2.GaussianBlur(mask, (5, 5), 0)[:, :, None] / 255.0
    return np.clip(image * (1 - soft) + (paint + noise) * soft, 0, 255).astype(np.uint8)


def dial(rng, plate, x, y, radius):
    cv2.circle(plate, (x, y), radius, shade(rng, 150, 255).tolist(), -1, cv2.LINE_AA)
    cv2.circle(
        plate, (x, y), radius, shade(rng, 0, 90).tolist(), int(rng.integers(1, 3)), cv2.LINE_AA
    )
    for turn in np.linspace(0, 2 * np.pi, 11)[:-1]:
        a = (int(x + radius * 0.8 * np.cos(turn)), int(y + radius * 0.8 * np.sin(turn)))
        b = (int(x + radius * np.cos(turn)), int(y + radius * np.sin(turn)))
        cv2.line(plate, a, b, (30, 30, 30), 1, cv2.LINE_AA)
    turn = rng.uniform(0, 2 * np.pi)
    tip = (int(x + radius * 0.75 * np.cos(turn)), int(y + radius * 0.75 * np.sin(turn)))
    cv2.line(
        plate,
        (x, y),
        tip,
        (30, 30, 200) if rng.random() < 0.8 else (20, 20, 20),
        int(rng.integers(2, 6)),
    )
    cv2.circle(plate, (x, y), max(2, radius // 4), (40, 40, 190), -1, cv2.LINE_AA)


def bar_code(rng, plate, x, y, width, height):
    bars = np.repeat(rng.integers(0, 2, width // 2 + 1) * 255, 2)[:width].astype(np.float32)
    part = plate[y : y + height, x : x + width]
    part[:] = np.broadcast_to(bars[None, : part.shape[1], None], part.shape)


def furniture(rng, store, plate, keep_out):
    """Printing, serial plates, bar codes, dials, stickers, a rotor slot: everything but the
    window."""
    ink = shade(rng, 0, 90) if plate.mean() > 110 else shade(rng, 150, 255)

    def free(x0, y0, x1, y1):
        a, b, c, d = keep_out
        return x1 < a or x0 > c or y1 < b or y0 > d

    for _ in range(rng.integers(2, 15)):
        height, x, y = rng.uniform(10, 38), rng.uniform(10, 380), rng.uniform(20, 460)
        text = word(rng)
        width = len(text) * height * 0.65
        if not free(x, y - height / 2, x + width, y + height / 2):
            continue
        if rng.random() < 0.25:  # a serial number on a plate of its own: the classic false window
            paper = shade(rng, 5, 60) if rng.random() < 0.6 else shade(rng, 180, 250)
            corner = (int(x + width), int(y + height / 2 + 3))
            cv2.rectangle(plate, (int(x - 5), int(y - height / 2 - 3)), corner, paper.tolist(), -1)
            put_text(
                rng,
                store,
                plate,
                x,
                y,
                height,
                text,
                shade(rng, 160, 255) if paper.mean() < 120 else ink,
            )
        else:
            put_text(rng, store, plate, x, y, height, text, ink)
    for _ in range(rng.integers(0, 5)):
        radius = int(rng.integers(16, 48))
        x, y = rng.integers(radius, PLATE - radius, 2)
        if free(x - radius, y - radius, x + radius, y + radius):
            dial(rng, plate, int(x), int(y), radius)
    for _ in range(rng.integers(0, 3)):
        x, y = int(rng.integers(10, 300)), int(rng.integers(10, 430))
        width, height = int(rng.integers(60, 170)), int(rng.integers(12, 40))
        if free(x, y, x + width, y + height):
            if rng.random() < 0.6:
                bar_code(rng, plate, x, y, width, height)
            else:
                cv2.rectangle(
                    plate, (x, y), (x + width, y + height), shade(rng, 0, 255).tolist(), -1
                )
    if rng.random() < 0.3:
        x, y, radius = (int(v) for v in (*rng.integers(60, 420, 2), rng.integers(20, 50)))
        if free(x - radius, y - radius, x + radius, y + radius):
            cv2.circle(plate, (x, y), radius, shade(rng, 180, 255).tolist(), -1, cv2.LINE_AA)
            put_text(rng, store, plate, x - radius * 0.7, y, 14, word(rng)[:6], (30, 140, 230))


def draw_plate(rng, store, with_window):
    """A flat face [480, 480, 3], its mask, and (quad, register) or (None, None)."""
    plate = np.empty((PLATE, PLATE, 3), np.float32)
    plate[:] = shade(rng, 150, 250) if rng.random() < 0.75 else shade(rng, 15, 150)
    register = draw_register(rng, store) if with_window else None
    quad, keep_out = None, (0, 0, 0, 0)
    if register:
        count = len(register.positions)
        height = rng.uniform(20, 68)
        width = min(height * count * rng.uniform(0.5, 1.05), 430.0)
        height = max(height, width / count / 1.3)
        x0, y0 = rng.uniform(12, PLATE - width - 12), rng.uniform(50, PLATE - height - 60)
        x0, y0, width, height = int(x0), int(y0), int(width), int(height)
        keep_out = (x0 - 12, y0 - 10, x0 + width + 12, y0 + height + 10)
        quad = np.float32(
            [[x0, y0], [x0 + width, y0], [x0 + width, y0 + height], [x0, y0 + height]]
        )
    furniture(rng, store, plate, keep_out)
    if register:
        if rng.random() < 0.65:
            edge = int(rng.integers(1, 10))
            frame = shade(rng, 5, 70) if rng.random() < 0.7 else shade(rng, 100, 255)
            cv2.rectangle(
                plate,
                (x0 - edge, y0 - edge),
                (x0 + width + edge, y0 + height + edge),
                frame.tolist(),
                -1,
            )
        plate[y0 : y0 + height, x0 : x0 + width] = cv2.resize(
            register.image, (width, height), interpolation=cv2.INTER_AREA
        )
        if rng.random() < 0.5:
            put_text(
                rng,
                store,
                plate,
                x0 + width + 14,
                y0 + height / 2,
                height * 0.8,
                str(rng.choice(["m3", "kWh", "m"])),
                shade(rng, 0, 120),
            )
    mask = np.zeros((PLATE, PLATE), np.float32)
    shape = rng.integers(0, 3)
    if shape == 0 and (
        quad is None or (np.linalg.norm(quad - PLATE / 2, axis=1) < PLATE * 0.48).all()
    ):
        cv2.circle(mask, (PLATE // 2, PLATE // 2), PLATE // 2 - 2, 1, -1, cv2.LINE_AA)
        if rng.random() < 0.7:
            cv2.circle(
                plate,
                (PLATE // 2, PLATE // 2),
                PLATE // 2 - 4,
                shade(rng, 20, 200).tolist(),
                int(rng.integers(3, 16)),
                cv2.LINE_AA,
            )
    else:
        mask[2:-2, 2:-2] = 1
    return plate, mask, quad, register


def light(rng, image, quad):
    """Uneven light, shadows, reflections and dirt over the whole picture."""
    coarse = rng.uniform(rng.uniform(0.35, 1), 1.1, (3, 3)).astype(np.float32)
    image *= cv2.resize(coarse, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)[:, :, None]
    middle = quad.mean(0) if quad is not None else np.array([SIDE / 2, SIDE / 2])
    for _ in range(rng.integers(0, 3)):
        spot = np.zeros((SIDE // 4, SIDE // 4), np.float32)
        centre = middle + rng.normal(0, 110, 2)
        axes = (int(rng.integers(2, 24)), int(rng.integers(2, 12)))
        cv2.ellipse(
            spot, tuple(int(v / 4) for v in centre), axes, rng.uniform(0, 180), 0, 360, 1, -1
        )
        spot = cv2.GaussianBlur(spot, (0, 0), rng.uniform(0.8, 6))
        image += cv2.resize(spot, (SIDE, SIDE))[:, :, None] * rng.uniform(20, 170)
    for _ in range(rng.integers(0, 3)):
        x, y = (int(v) for v in rng.integers(0, SIDE, 2))
        cv2.line(
            image,
            (x, y),
            (x + int(rng.normal(0, 200)), y + int(rng.normal(0, 200))),
            shade(rng, 0, 255).tolist(),
            int(rng.integers(1, 4)),
            cv2.LINE_AA,
        )
    return image


def place_plate(rng, store, with_window):
    ground = background(rng, store)
    plate, mask, quad, register = draw_plate(rng, store, with_window)
    size = rng.uniform(300, 760)
    centre = np.array([SIDE / 2, SIDE / 2]) + rng.normal(0, 60, 2)
    stretch = np.array([1.0, rng.uniform(0.8, 1.25)])
    corners = (
        np.float32([[-1, -1], [1, -1], [1, 1], [-1, 1]]) / 2 * stretch
        + rng.normal(0, 0.035, (4, 2))
    ) * size
    turn = rng.normal(0, 0.15)
    rotation = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    source = np.float32([[0, 0], [PLATE, 0], [PLATE, PLATE], [0, PLATE]])
    transform = cv2.getPerspectiveTransform(source, np.float32(corners @ rotation + centre))
    if rng.random() < 0.3:  # the dark ring of a cover under the plate
        cv2.circle(
            ground,
            tuple(int(v) for v in centre),
            int(size * rng.uniform(0.5, 0.65)),
            shade(rng, 10, 160).tolist(),
            int(rng.integers(8, 60)),
            cv2.LINE_AA,
        )
    over = cv2.warpPerspective(plate, transform, (SIDE, SIDE))
    alpha = cv2.warpPerspective(mask, transform, (SIDE, SIDE))[:, :, None]
    image = ground * (1 - alpha) + over * alpha
    if quad is not None:
        quad = cv2.perspectiveTransform(quad[None], transform)[0]
    return image, quad, register


def place_in_photo(rng, store):
    """A drawn strip in the window of a real photo, in the light the window had."""
    index = rng.integers(0, len(store.photos))
    photo, quad = store.photos[index].astype(np.float32), np.float32(store.quads[index])
    scale = SIDE / max(photo.shape[:2])
    photo, quad = cv2.resize(photo, None, fx=scale, fy=scale), quad * scale
    strip, positions, centres, red = draw_strip(rng, store)
    strip = cv2.GaussianBlur(strip.astype(np.float32), (0, 0), rng.uniform(0.3, 2.0))
    transform = cv2.getPerspectiveTransform(layout.strip_corners(), quad)
    mask = np.zeros(strip.shape[:2], np.float32)
    mask[int(layout.TOP) : int(layout.BOTTOM), int(layout.LEFT) : int(layout.RIGHT)] = 1
    size = (photo.shape[1], photo.shape[0])
    alpha = cv2.warpPerspective(mask, transform, size)[:, :, None]
    over = cv2.warpPerspective(strip, transform, size)
    inside = photo[alpha[:, :, 0] > 0.5]
    if len(inside) and rng.random() < 0.7:
        over *= np.clip((inside.mean() + 10) / (strip.mean() + 10), 0.3, 1.2)
    image = np.zeros((SIDE, SIDE, 3), np.float32)
    image[: size[1], : size[0]] = photo * (1 - alpha) + over * alpha
    return image, quad, positions, centres, red


def cut(image, quad):
    return layout.straighten(np.clip(image, 0, 255).astype(np.uint8), quad)


def draw_photo(rng, store):
    """(photo, quad or None, strip, positions, centres, red); strip and the rest are None without
    window."""
    while True:
        drawn = try_photo(rng, store)
        quad = drawn[1]
        if quad is None or (quad.min() > 6 and quad.max() < OUT - 6):
            return drawn


def try_photo(rng, store):
    kind = rng.random()
    if kind < 0.2:
        image, quad, positions, centres, red = place_in_photo(rng, store)
    elif kind < 0.26:
        index = rng.integers(0, len(store.photos))
        bare = without_window(rng, store.photos[index], store.quads[index])
        image, quad, register = np.zeros((SIDE, SIDE, 3), np.float32), None, None
        scale = SIDE / max(bare.shape[:2])
        bare = cv2.resize(bare, None, fx=scale, fy=scale)
        image[: bare.shape[0], : bare.shape[1]] = bare
    else:
        image, quad, register = place_plate(rng, store, rng.random() > 0.12)
        image = light(rng, image, quad)
        if register:
            positions, red = register.positions, register.red
            centres = layout.LEFT + register.centres * (layout.RIGHT - layout.LEFT)
    image = np.clip(image, 0, 255).astype(np.uint8)
    photo = cv2.resize(image, (OUT, OUT), interpolation=cv2.INTER_AREA)
    if quad is None:
        return photo, None, None, None, None, 0
    return photo, quad * (OUT / SIDE), cut(image, quad), positions, centres, red
