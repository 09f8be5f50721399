# Prints, for each code object of some modules, its first line, its line table
# and the line CPython itself gives to every instruction:
#
#   code FIRST TABLE-IN-HEX
#   lines LINE LINE …        one a code unit; 0: none; the first is for "not begun"
import ctypes
import importlib.util
import sys

MODULES = """argparse ast collections csv dataclasses difflib enum functools inspect
    json.decoder logging os pickle random subprocess tarfile traceback typing
    unittest.mock zipfile""".split()

SAMPLES = """
def gaps(
    a,

    b=1,
):
    try:
        x = (a +



             b)
        for i in range(3):
            if i: continue
            else: yield i
    finally:
        del a
    with open(
        "x") as f, \\
            open("y") as g:
        return [j
            for j in f
                if j]
lambda: (
    1,
    2)
""" + "\n" * 700 + "def far(): return 1\n" + "x = 1; y = 2\n" * 3 + "\n" * 40000 + "z = 3\n"

line_of = ctypes.pythonapi.PyCode_Addr2Line
line_of.argtypes = [ctypes.py_object, ctypes.c_int]
line_of.restype = ctypes.c_int


def show(code):
    table = code.co_linetable if sys.version_info >= (3, 10) else code.co_lnotab
    print("code", code.co_firstlineno, table.hex() or "-")
    lines = [line_of(code, byte) for byte in range(0, len(code.co_code), 2)]
    print("lines", *(max(line, 0) for line in [line_of(code, -1)] + lines))
    for const in code.co_consts:
        if hasattr(const, "co_code"):
            show(const)


show(compile(SAMPLES, "samples", "exec"))
for name in MODULES:
    spec = importlib.util.find_spec(name)
    if spec and spec.origin and spec.origin.endswith(".py"):
        with open(spec.origin, encoding="utf-8") as file:
            show(compile(file.read(), spec.origin, "exec"))
