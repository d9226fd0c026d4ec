"""Renders the digits and letters of installed fonts once into glyphs.npz, so that drawing needs
no fonts.

digits: [fonts, 10, 64, 56] coverage 0..255, every digit 64 px high unless narrower fonts need
less width.
letters: [text fonts, 95, 32, 32] and their advance widths, for the printing on made-up meter faces.
"""
import argparse
import fnmatch
import os

import numpy as np
from PIL import Image, ImageDraw, ImageFont

import files

DIGIT_FONTS = """B612-* B612Mono-* BebasNeue-B* BebasNeue-R* Cabin-* Cantarell-[BER]*
DSEG7Classic-[BR]*
DSEG7Modern-[BR]* DejaVuSans-Bold.ttf DejaVuSans.ttf DejaVuSansCondensed* DejaVuSansMono*
FreeMono* FreeSans*
FreeSerifBold.ttf Hack-* Hermit-* Inconsolata* Jura-[BMS]* Lato-[BHMR]* LiberationMono*
LiberationSans*
LiberationSerif-B* OCRA* OCRB.otf OCRBS.otf OpenSans-[BCRS]* Play-* Roboto-[BMR]*
RobotoCondensed-[BMR]* routed*
texgyreadventor* texgyrecursor* texgyreheros*""".split()
TEXT_FONTS = """DejaVuSans.ttf DejaVuSans-Bold.ttf DejaVuSansCondensed.ttf
LiberationSans-Regular.ttf
LiberationSans-Bold.ttf LiberationSansNarrow-Bold.ttf FreeSans.ttf RobotoCondensed-Regular.ttf
Lato-Bold.ttf
OCRA.ttf OCRB.otf texgyreheroscn-bold.otf LiberationSerif-Regular.ttf Roboto-Medium.ttf""".split()


def installed(patterns):
    found = {}
    for folder, _, names in os.walk("/usr/share/fonts"):
        for name in names:
            if not name.lower().endswith((".ttf", ".otf")):
                continue  # packages for web pages hold the same fonts in other wrappings
            plain = not any(word in name for word in ("Italic", "Oblique", "italic", "oblique"))
            if plain and any(fnmatch.fnmatch(name, pattern) for pattern in patterns):
                found[name] = os.path.join(folder, name)
    return [found[name] for name in sorted(found)]


def digit_set(path):
    font = ImageFont.truetype(path, 96)
    boxes = [font.getbbox(str(digit)) for digit in range(10)]
    top, bottom = min(box[1] for box in boxes), max(box[3] for box in boxes)
    width = max(box[2] - box[0] for box in boxes)
    glyphs = np.zeros((10, 64, 56), np.uint8)
    for digit, box in enumerate(boxes):
        cell = Image.new("L", (width, bottom - top))
        offset = (width - (box[2] - box[0])) // 2 - box[0]
        ImageDraw.Draw(cell).text((offset, -top), str(digit), fill=255, font=font)
        glyphs[digit] = np.asarray(cell.resize((56, 64), Image.Resampling.BOX))
    return glyphs, 64 * width / (bottom - top)


def letter_set(path):
    font = ImageFont.truetype(path, 24)
    letters, advance = np.zeros((95, 32, 32), np.uint8), np.zeros(95, np.uint8)
    for index in range(95):
        cell = Image.new("L", (32, 32))
        ImageDraw.Draw(cell).text((1, 1), chr(32 + index), fill=255, font=font)
        letters[index] = np.asarray(cell)
        advance[index] = min(31, max(5, round(font.getlength(chr(32 + index)))))
    return letters, advance


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    paths = installed(DIGIT_FONTS)
    sets = [digit_set(path) for path in paths]
    texts = [letter_set(path) for path in installed(TEXT_FONTS)]
    arrays = {
        "digits": np.array([item[0] for item in sets]),
        "widths": np.array([item[1] for item in sets], np.float32),
        "names": np.array([os.path.basename(path) for path in paths]),
        "letters": np.array([item[0] for item in texts]),
        "advance": np.array([item[1] for item in texts]),
    }
    files.save(args.out, arrays, np.savez_compressed)
    print(len(paths), "digit fonts,", len(texts), "text fonts")


if __name__ == "__main__":
    main()
