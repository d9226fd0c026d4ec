"""Shapes shared by preparation, drawing, training and (as constants) the C++ reader."""
import cv2
import numpy as np

# A stored strip: the counter window fills [LEFT, RIGHT] x [TOP, BOTTOM], the rest is margin.
STRIP_WIDTH, STRIP_HEIGHT = 384, 72
LEFT, RIGHT, TOP, BOTTOM = 48.0, 336.0, 16.0, 56.0
WHEELS_MAX = 9

# What each net sees (width, height).
LOCATOR_SIDE = 320
REFINER_WIDTH, REFINER_HEIGHT = 160, 80
READER_WIDTH, READER_HEIGHT = 224, 32
# Where the window lies in the refiner's and the reader's picture, as fractions of its width and
# height.
REFINER_SPAN = (0.60, 0.45)
READER_SPAN = (0.92, 0.80)


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
