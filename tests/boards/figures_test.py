"""boards/qemu/figures.py refuses what it is there to refuse: recursion, direct, mutual and by a
pointer, a stack or code over the budget; and a core that asks for a heap does not link.

Each case is a small core, compiled and linked as the real ones are (the flags are those of
build/arm's own link).
"""
import contextlib
import io
import os
import pathlib
import shlex
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
ARM = pathlib.Path(os.environ.get("METERLENS_ARM", ROOT / "build" / "arm"))
sys.path.insert(0, str(ROOT / "boards" / "qemu"))
import figures  # noqa: E402

BUDGET = """
[core]
program = "core.elf"
object = "core_object"
class = "meterlens::Core"
entries = ["step"]
code_bytes_max = 2000
ram_bytes_max = 400
stack_bytes_max = 300
"""
CORE = """
namespace meterlens {
struct Core { char memory[64]; int step(int); };
__attribute__((noinline)) int leaf(int n) { asm volatile("" : "+r"(n)); return n + 1; }
%s
}
"""
MAIN = """
namespace meterlens { struct Core { char memory[64]; int step(int); }; }
meterlens::Core core_object;
extern "C" void run_board() { core_object.step(1); }
"""


def compile_command():
    """The compiler and flags of build/arm, without the sources of any target."""
    text = subprocess.run(["ninja", "-C", ARM, "-t", "commands", "whole.elf"], check=True,
                          capture_output=True, text=True).stdout
    line = next(line for line in text.splitlines() if "whole_main.cpp" in line and " -c " in line)
    words = shlex.split(line)
    words = words[next(i for i, word in enumerate(words) if word.endswith("clang++-19")):]
    drop = {word for flag in ("-o", "-c", "-MF", "-MT")
            for word in (flag, words[words.index(flag) + 1])}
    return [word for word in words if word not in drop | {"-MD"} and not word.startswith("-W")]


class Figures(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="figures_"))
        self.addCleanup(shutil.rmtree, self.folder)

    def link(self, body):
        """Builds core.elf; the linker's complaints."""
        archive = self.folder / "libmeterlens_device.a"
        for name, text in (("core", CORE % body), ("main", MAIN)):
            source = self.folder / f"{name}.cpp"
            source.write_text(text)
            subprocess.run([*compile_command(), "-c", source, "-o", self.folder / f"{name}.o"],
                           check=True)
        subprocess.run(["ar", "rc", archive, self.folder / "core.o"], check=True)
        board = [ARM / f"boards/qemu/arm/CMakeFiles/whole.elf.dir/{name}.cpp.obj"
                 for name in ("startup", "board")]
        done = subprocess.run(
            [*compile_command(), "-nostdlib", "-fuse-ld=lld", "-Wl,--gc-sections",
             "-Wl,--emit-relocs", "-T", ROOT / "boards/qemu/arm/board.ld",
             f"-Wl,-Map={self.folder / 'core.elf.map'}", *board,
             self.folder / "main.o", archive,
             ARM / "boards/qemu/libmeterlens_runtime.a", "-o", self.folder / "core.elf"],
            capture_output=True, text=True)
        return done.stderr if done.returncode else ""

    def judge(self, body, text=BUDGET):
        """(exit status, what figures.py printed) for a core that links."""
        self.assertEqual(self.link(body), "")
        budget = self.folder / "budget.toml"
        budget.write_text(text)
        sys.argv = ["figures.py", str(self.folder), str(budget)]
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            status = figures.main()
        return status, printed.getvalue()

    def test_a_plain_core_passes(self):
        status, text = self.judge("int Core::step(int n) { return leaf(n) + leaf(n + 2); }")
        self.assertEqual(status, 0, text)
        self.assertIn("object 64,", text)
        self.assertIn("step > leaf", text)

    def test_the_branches_read_are_those_the_linker_made(self):
        """Of all functions of the cores: decoded instructions against relocations."""
        elf = figures.Elf(ARM / "whole.elf")
        branches = {10, 30, 51, 102, 103}  # R_ARM_THM_CALL, _JUMP24, _JUMP19, _JUMP11, _JUMP8
        table = elf.section(".rel.text")
        linked = {start: set() for start in elf.functions}
        for at, info in struct.iter_unpack("<II", elf.bytes_of(table)):
            if info & 255 in branches:
                linked[elf.function_at(at)].add(elf.symbols[info >> 8].value & ~1)
        self.assertGreater(sum(map(len, linked.values())), 200)
        self.assertEqual({start: elf.calls(start)[0] for start in elf.functions}, linked)

    def test_recursion_is_found(self):
        direct = "int Core::step(int n) { return n < 2 ? n : step(n - 1) + step(n - 2); }"
        mutual = """
        int even(int n);
        __attribute__((noinline)) int odd(int n) { return leaf(n ? even(n - 1) : 0) * 3; }
        __attribute__((noinline)) int even(int n) { return leaf(n ? odd(n - 1) : 1) * 5; }
        int Core::step(int n) { return even(n); }"""
        pointer = """
        int twice(int n);
        int (*volatile next)(int) = twice;
        __attribute__((noinline)) int twice(int n) { return n < 2 ? n : next(n - 1) * 2; }
        int Core::step(int n) { return twice(n); }"""
        for body, name in ((direct, "step > step"), (mutual, "even"), (pointer, "twice > twice")):
            status, text = self.judge(body)
            self.assertEqual(status, 1, text)
            self.assertRegex(text, f"core: recursion: .*{name}")

    def test_what_a_pointer_may_call_is_in_the_stack_bound(self):
        status, text = self.judge("""
        __attribute__((noinline)) int deep(int n) {
          volatile char room[240]; room[n] = 1; return leaf(room[0]); }
        int (*volatile chosen)(int) = deep;
        int Core::step(int n) {
          volatile char room[80]; room[n] = 1; return chosen(n) + room[0]; }""")
        self.assertEqual(status, 1, text)
        self.assertRegex(text, r"core: stack 3\d\d bytes, at most 300")

    def test_code_and_memory_over_the_budget(self):
        status, text = self.judge("""
        extern const int table[600] = {1, 2, 3};
        int some[100];
        int Core::step(int n) { some[n] = n; return table[n] + some[n / 2]; }""")
        self.assertEqual(status, 1, text)
        self.assertRegex(text, r"core: code 2,\d\d\d bytes, at most 2,000")
        self.assertRegex(text, r"core: ram \d\d\d bytes, at most 400")

    def test_an_entry_that_is_not_there_is_an_error(self):
        with self.assertRaisesRegex(ValueError, "no meterlens::Core::pull"):
            self.judge("int Core::step(int n) { return leaf(n); }", BUDGET.replace("step", "pull"))

    def test_who_asks_for_a_heap_does_not_link(self):
        for body, name in (("int* kept; int Core::step(int n) { kept = new int[n]; return *kept; }",
                            "operator new"),
                           ("extern \"C\" void* malloc(decltype(sizeof 0)); void* kept;"
                            "int Core::step(int n) { kept = malloc(n); return 0; }", "malloc")):
            self.assertRegex(self.link(body), f"undefined symbol: {name}")


if __name__ == "__main__":
    unittest.main()
