#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Python's own call chains, each with an allocation of a size that no other has.

    chain.py [SCENARIO...]         all but deep and those of libraries; prints its records
    chain.py libraries             those of numpy and torch, where there are such: says
                                   `ready` when they are imported, and waits for a line

`bytearray(note())` is the way: note() writes down who called it, which is also
who makes the bytearray, on the same line, and returns its size.  The records are
lines of JSON, see tests/e2e/chains.py.
"""
import asyncio
import contextlib
import ctypes
import functools
import importlib
import json
import os
import signal
import sys
import tempfile
import threading
import weakref

FIRST_SIZE = 60001
STEP = 8
# Before 3.11 a call in Python is three or four in C, and 127 frames are kept.
CALLS_ARE_NATIVE = sys.version_info < (3, 11)
DEEP = 20 if CALLS_ARE_NATIVE else 50

scenarios = {}
libraries = {}
records = []
lock = threading.Lock()
scenario_name = ""


def chain_of(frame):
    """[function, file's name, line] from the root to this frame."""
    chain = []
    while frame:
        code = frame.f_code
        chain.append([getattr(code, "co_qualname", code.co_name),
                      os.path.basename(code.co_filename), frame.f_lineno])
        frame = frame.f_back
    return chain[::-1]


def note(extra=0, _up=0, **more):
    """Writes the caller's chain down; returns what makes a bytearray of that size.

    extra: what the allocation adds to the size that is asked for.
    more: further keys of the record.
    """
    chain = chain_of(sys._getframe(1 + _up))
    with lock:
        size = FIRST_SIZE + STEP * len(records)
        records.append({"scenario": scenario_name, "pid": os.getpid(), "size": size,
                        "allocs": 1, "python": chain, **more})
    return size - extra


def transient():
    """For a chain with code that is gone at once: the report may say no more than that."""
    return note(1, transient=True, _up=1)


# a bytearray has a byte more than it is asked for
plain = functools.partial(note, 1)


def scenario(function):
    scenarios[function.__name__] = function
    return function


# ---- calls -----------------------------------------------------------------------------

@scenario
def nested():
    def outer():
        def inner():
            return bytearray(plain())
        return inner()
    outer()


class Shape:
    def method(self):
        return self.static()

    @staticmethod
    def static():
        return Shape.klass()

    @classmethod
    def klass(cls):
        return bytearray(plain())

    @property
    def made(self):
        return bytearray(plain())

    def __getattr__(self, name):
        return bytearray(plain())

    def __call__(self):
        return bytearray(plain())

    def __len__(self):
        return len(bytearray(plain())) and 1


@scenario
def methods():
    shape = Shape()
    shape.method()
    _ = shape.made
    _ = shape.missing
    shape()
    len(shape)


def recurse(depth):
    if depth > 1:
        return recurse(depth - 1)
    return bytearray(plain())


@scenario
def recursion():
    recurse(5)
    recurse(DEEP)


@scenario
def deep():
    # as many as are kept, and more
    recurse(300 if not CALLS_ARE_NATIVE else 120)


@scenario
def lines():
    blocks = [
        bytearray(plain()),

        bytearray(plain()),
    ]
    blocks.append(
        bytearray(plain()))
    for _ in range(1):
        blocks.append(bytearray(plain()))
    return blocks


# ---- what is not a plain call --------------------------------------------------------------

def generate():
    yield bytearray(plain())
    yield from generate_inner()


def generate_inner():
    yield 1
    yield bytearray(plain())


@scenario
def generators():
    list(generate())
    for _ in generate():
        pass


@scenario
def comprehensions():
    _ = [bytearray(plain()) for _ in range(1)]
    _ = {0: bytearray(plain()) for _ in range(1)}
    _ = list(bytearray(plain()) for _ in range(1))
    _ = [[bytearray(plain()) for _ in range(1)] for _ in range(1)]


@scenario
def lambdas():
    (lambda: bytearray(plain()))()
    (lambda n: (lambda: bytearray(plain()))())(1)


async def coroutine_inner():
    await asyncio.sleep(0)
    return bytearray(plain())


async def coroutine_outer():
    first = bytearray(plain())
    await coroutine_inner()
    await asyncio.gather(coroutine_inner(), asyncio.sleep(0))
    async for block in generate_async():
        first = block
    return first


async def generate_async():
    yield bytearray(plain())
    await asyncio.sleep(0)
    yield bytearray(plain())


@scenario
def coroutines():
    asyncio.run(coroutine_outer())


@contextlib.contextmanager
def manager():
    yield bytearray(plain())


@scenario
def contexts():
    with manager():
        bytearray(plain())
    try:
        raise ValueError
    except ValueError:
        bytearray(plain())
    finally:
        bytearray(plain())


# ---- C between Python and Python ----------------------------------------------------------------

def key_of(value):
    return len(bytearray(plain())) + value


def logged(function):
    @functools.wraps(function)
    def wrapper(*args):
        return function(*args)
    return wrapper


@logged
@logged
def decorated(value):
    return key_of(value)


@functools.lru_cache(None)
def cached(value):
    return key_of(value)


@scenario
def through_c():
    sorted([1], key=key_of)
    list(map(key_of, [1]))
    functools.reduce(lambda a, b: key_of(a), [1, 2])
    functools.partial(key_of, 3)()
    max([1], key=lambda n: decorated(n))
    decorated(1)
    cached(1)
    getattr(Shape(), "missing")
    "%s" % Text()
    {Text(): 1}


class Text:
    def __str__(self):
        return str(len(bytearray(plain())))

    def __hash__(self):
        return len(bytearray(plain()))


class Ended:
    def __del__(self):
        bytearray(plain())


def callback(_):
    bytearray(plain())


@scenario
def destructors():
    ended = Ended()
    del ended
    watched = Shape()
    reference = weakref.ref(watched, callback)
    del watched
    return reference


KEPT = compile("bytearray(plain())", "/x/kept.py", "exec")


@scenario
def executed():
    exec(KEPT)
    exec("bytearray(transient())")
    exec(compile("def f():\n\n  return bytearray(transient())\nf()", "/x/made.py", "exec"), globals())
    eval("bytearray(transient())")


@scenario
def imported():
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "chain_module.py"), "w", encoding="utf-8") as file:
            file.write("import __main__\n\nBLOCK = bytearray(__main__.transient())\n")
        sys.path.insert(0, folder)
        importlib.import_module("chain_module")
        sys.path.remove(folder)


@scenario
def class_body():
    class Made:
        block = bytearray(transient())
    return Made


def on_signal(_number, _frame):
    bytearray(plain())


@scenario
def signals():
    signal.signal(signal.SIGUSR1, on_signal)
    os.kill(os.getpid(), signal.SIGUSR1)
    signal.signal(signal.SIGUSR1, signal.SIG_DFL)


COMPARE = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
QSORT = r"c:(_*qsort(_r)?|msort_with_tmp|quicksort|\[libc.*)"


def compare(_a, _b):
    bytearray(plain(order=["py:sort_by_c", QSORT, "c:.*ffi.*|.*_?CallPythonObject|closure_fcn|"
                           r"\[_ctypes.*|\[libffi.*", "py:compare"]))
    return 0


def sort_by_c():
    two = (ctypes.c_int * 2)(2, 1)
    ctypes.CDLL(None).qsort(two, 2, ctypes.sizeof(ctypes.c_int), COMPARE(compare))


@scenario
def callbacks():
    sort_by_c()


# ---- threads -----------------------------------------------------------------------

def in_thread(depth):
    recurse(depth)


@scenario
def threads():
    for depth in (1, 9):
        thread = threading.Thread(target=in_thread, args=(depth,))
        thread.start()
        thread.join()
    together = [threading.Thread(target=in_thread, args=(depth,)) for depth in range(2, 8)]
    for thread in together:
        thread.start()
    for thread in together:
        thread.join()


# ---- numpy and torch ------------------------------------------------------------------------------------

def library(name):
    """A scenario that is called with this module, if it is there."""
    def take(function):
        libraries[name] = function
        return function
    return take


@library("numpy")
def arrays(numpy):
    numpy.empty(note(), dtype=numpy.uint8)
    numpy.vectorize(lambda n: len(numpy.empty(note(), dtype=numpy.uint8)), otypes=[int])([1])
    numpy.apply_along_axis(lambda row: key_of(0), 0, numpy.zeros((2, 1)))
    numpy.zeros(note(), dtype=numpy.uint8)


@library("torch")
def tensors(torch):
    class Twice(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            torch.empty(note(order=["py:.*forward", "c:posix_memalign"]), dtype=torch.uint8)
            return x * 2

        @staticmethod
        def backward(ctx, grad):
            torch.empty(note(order=["py:tensors", "c:.*torch.*", "py:.*backward"]),
                        dtype=torch.uint8)
            return grad * 2

    class Layer(torch.nn.Module):
        def forward(self, x):
            torch.empty(note(), dtype=torch.uint8)
            return Twice.apply(x)

    torch.empty(note(), dtype=torch.uint8)
    x = torch.ones(1, requires_grad=True)
    Layer()(x).sum().backward()


# ---- interpreters: last, because PyGILState_Check() says yes from then on (CPython, pystate.c)

def interpreters():
    for name in ("_interpreters", "_xxsubinterpreters"):
        with contextlib.suppress(ImportError):
            return importlib.import_module(name)
    return None


INSIDE = """
def inside():
    return bytearray({0})

inside()
"""


def script_name(module, inner):
    """What run_string()'s code is said to be in: <string>, and from some 3.14.x on <script>."""
    source, sink = os.pipe()
    module.run_string(inner, "import os, sys; "
                      f"os.write({sink}, sys._getframe().f_code.co_filename.encode())")
    os.close(sink)
    with os.fdopen(source) as file:
        return file.read()


@scenario
def subinterpreters():
    """The frames of the interpreter inside; those of the one outside may be there too."""
    module = interpreters()
    if not module:
        return
    inner = module.create()
    script = script_name(module, inner)
    inside = [["<module>", script, 5], ["inside", script, 3]]
    outside = chain_of(sys._getframe())
    size = note(1)
    outside[-1][2] = sys._getframe().f_lineno + 2
    records[-1].update(transient=True, python=outside + inside, alternative=inside)
    module.run_string(inner, INSIDE.format(size))
    module.destroy(inner)


# ---- the run -----------------------------------------------------------------------------------------------

def run_libraries():
    """Importing takes long to trace: the tracer comes later."""
    global scenario_name
    modules = {}
    for name in libraries:
        with contextlib.suppress(ImportError):
            modules[name] = importlib.import_module(name)
    print("ready", file=sys.stderr, flush=True)
    sys.stdin.readline()
    for name, module in modules.items():
        scenario_name = name
        libraries[name](module)


def main(names):
    global scenario_name
    if names == ["libraries"]:
        run_libraries()
    else:
        for name in names or [name for name in scenarios if name != "deep"]:
            scenario_name = name
            scenarios[name]()
    for record in records:
        print(json.dumps(record))


if __name__ == "__main__":
    main(sys.argv[1:])
