"""`meterlens read` and `evaluate` on files, good ones and all kinds of bad ones."""
import json
import struct
import subprocess
import unittest
import zlib

from flow import BUILD, FlowTest


def png():
    def chunk(kind, body):
        checksum = struct.pack(">I", zlib.crc32(kind + body))
        return struct.pack(">I", len(body)) + kind + body + checksum
    head = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) +
            chunk(b"IDAT", zlib.compress(b"\0\0")) + chunk(b"IEND", b""))


class Read(FlowTest):
    def run_meterlens(self, *arguments):
        done = subprocess.run([BUILD / "meterlens", *map(str, arguments)], cwd=self.folder,
                              capture_output=True, text=True, timeout=120)
        return done.returncode, done.stdout, done.stderr

    def draw_photos(self):
        """Two photos as a camera draws them, with what they show."""
        self.stack.serve()
        photos = []
        for device, seed in (("a", 11), ("b", 4)):
            self.rendered_meter(device, seed, baud=0)
            self.stack.wait_online(device)
            _, photo = self.take_photo(device)
            photos.append((self.folder / photo["path"], self.truths(device)[0]))
        return photos

    def test_good_and_bad_files_in_order(self):
        (first, truth), (second, _) = self.draw_photos()
        bad = {"text.jpg": b"no picture at all", "empty.jpg": b"", "png.jpg": png(),
               "soi.jpg": b"\xff\xd8", "noise.jpg": b"\xff\xd8\xff\xe0" + bytes(range(256)) * 40}
        for name, content in bad.items():
            (self.folder / name).write_bytes(content)
        half = self.folder / "half.jpg"
        half.write_bytes(first.read_bytes()[:first.stat().st_size // 2])
        with (self.folder / "huge.jpg").open("wb") as file:
            file.truncate(40 << 20)
        (self.folder / "no photos").mkdir()
        names = [str(first), *bad, "huge.jpg", "missing.jpg", "no photos", str(second)]
        status, output, _ = self.run_meterlens("read", "--json", *names)
        self.assertEqual(status, 1)
        lines = [json.loads(line) for line in output.splitlines()]
        self.assertEqual([line["file"] for line in lines], names)
        for line in lines[1:-1]:
            self.assertEqual(line["status"], "error", line)
            self.assertTrue(line["error"], line)
        self.assertIn("at most 33554432", lines[len(bad) + 1]["error"])
        for line in (lines[0], lines[-1]):
            self.assertIn(line["status"], ("read", "doubtful", "unreadable"))
            agreed = {"digits", "certain", "value", "red", "confidence", "window", "ms"}
            self.assertLessEqual(agreed, set(line))
            self.assertEqual([len(corner) for corner in line["window"]], [2, 2, 2, 2])

        status, output, _ = self.run_meterlens("read", "--json", "--threads", 2, first, second,
                                               first)
        self.assertEqual(status, 0)
        again = [json.loads(line) for line in output.splitlines()]
        self.assertEqual([line["digits"] for line in again],
                         [lines[0]["digits"], lines[-1]["digits"], lines[0]["digits"]])
        status, output, _ = self.run_meterlens("read", first.parent.parent)  # a folder: all below
        below = sorted(str(path) for path in first.parent.parent.rglob("*.jpg"))
        self.assertEqual([json.loads(line)["file"] for line in output.splitlines()], below)
        self.assertEqual(status, 0)
        status, output, _ = self.run_meterlens("read", half)  # no terminal: JSON by itself
        self.assertNotEqual(json.loads(output)["status"], "read", output)
        self.assertIn("damaged", output)
        self.assert_evaluates(first, truth)

    def assert_evaluates(self, photo, truth):
        labels = self.folder / "labels.csv"
        labels.write_text(f"file,label\n{photo},{truth['digits']}\nmissing.jpg,123\n")
        status, output, errors = self.run_meterlens("evaluate", "--labels", labels, "--json")
        self.assertEqual(status, 0, errors)
        report = json.loads(output)
        self.assertEqual((report["n"], report["errors"]), (2, 1), report)

    def test_wrong_arguments_say_what_is_right(self):
        status, _, errors = self.run_meterlens("read")
        self.assertNotEqual(status, 0)
        self.assertIn("photo", errors)
        status, _, errors = self.run_meterlens("read", "--models", "/no/such", "x.jpg")
        self.assertEqual(status, 1)
        self.assertIn("/no/such", errors)
        status, _, errors = self.run_meterlens("evaluate", "--labels", "no.csv")
        self.assertEqual(status, 1)
        self.assertIn("no.csv", errors)
        (self.folder / "wrong.csv").write_text("name,number\nx,1\n")
        status, _, errors = self.run_meterlens("evaluate", "--labels", "wrong.csv")
        self.assertEqual(status, 1)
        self.assertTrue(errors)


if __name__ == "__main__":
    unittest.main()
