# Stops in known places: python_frames.py SCENARIO
#
# Prints the number of the thread that will stop, then its Python stack as
# CPython sees it, innermost first, one frame a line:
#
#   NAME <tab> FILE <tab> LINE
#
# with a line "-- SYMBOL" where C code with that exported symbol lies between,
# then "go", and stops in a read of standard input, on the line it has reported.
# Ends when standard input does.
import functools
import os
import re
import sys
import threading

try:
    import ctypes
except ImportError:
    ctypes = None
try:
    import _interpreters as interpreters
except ImportError:
    try:
        import _xxsubinterpreters as interpreters
    except ImportError:
        interpreters = None

QUALIFIED = sys.version_info >= (3, 11)


def stack(frame):
    lines = []
    while frame:
        code = frame.f_code
        name = code.co_qualname if QUALIFIED else code.co_name
        lines.append(f"{name}\t{code.co_filename}\t{frame.f_lineno or 0}")
        if code is qsort.__code__:
            lines.insert(-1, "-- qsort")
        frame = frame.f_back
    return lines


def report(frame, *more):
    out = "\n".join([str(threading.get_native_id()), *stack(frame), *more, "go", ""])
    os.write(1, out.encode("utf-8", "surrogateescape"))
    return 1


# Each way to get deeper ends here: on one line, so that the reported one is right.
def stop():
    os.read(0, report(sys._getframe())) or os._exit(0)


def nested():
    def inner(a, *args, b=2, **kwargs):
        # a call over
        # several lines
        stop(
        )
        return a, b

    return inner(
        1,
        *(2, 3),
        b=4,
        c=5,
    )


class Class:
    class Inner:
        def method(self):
            stop()

        @staticmethod
        def static():
            Class.Inner().method()

        @classmethod
        def of_class(cls):
            cls.static()

        @property
        def property(self):
            self.of_class()

    def __getattr__(self, name):
        return self.Inner().property

    def __eq__(self, other):
        return self.missing

    def __enter__(self):
        self == 1

    def __exit__(self, *args):
        pass


def methods():
    with Class():
        pass


def generator():
    def leaf():
        yield 1
        stop()

    def delegate():
        yield from leaf()

    return [x for x in delegate()]


def coroutine():
    async def leaf():
        stop()

    async def items():
        await leaf()
        yield 1

    async def main():
        async for _ in items():
            pass

    try:
        main().send(None)
    except StopIteration:
        pass


def comprehension():
    return {k: [stop() for _ in (1,)] for k in {1} if sum(1 for _ in (2,))}


def recursion(depth=150):
    if not depth:
        return stop()
    return recursion(depth - 1) if depth % 3 else max([0], key=lambda _: recursion(depth - 1))


def from_c():
    def key(x):
        functools.reduce(lambda a, b: list(map(lambda _: stop(), [1])), [1, 2])
        return x

    sorted([3], key=key)


def executed():
    source = "import os\n\nclass Body:\n  for _ in (1,):\n    \n    stop()\n"
    exec(compile(source, "<made up>", "exec"), {"stop": stop})


def cells():
    a, b, c = 1, 2, 3

    def uses(d):
        def inner():
            stop()
            return a, b, c, d

        return inner

    uses(4)()


def names():
    source = "def f\u00e4hig(): stop()\ndef \u0394x():\n  f\u00e4hig()\n\ndef \U00010400():\n\n  \u0394x()\n\U00010400()"
    inner = compile(source, "/\u00fcber/\u0434\u043e\u043c/\U0001d518.py", "exec")
    outer = compile("exec(inner, {'stop': stop})", "/na\u00efve", "exec")
    exec(outer, {"inner": inner, "stop": stop})


def importing():
    import importlib.abc
    import importlib.machinery

    class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
        def find_spec(self, name, path, target=None):
            if name == "no_such_module":
                return importlib.machinery.ModuleSpec(name, self)
            return None

        def create_module(self, spec):
            return None

        def exec_module(self, module):
            stop()

    sys.meta_path.insert(0, Finder())
    import no_such_module  # noqa


def handled():
    try:
        raise ValueError
    except ValueError:
        try:
            pass
        finally:
            stop()


def traced():
    sys.setprofile(lambda *args: None)
    try:
        nested()
    finally:
        sys.setprofile(None)


def tracing():
    def trace(frame, event, arg):
        if event == "line" and frame.f_code.co_name == "watched":
            stop()

    def watched():
        return 1

    sys.settrace(lambda frame, event, arg: trace)
    try:
        watched()
    finally:
        sys.settrace(None)


def finalizer():
    class Object:
        def __del__(self):
            stop()

    def drop(x):
        del x

    drop(Object())


# The only one that names C code: its symbol is exported by the C library.
def qsort():
    compare_type = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
    ctypes.CDLL(None).qsort((ctypes.c_int * 2)(2, 1), 2, 4, compare_type(lambda a, b: nested() and 0))


def thread():
    # Some before and some after, all with frames of their own; all there when it stops
    ready = threading.Event()
    threads = [threading.Thread(target=threading.Event().wait, daemon=True) for _ in range(6)]
    threads.insert(3, threading.Thread(target=lambda: ready.wait() and recursion(5)))
    for each in threads:
        each.start()
    ready.set()
    threads[3].join()


SUB = """
import os, sys, threading
def deep(n):
    if n: return deep(n - 1)
    os.read(0, report(sys._getframe(), *OUTER)) or os._exit(0)
def report(frame, *more):
    lines = []
    while frame:
        code = frame.f_code
        name = code.co_qualname if QUALIFIED else code.co_name
        lines.append(f"{name}\\t{code.co_filename}\\t{frame.f_lineno or 0}")
        frame = frame.f_back
    out = "\\n".join([str(threading.get_native_id()), *lines, *more, "go", ""])
    os.write(1, out.encode())
    return 1
min([1], key=lambda _: deep(3))
"""


def subinterpreter():
    interp, spare = interpreters.create(), interpreters.create()
    head = f"QUALIFIED = {QUALIFIED}\nOUTER = %r\n" + SUB
    interpreters.run_string(interp, head % stack(sys._getframe()))


SCENARIOS = [nested, methods, generator, coroutine, comprehension, recursion, from_c, executed,
             cells, names, importing, handled, traced, tracing, finalizer, thread]
if ctypes:
    SCENARIOS.append(qsort)
if interpreters:
    SCENARIOS.append(subinterpreter)

if sys.argv[1:]:
    globals()[sys.argv[1]]()
else:
    print(*(scenario.__name__ for scenario in SCENARIOS))
