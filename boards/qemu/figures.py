#!/usr/bin/env python3
"""Size and stack of the device cores as linked for ARM, against budget.toml; no recursion.

Usage: boards/qemu/figures.py [FOLDER [BUDGET]]   (default: build/arm, boards/qemu/budget.toml)
Prints a table, then one line a violation, and exits 1 if there is any.

How the stack is bounded: the frame of each function is what the compiler wrote down, who calls whom
is read from the linked instructions, and the deepest path from each entry point of a core is its
bound. A call by a pointer may be one to any function of the cores whose address is taken anywhere;
beside those it is one to a function of the board, which counts as nothing here.
"""
import pathlib
import re
import sys
import tomllib

from elf import KIND_OBJECT, Elf

HERE = pathlib.Path(__file__).resolve().parent
CORES = ("device", "protocol", "runtime", "strings")


def room_of(path):
    """Whose an input section of the linker's map is."""
    for room in ("device", "protocol", "runtime"):
        if f"libmeterlens_{room}.a(" in path:
            return room
    return "strings" if path.startswith("<internal>") else "board"


def read_map(path):
    """[(address, bytes, room, section)] of what was linked, from lld's map."""
    row = re.compile(r"\s*([0-9a-f]+)\s+[0-9a-f]+\s+([0-9a-f]+)\s+\d+ {9}(\S.*):\((\.[^)]*)\)$")
    parts = []
    for line in path.read_text().splitlines():
        match = row.match(line)
        if match and match[2] != "0":
            parts.append((int(match[1], 16), int(match[2], 16), room_of(match[3]), match[4]))
    if not parts:
        raise ValueError(f"{path} lists nothing")
    return parts


def plain_name(symbol):
    """a::b::c of _ZN1a1b1cE...; a constructor is its class. Other names stay."""
    match = re.match(r"_ZNK?(?=\d)", symbol)
    if not match:
        return symbol
    at, words = match.end(), []
    while number := re.match(r"\d+", symbol[at:]):
        at += number.end()
        words.append(symbol[at:at + int(number[0])])
        at += int(number[0])
    if re.match(r"[CD]\d", symbol[at:]):
        words.append(words[-1])
    return "::".join(words)


class Program:
    """A linked program: its functions, whose they are, how deep they go."""

    def __init__(self, path):
        self.elf = Elf(path)
        self.parts = read_map(path.with_name(path.name + ".map"))
        self.name = {start: plain_name(f.name) for start, f in self.elf.functions.items()}
        pointed_at = self.elf.address_taken().keys() & set(self.core_functions())
        self.calls = {}
        for start in self.elf.functions:
            called, by_pointer = self.elf.calls(start)
            self.calls[start] = called | pointed_at if by_pointer else called
        self.circles = []
        self._depth = {}

    def code_bytes(self, room):
        return sum(size for _, size, whose, section in self.parts
                   if whose == room and section.startswith((".text", ".rodata")))

    def variable_bytes(self):
        return sum(size for _, size, whose, section in self.parts
                   if whose in CORES and section.startswith((".data", ".bss")))

    def object_bytes(self, name):
        found = [s.bytes for s in self.elf.symbols if s.kind == KIND_OBJECT and name in s.name]
        if len(found) != 1:
            raise ValueError(f"{len(found)} objects are called {name}")
        return found[0]

    def room_at(self, address):
        return next((room for start, size, room, section in self.parts
                     if section.startswith(".text") and start <= address < start + size), "board")

    def core_functions(self):
        return [start for start in self.elf.functions if self.room_at(start) in CORES]

    def entries(self, name):
        return [start for start in self.elf.functions if self.name[start] == name]

    def depth(self, start, path=()):
        """(bytes, the deepest path) from the function on. Circles are noted and cut."""
        if start in path:
            circle = path[path.index(start):]
            if set(circle) not in [set(known) for known in self.circles]:
                self.circles.append(circle)
            return 0, ()
        if start not in self._depth:
            deepest = max((self.depth(callee, path + (start,)) for callee in self.calls[start]),
                          default=(0, ()))
            self._depth[start] = (self.frame(start) + deepest[0], (start,) + deepest[1])
        return self._depth[start]

    def frame(self, start):
        if start not in self.elf.stack_bytes:
            raise ValueError(f"the stack of {self.name[start]} is not known")
        return self.elf.stack_bytes[start]

    def names(self, path):
        return " > ".join(self.name[start].split("::")[-1] for start in path)


def check_structure(program, title):
    """No function of a core reaches itself."""
    for start in program.core_functions():
        program.depth(start)
    for circle in program.circles:
        yield f"{title}: recursion: {program.names(circle + circle[:1])}"


def deepest_entry(program, budget):
    """(bytes, entry, path) of the entry point that goes deepest; ValueError if one is missing."""
    deepest = (-1, "", ())
    for entry in budget["entries"]:
        starts = program.entries(f"{budget['class']}::{entry}")
        if not starts:
            raise ValueError(f"{budget['program']} has no {budget['class']}::{entry}")
        for start in starts:
            deepest = max(deepest, (*program.depth(start)[:1], entry, program.depth(start)[1]))
    return deepest


def check_core(program, title, budget):
    """Prints a core's figures; yields what is above the budget."""
    code = {room: program.code_bytes(room) for room in CORES}
    stack, entry, path = deepest_entry(program, budget)
    size, variables = program.object_bytes(budget["object"]), program.variable_bytes()
    total, ram = sum(code.values()), size + variables + stack
    print(f"{title:7} code {total:6,} of {budget['code_bytes_max']:,} bytes: " +
          ", ".join(f"{room} {count:,}" for room, count in code.items()))
    print(f"{'':7} RAM  {ram:6,} of {budget['ram_bytes_max']:,} bytes: object {size:,}, "
          f"variables {variables:,}, stack {stack:,}")
    print(f"{'':7} stack {stack:5,} of {budget['stack_bytes_max']:,} bytes: {entry}: " +
          program.names(path))
    for what, value in (("code", total), ("ram", ram), ("stack", stack)):
        if value > budget[f"{what}_bytes_max"]:
            yield f"{title}: {what} {value:,} bytes, at most {budget[f'{what}_bytes_max']:,}"


def main():
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else HERE.parents[1] / "build" / "arm")
    budgets = tomllib.loads(
        pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else HERE / "budget.toml").read_text())
    print("device cores on ARM Cortex-M3, clang -Os (boards/qemu/budget.toml)")
    violations = []
    for title, budget in budgets.items():
        program = Program(folder / budget["program"])
        violations += check_structure(program, title)
        if "entries" in budget:
            violations += check_core(program, title, budget)
        else:
            count = len(program.core_functions())
            print(f"{title:7} {count} functions linked without a heap, "
                  f"{len(program.circles)} recursive")
    for violation in violations:
        print(violation)
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
