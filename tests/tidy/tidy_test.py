#!/usr/bin/env python3
"""tools/tidy finds each kind of violation, and finds none in a clean file."""
import importlib.machinery
import importlib.util
import pathlib
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
loader = importlib.machinery.SourceFileLoader("tidy", str(ROOT / "tools" / "tidy"))
spec = importlib.util.spec_from_loader("tidy", loader)
tidy = importlib.util.module_from_spec(spec)
loader.exec_module(tidy)


def messages(path, text):
    path = pathlib.Path(path)
    found = list(tidy.check_sizes(path, text))
    if path.suffix in (".h", ".c", ".cpp"):
        found += tidy.check_cpp(path, text)
    return [message for _, message in found]


class Tidy(unittest.TestCase):
    def test_clean_file(self):
        text = ('#pragma once\n#include "protocol/frame.h"\n'
                'namespace a {\nint f() { return 1; }\n}\n')
        self.assertEqual(messages("device/link/unit.h", text), [])

    def test_arrows(self):
        for path, include in [("device/a.cpp", "server/b.h"), ("server/a.cpp", "device/b.h"),
                              ("protocol/a.cpp", "reader/b.h"), ("app/a.cpp", "tests/b.h"),
                              ("server/photo/a.cpp", "server/store/b.h"),
                              ("device/a.cpp", "mosquitto.h"), ("boards/linux/a.c", "ql_uart.h"),
                              ("app/a.cpp", "opencv2/core.hpp")]:
            found = messages(path, f'#include "{include}"\n')
            self.assertEqual(len(found), 1, (path, include, found))

    def test_arrows_that_are_allowed(self):
        for path, include in [("device/a.cpp", "protocol/b.h"),
                              ("server/pipeline.cpp", "server/a/b.h"),
                              ("server/store/a.cpp", "server/photo/b.h"),
                              ("tools/a.cpp", "mosquitto.h"), ("reader/a.cpp", "opencv2/core.hpp")]:
            self.assertEqual(messages(path, f'#include "{include}"\n'), [], path)

    def test_sizes(self):
        self.assertIn("at most 500", messages("a/b.cpp", "int a;\n" * 501)[0])
        self.assertIn("at most 100", messages("a/b.cpp", "int " + "a" * 100 + ";\n")[0])
        body = "  a();\n" * 70
        self.assertIn("function of", messages("a/b.cpp", f"void f() {{\n{body}}}\n")[0])
        self.assertIn("function of", messages("a/b.cpp", f"void A::f() const {{\n{body}}}\n")[0])
        self.assertEqual(messages("a/b.cpp", f"namespace x {{\n{body}}}\n"), [])
        python = "def f():\n" + "    a()\n" * 70
        self.assertIn("function of", messages("a/b.py", python)[0])

    def test_braces_in_strings_and_numbers_are_no_code(self):
        text = "void f() {\n  g(\"{\", '{', 1'000'000);\n}\n" + "int a;\n" * 100
        self.assertEqual(messages("a/b.cpp", text), [])

    def test_names(self):
        self.assertEqual(len(messages("a/b.cpp", "class PhotoManager {};\n")), 1)


if __name__ == "__main__":
    unittest.main()
