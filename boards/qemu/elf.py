"""Reads what figures.py needs of a linked 32-bit ARM program: sections, functions with their stack
(clang -fstack-size-section), who calls whom in its Thumb-2 code, and whose address is taken
(lld --emit-relocs)."""
import bisect
import collections
import struct

Section = collections.namedtuple("Section", "name kind address offset bytes link info")
Symbol = collections.namedtuple("Symbol", "name value bytes kind section")

KIND_OBJECT, KIND_FUNCTION = 1, 2
RELOCATIONS, NO_BITS = 9, 8
# Relocations that put an address into data or into a register: R_ARM_ABS32, R_ARM_THM_MOVW_ABS_NC.
TAKES_ADDRESS = {2, 47}


class Elf:
    def __init__(self, path):
        self.image = path.read_bytes()
        if self.image[:6] != b"\x7fELF\x01\x01":
            raise ValueError(f"{path} is no 32-bit little-endian ELF")
        self.sections = self._sections()
        table = self.section(".symtab")
        self.symbols = self._symbols(table)
        self.functions = {}
        for symbol in self.symbols:
            if symbol.kind == KIND_FUNCTION and symbol.bytes > 0:
                self.functions.setdefault(symbol.value & ~1, symbol)
        self._starts = sorted(self.functions)
        self.stack_bytes = self._stack_sizes()

    def section(self, name):
        return next(section for section in self.sections if section.name == name)

    def _sections(self):
        offset, = struct.unpack_from("<I", self.image, 32)
        size, count, names_index = struct.unpack_from("<HHH", self.image, 46)
        raw = [struct.unpack_from("<10I", self.image, offset + i * size) for i in range(count)]
        names = raw[names_index][4]
        return [Section(self._text(names + r[0]), r[1], r[3], r[4], r[5], r[6], r[7]) for r in raw]

    def _text(self, offset):
        return self.image[offset:self.image.index(b"\0", offset)].decode()

    def _symbols(self, table):
        names = self.sections[table.link].offset
        return [Symbol(self._text(names + name), value, size, info & 15, section)
                for name, value, size, info, _, section in
                struct.iter_unpack("<IIIBBH", self.bytes_of(table))]

    def bytes_of(self, section):
        return self.image[section.offset:section.offset + section.bytes]

    def _stack_sizes(self):
        """{function's address: bytes of its own frame}."""
        data, at, sizes = self.bytes_of(self.section(".stack_sizes")), 0, {}
        while at < len(data):
            address, = struct.unpack_from("<I", data, at)
            at, shift, size = at + 4, 0, 0
            while True:  # ULEB128
                byte = data[at]
                size |= (byte & 127) << shift
                at, shift = at + 1, shift + 7
                if byte < 128:
                    break
            sizes[address & ~1] = size
        return sizes

    def function_at(self, address):
        """The start of the function that holds `address`; None: there is none."""
        index = bisect.bisect_right(self._starts, address) - 1
        if index < 0:
            return None
        start = self._starts[index]
        return start if address < start + self.functions[start].bytes else None

    def code_of(self, start):
        """(address, halfword) of a function's instructions, data between them left out."""
        text = self.section(".text")
        marks = self._marks()
        for address in range(start, start + self.functions[start].bytes, 2):
            index = bisect.bisect_right(marks, (address, "$z")) - 1
            if index >= 0 and marks[index][1].startswith("$d"):
                continue
            yield address, struct.unpack_from("<H", self.image,
                                              text.offset + address - text.address)[0]

    def _marks(self):
        """Where code and data begin inside .text, in order."""
        if not hasattr(self, "_mark_list"):
            index = self.sections.index(self.section(".text"))
            self._mark_list = sorted((s.value, s.name) for s in self.symbols
                                     if s.section == index and s.name[:2] in ("$t", "$d"))
        return self._mark_list

    def calls(self, start):
        """(starts of the functions that it calls or jumps to, whether it calls by a pointer)."""
        called, by_pointer, first = set(), False, None
        for address, half in self.code_of(start):
            if first is not None:  # the second half of a wide instruction
                target, links = wide_branch(address - 2, first, half)
                first = None
            elif half >> 11 in (0b11101, 0b11110, 0b11111):
                first = half
                continue
            else:
                target, links = narrow_branch(address, half)
                by_pointer |= calls_register(half)
            if target is None:
                continue
            callee = self.function_at(target)
            if callee is None:
                raise ValueError(f"{self.functions[start].name} branches to {target:#x}")
            if links or callee != start:  # a loop is no call
                called.add(callee)
        return called, by_pointer

    def address_taken(self):
        """{start of a function: sections where its address stands}, stack sizes left out."""
        found = collections.defaultdict(set)
        for section in self.sections:
            if section.kind != RELOCATIONS or section.name == ".rel.stack_sizes":
                continue
            for _, info in struct.iter_unpack("<II", self.bytes_of(section)):
                symbol = self.symbols[info >> 8]
                if info & 255 in TAKES_ADDRESS and symbol.kind == KIND_FUNCTION:
                    found[symbol.value & ~1].add(section.name)
        return found


def sign(value, bits):
    return value - (1 << bits) if value >> (bits - 1) else value


def wide_branch(address, first, second):
    """(target, is a call) of a 32-bit instruction: BL, B.W with and without a condition."""
    if first >> 11 != 0b11110 or not second & 0x8000:
        return None, False
    links = second & 0xD000 == 0xD000
    s, j1, j2 = first >> 10 & 1, second >> 13 & 1, second >> 11 & 1
    low = second & 0x7FF
    if links or second & 0xD000 == 0x9000:
        offset = (s << 23 | (1 ^ j1 ^ s) << 22 | (1 ^ j2 ^ s) << 21 | (first & 0x3FF) << 11 | low)
        return address + 4 + 2 * sign(offset, 24), links
    condition = first >> 6 & 15
    if second & 0xD000 == 0x8000 and condition < 14:
        offset = s << 19 | j2 << 18 | j1 << 17 | (first & 0x3F) << 11 | low
        return address + 4 + 2 * sign(offset, 20), False
    return None, False


def narrow_branch(address, half):
    """(target, False) of a 16-bit B, with and without a condition, CBZ and CBNZ."""
    if half >> 12 == 0b1101 and half >> 8 & 15 < 14:
        return address + 4 + 2 * sign(half & 0xFF, 8), False
    if half >> 11 == 0b11100:
        return address + 4 + 2 * sign(half & 0x7FF, 11), False
    if half & 0xF500 == 0xB100:
        return address + 4 + 2 * ((half >> 9 & 1) << 5 | half >> 3 & 31), False
    return None, False


def calls_register(half):
    """BLX of a register, or BX of one that is not the way back."""
    return half & 0xFF87 == 0x4780 or (half & 0xFF87 == 0x4700 and half >> 3 & 15 != 14)
