#!/usr/bin/env python3
"""Energy of a photo and life of a battery: currents times durations, nothing measured.

Usage: power.py [--set NAME=VALUE ...]   prints the tables of POWER.md, with your own numbers
       power.py --names                  prints the names, their values and where they come from
       power.py --check FILE             exits 1 unless FILE holds the tables as printed
"""
import argparse
import pathlib
import sys

# name: value, and where it comes from.
NUMBERS = {
    "camera_v": (5.0, "supply of an ESP32-CAM board; its regulator is linear"),
    "chip_ma": (50.0, "ESP32 data sheet: 30 to 68 mA at 240 MHz, radio off"),
    "chip_light_ma": (0.8, "ESP32 data sheet: light sleep"),
    "chip_deep_ma": (0.01, "ESP32 data sheet: deep sleep, timer on"),
    "board_ma": (6.0, "regulator and PSRAM: 5 to 8 mA seen on ESP32-CAM boards in deep sleep"),
    "good_board_ma": (0.05, "the same with a regulator for batteries and PSRAM switched off"),
    "sensor_ma": (45.0, "OV2640 data sheet: 140 mW compressed, at 3.3 V, rounded up"),
    "led_ma": (200.0, "estimate: a board with its LED on peaks above 300 mA"),
    "boot_s": (0.6, "estimate: boot loader, PSRAM test, start"),
    "sensor_start_s": (0.4, "estimate: reset and registers of the sensor"),
    "frame_s": (0.13, "estimate: 1024x768 at about 7.5 frames a second"),
    "frames": (5.0, "frames_to_drop 3, one filled ahead, one kept"),
    "lead_s": (0.5, "setting light_lead_ms"),
    "save_s": (1.6, "32 sectors of typically 45 ms to erase, 30 KiB to program"),
    "line_115200_s": (2.77, "README, figures: 30 KiB, command to stored, 115200 baud"),
    "line_921600_s": (0.36, "README, figures: the same at 921600 baud"),
    "awake_s": (10.0, "setting awake_ms: it listens so long before it sleeps"),
    "modem_v": (3.8, "supply of an EC600S"),
    "modem_ma": (15.0, "assumed for LTE Cat.1, registered and awake; see the module's data sheet"),
    "modem_sleep_ma": (2.0, "assumed for LTE Cat.1, registered, sleeping between pagings"),
    "modem_send_ma": (350.0, "assumed mean while sending, middling signal; up to 600 mA"),
    "modem_tail_ma": (60.0, "assumed: connected and silent, until the network lets go"),
    "modem_tail_s": (10.0, "assumed: the network's inactivity timer"),
    "converter": (0.85, "efficiency from the battery to a supply"),
    "battery_v": (3.6, "mean voltage of either battery"),
    "d_cell_ah": (19.0, "lithium thionyl chloride D cell"),
    "d_cell_usable": (0.7, "estimate: with pulses from a capacitor, and years of its own loss"),
    "li_ion_ah": (3.4, "18650"),
    "li_ion_usable": (0.85, "estimate"),
}
MODES = ["awake", "light", "deep", "deep, board for batteries"]
BAUDS = ["115200", "921600"]
PHOTOS = [1, 24, 96]
DAY_S = 86_400.0


def shot_s(n):
    return n["sensor_start_s"] + n["lead_s"] + n["frames"] * n["frame_s"]


def photo_s(n, mode, baud):
    """How long the camera is up for a photo, without what it waits before it sleeps."""
    boot = n["boot_s"] if mode.startswith("deep") else 0.0
    return boot + shot_s(n) + n["save_s"] + n[f"line_{baud}_s"]


def camera_photo_j(n, mode, baud):
    """All that the camera takes for one photo, resting after it included."""
    board = n["good_board_ma"] if "batteries" in mode else n["board_ma"]
    waits = 0.0 if mode == "awake" else n["awake_s"]
    chip = (n["chip_ma"] + board) * (photo_s(n, mode, baud) + waits)
    light = n["led_ma"] * (n["lead_s"] + n["frames"] * n["frame_s"])
    return n["camera_v"] * (chip + n["sensor_ma"] * shot_s(n) + light) / 1000


def modem_photo_j(n, baud):
    sending = n["modem_send_ma"] * n[f"line_{baud}_s"]
    return n["modem_v"] * (sending + n["modem_tail_ma"] * n["modem_tail_s"]) / 1000


def rest_w(n, mode):
    board = n["good_board_ma"] if "batteries" in mode else n["board_ma"]
    chip = {"awake": n["chip_ma"], "light": n["chip_light_ma"]}.get(mode, n["chip_deep_ma"])
    modem = n["modem_ma"] if mode == "awake" else n["modem_sleep_ma"]
    return n["camera_v"] * (chip + board) / 1000, n["modem_v"] * modem / 1000


def mean_w(n, mode, baud, photos):
    """Of the camera and of the modem, over a day."""
    camera_rest, modem_rest = rest_w(n, mode)
    busy = photo_s(n, mode, baud) + (0.0 if mode == "awake" else n["awake_s"])
    camera = camera_rest * (DAY_S - photos * busy) + photos * camera_photo_j(n, mode, baud)
    modem_busy = n[f"line_{baud}_s"] + n["modem_tail_s"]
    modem = modem_rest * (DAY_S - photos * modem_busy) + photos * modem_photo_j(n, baud)
    return camera / DAY_S, modem / DAY_S


def life_days(n, watts, battery):
    usable_wh = n[f"{battery}_ah"] * n[f"{battery}_usable"] * n["battery_v"] * n["converter"]
    return usable_wh / watts / 24


def photo_table(n):
    yield "| camera between photos | line | up for a photo | camera | EC600S |"
    yield "|---|---|---|---|---|"
    for mode in MODES:
        for baud in BAUDS:
            yield (f"| {mode} | {baud} | {photo_s(n, mode, baud):.1f} s "
                   f"| {camera_photo_j(n, mode, baud):.1f} J | {modem_photo_j(n, baud):.1f} J |")


def life_table(n):
    yield ("| camera between photos | line | photos a day | camera, mean | EC600S, mean "
           "| camera alone: D cell, 18650 | both: D cell, 18650 |")
    yield "|---|---|---|---|---|---|---|"
    for mode in MODES:
        for baud in BAUDS:
            for photos in PHOTOS:
                camera, modem = mean_w(n, mode, baud, photos)
                lives = [f"{life_days(n, watts, 'd_cell'):.0f}, {life_days(n, watts, 'li_ion'):.0f}"
                         for watts in (camera, camera + modem)]
                yield (f"| {mode} | {baud} | {photos} | {camera * 1000:.1f} mW "
                       f"| {modem * 1000:.1f} mW | {lives[0]} days | {lives[1]} days |")


def tables(n):
    return "\n".join(list(photo_table(n)) + [""] + list(life_table(n))) + "\n"


def number_table():
    lines = ["| number | value | source |", "|---|---|---|"]
    lines += [f"| `{name}` | {value:g} | {source} |" for name, (value, source) in NUMBERS.items()]
    return "\n".join(lines) + "\n"


def with_own(settings):
    numbers = {name: value for name, (value, _) in NUMBERS.items()}
    for setting in settings:
        name, _, value = setting.partition("=")
        if name not in numbers:
            sys.exit(f"power.py: no number is called {name}; --names prints them")
        try:
            numbers[name] = float(value)
        except ValueError:
            sys.exit(f"power.py: {name} is to be a number, not '{value}'")
    return numbers


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--names", action="store_true")
    parser.add_argument("--check", type=pathlib.Path)
    given = parser.parse_args()
    numbers = with_own(given.set)
    if given.check:
        text = given.check.read_text(encoding="utf-8")
        if tables(numbers) in text and number_table() in text:
            return 0
        print(f"{given.check} does not hold the tables that power.py and power.py --names print")
        return 1
    print(number_table() if given.names else tables(numbers), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
