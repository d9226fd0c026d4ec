#!/usr/bin/env python3
"""Sizes of the EC600S port and of the library as linked for ARM Cortex-R5, and what they need.

Usage: boards/ec600s/quecopen/figures.py [FOLDER]   (default: build/quecopen)
Prints a table, then one line a violation, and exits 1 if there is any: more code or RAM than the
module has to spare, a static constructor, a function needed that neither C nor the SDK has.
"""
import pathlib
import re
import struct
import sys

HERE = pathlib.Path(__file__).resolve().parent
# An application's room in an EC600S is about 1 MB of code and 512 KB of RAM, the SDK's own needs
# included: a quarter of it is ours to take at most.
CODE_BYTES_MAX, RAM_BYTES_MAX = 262_144, 131_072
WRITABLE, ALLOCATED, EXECUTABLE = 1, 2, 4
C_LIBRARY = re.compile(r"(mem(chr|cmp|cpy|move|set)|strlen|abort|__aeabi_\w+)$")
SDK = re.compile(r"(ql_\w+|MQTT\w+|Network\w+|meterlens_log)$")


class Linked:
    """A 32-bit little-endian ELF file: sections by name and the symbols it lacks."""

    def __init__(self, path):
        image = path.read_bytes()
        if image[:6] != b"\x7fELF\x01\x01":
            raise ValueError(f"{path} is no 32-bit little-endian ELF")
        offset, = struct.unpack_from("<I", image, 32)
        size, count, names_index = struct.unpack_from("<HHH", image, 46)
        rows = [struct.unpack_from("<10I", image, offset + i * size) for i in range(count)]

        def text(at):
            return image[at:image.index(b"\0", at)].decode()

        names = rows[names_index][4]
        self.sections = [(text(names + r[0]), r[2], r[5]) for r in rows]
        self.symbols = {}
        table = next(row for row in rows if row[1] == 2)
        strings = rows[table[6]][4]
        for at in range(table[4] + 16, table[4] + table[5], 16):
            name, _, bytes_, _, _, section = struct.unpack_from("<IIIBBH", image, at)
            self.symbols[text(strings + name)] = (bytes_, section)

    def bytes_of(self, wanted):
        return sum(count for _, flags, count in self.sections
                   if flags & ALLOCATED and bool(flags & WRITABLE) == wanted)

    def undefined(self):
        return sorted(name for name, (_, section) in self.symbols.items()
                      if name and section == 0)


def main():
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else HERE.parents[2] / "build/quecopen")
    linked = Linked(folder / "whole_port.elf")
    code, ram = linked.bytes_of(False), linked.bytes_of(True)
    storage = linked.symbols["storage"][0]
    buffers = ram - storage
    print("the EC600S port on ARM Cortex-R5, clang -Os, without SDK and C library")
    print(f"code and constants {code:7,} of {CODE_BYTES_MAX:,} bytes")
    print(f"RAM                {ram:7,} of {RAM_BYTES_MAX:,} bytes: "
          f"storage of the DTU {storage:,}, port {buffers:,}; "
          f"the network's task has a stack of 8,192 beside it")
    missing = linked.undefined()
    from_c = [name for name in missing if C_LIBRARY.match(name)]
    print("of the C library: " + ", ".join(from_c))
    violations = [f"code: {code:,} bytes"] if code > CODE_BYTES_MAX else []
    violations += [f"RAM: {ram:,} bytes"] if ram > RAM_BYTES_MAX else []
    violations += [f"static constructors: {name}" for name, flags, count in linked.sections
                   if name.startswith((".init_array", ".ctors")) and count]
    violations += [f"needs {name}" for name in missing
                   if not C_LIBRARY.match(name) and not SDK.match(name)]
    if not any(SDK.match(name) for name in missing):
        violations.append("nothing of the SDK is used: this is not the port")
    print("\n".join(violations), end="\n" if violations else "")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
