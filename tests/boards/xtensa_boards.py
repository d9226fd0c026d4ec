"""The wire's code on an emulated Xtensa core: what it encodes are SPEC.md's own bytes.

The program for Xtensa comes from $METERLENS_XTENSA (default build/xtensa).
"""
import os
import pathlib
import re
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
XTENSA = pathlib.Path(os.environ.get("METERLENS_XTENSA", ROOT / "build" / "xtensa"))


def emulate(program):
    """Runs it to its end; (exit status, standard output)."""
    done = subprocess.run(["qemu-system-xtensa", "-M", "sim", "-cpu", "lx106", "-semihosting",
                           "-display", "none", "-monitor", "none", "-serial", "stdio", "-kernel",
                           program], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=60)
    return done.returncode, done.stdout


class Xtensa(unittest.TestCase):
    def test_the_vectors_of_the_specification(self):
        status, output = emulate(XTENSA / "vectors.elf")
        *rows, result = output.splitlines()
        self.assertRegex(result, r"^\d\d passed, 0 failed$", output)
        self.assertEqual(status, 0)
        table = (ROOT / "SPEC.md").read_text().split("## 8.")[1]
        # Frames begin with their version; the link's own messages are not the wire's code.
        specified = re.findall(r"^\| \w+ \| `01[0-9a-f]+` \|", table, re.M)
        self.assertEqual(len(specified), 20)
        self.assertEqual(rows, specified)

    def test_a_fault_is_an_exit_status(self):
        """The same program with an illegal instruction where it begins does not pass, or hang."""
        image = bytearray((XTENSA / "vectors.elf").read_bytes())
        header = image.index(b"\x7fELF") + 28
        first_header = int.from_bytes(image[header:header + 4], "little")
        offset = self.offset_of(image, first_header, 0x5000_0000)
        image[offset:offset + 3] = bytes(3)  # ILL
        broken = XTENSA / "broken.elf"
        broken.write_bytes(image)
        self.addCleanup(broken.unlink)
        status, output = emulate(broken)
        self.assertIn(status, (70, 71, 72))
        self.assertEqual(output, "")

    def offset_of(self, image, header, address):
        """Where the loaded byte at `address` stands in the file."""
        while True:
            kind, offset, virtual = (int.from_bytes(image[header + i:header + i + 4], "little")
                                     for i in (0, 4, 8))
            if kind == 1 and virtual == address:
                return offset
            header += 32


if __name__ == "__main__":
    unittest.main()
