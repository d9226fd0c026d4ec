"""Shapes shared by preparation, drawing, training and (as constants) the C++ reader."""
import cv2
import numpy as np

# A stored strip: the counter window fills [LEFT, RIGHT] x [TOP, BOTTOM], the rest is margin.
STRIP_WIDTH, STRIP_HEIGHT = 384, 72
LEFT, RIGHT, TOP, BOTTOM = 48.0, 336.0, 16.0, 56.0
WHEELS_MAX = 9

# What each net sees (width, height).
LOCATOR_SIDE = 320
LOCATOR_SIDES = (192, 192, 320)  # while it trains: the reader looks from afar first
REFINER_WIDTH, REFINER_HEIGHT = 160, 80
READER_WIDTH, READER_HEIGHT = 224, 32
# Where the window lies in the refiner's and the reader's picture, as fractions of its width and
# height.
REFINER_SPAN = (0.60, 0.45)
READER_SPAN = (0.92, 0.80)
# The wheel net sees one wheel; the pitch from wheel to wheel and the window's height fill these
# fractions of its width and height.
WHEEL_WIDTH, WHEEL_HEIGHT = 32, 48
WHEEL_SPAN = (0.88, 0.88)


def strip_corners():
    return np.float32([[LEFT, TOP], [RIGHT, TOP], [RIGHT, BOTTOM], [LEFT, BOTTOM]])


def straighten(image, quad):
    """The strip of one window; a large window is first averaged down so that it does not alias."""
    quad = np.float32(quad)
    width = max(np.linalg.norm(quad[1] - quad[0]), 1.0)
    shrink = width / (RIGHT - LEFT)
    if shrink > 1.6:
        image = cv2.resize(image, None, fx=1 / shrink, fy=1 / shrink, interpolation=cv2.INTER_AREA)
        quad = quad / shrink
    transform = cv2.getPerspectiveTransform(quad, strip_corners())
    return cv2.warpPerspective(
        image,
        transform,
        (STRIP_WIDTH, STRIP_HEIGHT),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )


def wheel_crops(strip, centres, pitch):
    """[n, 48, 32, 3]: one crop round each wheel of a stored strip, edges replicated.

    centres: x of the wheels' middles, as the strip's pixels count (the window begins at LEFT);
    pitch: from one middle to the next. Pixel x of a crop shows the strip at
    centre + ((x + 0.5) / 32 - 0.5) * pitch / 0.88 - 0.5, pixel y shows
    36 + ((y + 0.5) / 48 - 0.5) * 40 / 0.88 - 0.5, both between pixels by bilinear weights.
    """
    step_x = pitch / (WHEEL_WIDTH * WHEEL_SPAN[0])
    step_y = (BOTTOM - TOP) / (WHEEL_HEIGHT * WHEEL_SPAN[1])
    crops = []
    for centre in centres:
        start_x = centre + (0.5 - WHEEL_WIDTH / 2) * step_x - 0.5
        start_y = (TOP + BOTTOM) / 2 + (0.5 - WHEEL_HEIGHT / 2) * step_y - 0.5
        crops.append(
            cv2.warpAffine(
                strip,
                np.float32([[step_x, 0, start_x], [0, step_y, start_y]]),
                (WHEEL_WIDTH, WHEEL_HEIGHT),
                flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
                borderMode=cv2.BORDER_REPLICATE,
            )
        )
    return np.array(crops)
