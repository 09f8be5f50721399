#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""What tracing costs: memsnoop beside its peers, in one run.

    bench.py [--rounds N] [--pairs N] [--debian13 ROOT] [--only pair|depth|fault|train|kernel]

Absolute times drift on a machine that is shared, so the tools take turns in
every round and what counts is their ratio.  All trace the same program, from
the same files, with the same stacks; and each one's own output is looked at
afterwards: a tool that did not see what the program did has no figure.

memleak-libbpf comes from a Debian 13 root but runs, with that root's
libraries, in this file system, so that it sees the same files as the others.
"""
import argparse
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

REPO = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(REPO, "tests", "e2e"))
from reports import read_report  # noqa: E402

MEMSNOOP = os.path.join(REPO, "memsnoop")
BENCH = os.path.join(REPO, os.environ.get("OUT", ".output"), "bench")
PAIR = os.path.join(BENCH, "pair")
FAULT = os.path.join(BENCH, "fault")
KERNEL_PAIR = os.path.join(BENCH, "kernel_pair")
INTACT = os.path.join(REPO, "tests", "e2e", "text_intact.py")
TRAIN = os.path.join(REPO, "demo", "resnet18.py")
PYTHON = "/usr/bin/python3"
LIBC = "/lib/x86_64-linux-gnu/libc.so.6"
DEPTH = 10  # frames from main to the pairs' caller, unless depth is what is measured
DEPTHS = (5, 20, 60)
# Losses of a training run that are no loss of allocations: deep stacks, code used once.
SHORTER = ("stacks_truncated", "codes_gone")
HELD = 100  # blocks that the pair program keeps for the tracers to see
PATIENCE = 120  # seconds until something that should happen counts as hung


class Unavailable(Exception):
    """Why a tool has no figure."""


def wait_until(what, condition):
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise Unavailable(f"waited {PATIENCE} s for {what}")
        time.sleep(0.02)


def read(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def stop(process):
    """Ends a tracer as Ctrl-C does and waits for its report."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise Unavailable("did not end") from None


# ---- the tools ---------------------------------------------------------------

class Tool:
    """Attaches to a process, ends, and says whether it saw `pairs` pairs (None: anything)."""
    name = "no tracer"
    launches = False  # it starts the program itself
    scale = 1  # more pairs, where they are so cheap that a start would show

    def __init__(self, scratch, options, depth=DEPTH):
        self.scratch, self.options, self.depth = scratch, options, depth
        self.process = None
        self.output = os.path.join(scratch, type(self).__name__)

    def start(self, command):
        with open(self.output, "w", encoding="utf-8") as file:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=file,
                                            stderr=subprocess.STDOUT)

    def wait_for_output(self, text):
        wait_until(f"'{text}' from {self.name}",
                   lambda: text in read(self.output) or self.process.poll() is not None)
        if text not in read(self.output):
            last = read(self.output).strip().splitlines() or ["nothing said"]
            raise Unavailable(f"did not start: {last[-1]}")

    def check(self):
        """Raises Unavailable if it cannot run here at all."""

    def attach(self, pid, libc):
        pass

    def finish(self, pairs):
        pass

    def give_up(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class NoTracer(Tool):
    scale = 50


class Memsnoop(Tool):
    name = "memsnoop"

    def check(self):
        if not os.access(MEMSNOOP, os.X_OK):
            raise Unavailable("not built")

    def attach(self, pid, libc):
        self.report = os.path.join(self.scratch, "report.json")
        self.start([MEMSNOOP, "-v", "-p", str(pid), "-o", self.report])
        self.wait_for_output(f"tracing {pid}")

    def finish(self, pairs):
        stop(self.process)
        report = read_report(self.report)
        lost = {key: count for key, count in report["lost"].items()
                if count and (pairs or key not in SHORTER)}
        if lost:
            raise Unavailable(f"wrong: lost {lost}")
        heap = [p["layers"]["heap"] for p in report["processes"]]
        if pairs is None:
            if not sum(h["allocs"] for h in heap):
                raise Unavailable("wrong: saw no allocation")
            return
        loop = [s for s in report["stacks"] if s["frames"][-2]["function"] == "make_pairs"]
        held = [s for s in report["stacks"] if s["frames"][-2]["function"] == "hold"]
        seen = (sum(s["allocs"] for s in loop), sum(s["frees"] for s in loop),
                sum(s["live"] for s in held))
        if seen != (pairs, pairs, HELD):
            raise Unavailable(f"wrong: saw {seen}, not {(pairs, pairs, HELD)}")
        if any([f["function"] for f in s["frames"]].index("make_pairs")
               - [f["function"] for f in s["frames"]].index("main") + 1 != self.depth
               for s in loop):
            raise Unavailable(f"wrong: the stack is not {self.depth} frames deep")


class Memleak(Tool):
    name = "memleak-libbpf"

    def check(self):
        root = self.options.debian13
        if not root or not os.path.exists(f"{root}/usr/sbin/memleak-libbpf"):
            raise Unavailable("no Debian 13 root with it (scripts/debian_root.sh 13)")

    def attach(self, pid, libc):
        root = self.options.debian13
        # it cuts the path of -O at 31 characters: a short name for the same file
        short = os.path.join(self.scratch, "libc")
        if os.path.lexists(short):
            os.unlink(short)
        os.symlink(libc, short)
        self.start(["stdbuf", "-oL", f"{root}/lib64/ld-linux-x86-64.so.2", "--library-path",
                    f"{root}/usr/lib/x86_64-linux-gnu", f"{root}/usr/sbin/memleak-libbpf",
                    "-p", str(pid), "-O", short, "1"])
        self.wait_for_output("Tracing outstanding")

    def finish(self, pairs):
        held = f"{HELD * 1000} bytes in {HELD} allocations" if pairs else "allocations from stack"
        wait_until(f"'{held}' from memleak",
                   lambda: held in read(self.output) or self.process.poll() is not None)
        seen = held in read(self.output)
        stop(self.process)
        if not seen:
            raise Unavailable("wrong: did not report what the program holds")


class MemsnoopKernel(Tool):
    name = "memsnoop"

    def check(self):
        if not os.access(MEMSNOOP, os.X_OK):
            raise Unavailable("not built")

    def attach(self, pid, libc):
        self.report = os.path.join(self.scratch, "kernel.json")
        self.start([MEMSNOOP, "-v", "-q", "--slab", "-o", self.report])
        self.wait_for_output("tracing the kernel")

    def finish(self, pairs):
        stop(self.process)
        report = read_report(self.report)
        seen = sum(s["allocs"] for s in report["stacks"] if len(s["frames"]) > 1
                   and s["frames"][-2]["function"].startswith("do_sys_poll"))
        if seen < pairs:
            raise Unavailable(f"wrong: saw {seen} pairs, not {pairs}")
        if report["lost"]["live_full"] or report["lost"]["stacks_unread"]:
            raise Unavailable(f"wrong: lost {report['lost']}")


class MemleakKernel(Memleak):
    """Without a process it traces the kernel: objects and pages in one sum."""

    def attach(self, pid, libc):
        root = self.options.debian13
        self.start(["stdbuf", "-oL", f"{root}/lib64/ld-linux-x86-64.so.2", "--library-path",
                    f"{root}/usr/lib/x86_64-linux-gnu", f"{root}/usr/sbin/memleak-libbpf", "1"])
        self.wait_for_output("Tracing outstanding")

    def finish(self, pairs):
        wait_until("a report of memleak", lambda: "allocations from stack" in read(self.output)
                   or self.process.poll() is not None)
        seen = "allocations from stack" in read(self.output)
        stop(self.process)
        if not seen:
            raise Unavailable("wrong: did not report anything")


class Bpftrace(Tool):
    name = "bpftrace: malloc by stack"

    def check(self):
        if not shutil.which("bpftrace"):
            raise Unavailable("not installed (scripts/deps.sh bench)")

    def attach(self, pid, libc):
        os.environ["BPFTRACE_MAP_KEYS_MAX"] = "100000"
        program = f"uprobe:{libc}:malloc {{ @[ustack] = count(); }}"
        self.start(["bpftrace", "-p", str(pid), "-e", program])
        # it says that it attaches, not that it has
        wait_until("bpftrace's probe", lambda: self.process.poll() is not None or
                   subprocess.run([PYTHON, INTACT, str(pid)], stdout=subprocess.DEVNULL,
                                  check=False).returncode == 1)
        if self.process.poll() is not None:
            raise Unavailable(f"did not start: {read(self.output).strip().splitlines()[-1]}")

    def finish(self, pairs):
        stop(self.process)
        seen = sum(int(n) for n in re.findall(r"\]: (\d+)$", read(self.output), re.M))
        if seen < (pairs or 1):
            raise Unavailable(f"wrong: counted {seen} calls, not {pairs}")


class MemsnoopFault(Tool):
    name = "memsnoop"

    def check(self):
        if not os.access(MEMSNOOP, os.X_OK):
            raise Unavailable("not built")

    def attach(self, pid, libc):
        self.report = os.path.join(self.scratch, "fault.json")
        self.start([MEMSNOOP, "-v", "--layers", "rss", "-p", str(pid), "-o", self.report])
        self.wait_for_output(f"tracing {pid}")

    def finish(self, pairs):
        stop(self.process)
        report = read_report(self.report)
        lost = {key: count for key, count in report["lost"].items() if count}
        if lost:
            raise Unavailable(f"wrong: lost {lost}")
        loop = [s for s in report["stacks"] if s["frames"][-1]["function"] == "make_faults"]
        if sum(s["allocs"] for s in loop) != pairs:
            raise Unavailable(f"wrong: saw {sum(s['allocs'] for s in loop)} faults, not {pairs}")
        if any([f["function"] for f in s["frames"]].index("make_faults")
               - [f["function"] for f in s["frames"]].index("main") + 1 != self.depth
               for s in loop):
            raise Unavailable(f"wrong: the stack is not {self.depth} frames deep")


class BpftraceFault(Tool):
    name = "bpftrace: faults by stack"

    def check(self):
        if not shutil.which("bpftrace"):
            raise Unavailable("not installed (scripts/deps.sh bench)")

    def attach(self, pid, libc):
        self.start(["bpftrace", "-e", f"tracepoint:exceptions:page_fault_user /pid == {pid}/ "
                    "{ @[ustack] = count(); } interval:ms:200 { printf(\"ticks\\n\"); }"])
        self.wait_for_output("ticks")

    def finish(self, pairs):
        stop(self.process)
        seen = sum(int(n) for n in re.findall(r"\]: (\d+)$", read(self.output), re.M))
        if seen < pairs:
            raise Unavailable(f"wrong: counted {seen} faults, not {pairs}")


class Heaptrack(Tool):
    name = "heaptrack (preloaded)"
    launches = True
    scale = 50

    def check(self):
        if not shutil.which("heaptrack"):
            raise Unavailable("not installed (scripts/deps.sh bench)")

    def wrap(self, command):
        self.data = os.path.join(self.scratch, "heaptrack")
        for name in os.listdir(self.scratch):
            if name.startswith("heaptrack"):
                os.unlink(os.path.join(self.scratch, name))
        return ["heaptrack", "-o", self.data] + command

    def finish(self, pairs):
        files = [f for f in os.listdir(self.scratch) if f.startswith("heaptrack")]
        if not files:
            raise Unavailable("wrong: left no data")
        if pairs is None:
            return
        text = subprocess.run(["heaptrack_print", "-f", os.path.join(self.scratch, files[0])],
                              capture_output=True, text=True, check=False).stdout
        found = re.search(r"calls to allocation functions: (\d+)", text)
        if not found or int(found.group(1)) < pairs + HELD:
            raise Unavailable("wrong: did not count the calls")


# ---- what is measured ----------------------------------------------------------

def end(program):
    if program and program.poll() is None:
        program.kill()
    if program:
        program.wait()


def measure_pair(tool, libc, command, pairs):
    """ns a pair."""
    if tool.launches:
        command = tool.wrap(command)
    program = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, text=True)
    try:
        for line in program.stdout:
            if line == "ready\n":
                break
        tool.attach(program.pid, libc)
        program.stdin.write("go\n")
        program.stdin.flush()
        for line in program.stdout:
            if line.startswith("pair "):
                break
        else:
            raise Unavailable("the program did not run")
        if not tool.launches:
            tool.finish(pairs)
        program.stdin.write("end\n")
        program.stdin.close()
        program.stdout.read()
        program.wait(PATIENCE)
        if tool.launches:
            tool.finish(pairs)
        return [float(line.split()[1])]
    finally:
        tool.give_up()
        end(program)


def is_stopped(pid):
    return read(f"/proc/{pid}/stat").rsplit(")", 1)[1].split()[0] == "T"


def measure_train(tool, weights):
    """Seconds of each training step but the first, which warms up."""
    command = [PYTHON, TRAIN, "time", weights]
    if tool.launches:
        command = tool.wrap(command)
    else:
        # stopped before it becomes Python, so that a tracer is there from the start
        command = ["bash", "-c", 'kill -STOP $$; exec "$@"', "-"] + command
    program = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, text=True)
    try:
        if not tool.launches:
            wait_until("the program to stop", lambda: is_stopped(program.pid))
            tool.attach(program.pid, LIBC)
            program.send_signal(signal.SIGCONT)
        lines = []
        for line in program.stdout:
            lines.append(line)
            # the tracers look at a process that still lives
            if line.startswith("step 3") and isinstance(tool, Memleak):
                tool.finish(None)
        program.wait(PATIENCE)
        if not isinstance(tool, Memleak):
            tool.finish(None)
        steps = [float(s) for s in re.findall(r"^step [23]: .*, ([0-9.]+) s$", "".join(lines),
                                              re.M)]
        if len(steps) != 2:
            raise Unavailable("the program did not run to its end")
        return steps
    finally:
        tool.give_up()
        end(program)


# ---- the run ---------------------------------------------------------------------

def run(tools, rounds, measure):
    """name -> figures, or why there are none."""
    figures = {tool.name: [] for tool in tools}
    reasons = {}
    for number in range(rounds):
        for tool in tools:
            if tool.name in reasons:
                continue
            print(f"\r\033[K{number + 1}/{rounds} {tool.name}" if sys.stderr.isatty() else "",
                  end="", file=sys.stderr, flush=True)
            try:
                tool.check()
                figures[tool.name] += measure(tool)
            except Unavailable as reason:
                reasons[tool.name] = str(reason)
    print("\r\033[K" if sys.stderr.isatty() else "", end="", file=sys.stderr)
    return figures, reasons


def number(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def show(title, unit, figures, reasons):
    base = statistics.median(figures[Tool.name]) if figures[Tool.name] else None
    own = None
    if Memsnoop.name not in reasons:
        own = statistics.median(figures[Memsnoop.name])
    print(f"\n{title}\n  {'':<28}{'min':>10}{'median':>10} {unit:<8}{'x base':>9}{'x memsnoop':>12}")
    for name, values in figures.items():
        if name in reasons:
            print(f"  {name:<28}not available: {reasons[name]}")
            continue
        median = statistics.median(values)
        print(f"  {name:<28}{number(min(values)):>10}{number(median):>10} {'':<8}"
              f"{number(median / base) if base else '-':>9}"
              f"{f'{median / own:.2f}' if own else '-':>12}")


def bench_pair(scratch, options, title, root, kinds, depth=DEPTH):
    """root: whose libc the program runs on, None for this system's."""
    loader, libc = [], LIBC
    if root:
        libraries = f"{root}/usr/lib/x86_64-linux-gnu"
        loader = [f"{root}/lib64/ld-linux-x86-64.so.2", "--library-path", libraries]
        libc = f"{libraries}/libc.so.6"
    tools = [kind(scratch, options, depth) for kind in kinds]

    def measure(tool):
        pairs = options.pairs * tool.scale
        return measure_pair(tool, libc, loader + [PAIR, str(pairs), str(tool.depth)], pairs)

    show(title, "ns", *run(tools, options.rounds, measure))


def bench_fault(scratch, options):
    for depth in DEPTHS:
        tools = [kind(scratch, options, depth)
                 for kind in (NoTracer, MemsnoopFault, BpftraceFault)]

        def measure(tool, depth=depth):
            faults = options.pairs // 5  # in a virtual machine they are dear without a tracer, too
            return measure_pair(tool, LIBC, [FAULT, str(faults), str(depth)], faults)

        show(f"a page fault, {depth} frames deep, with giving the page back", "ns",
             *run(tools, options.rounds, measure))


def bench_kernel(scratch, options):
    def measure(tool):
        pairs = options.pairs * (10 if tool.scale > 1 else 1)
        return measure_pair(tool, LIBC, [KERNEL_PAIR, str(pairs)], pairs)

    tools = [kind(scratch, options) for kind in (NoTracer, MemsnoopKernel, MemleakKernel)]
    show("a kmalloc/kfree pair in poll(), with the system call", "ns",
         *run(tools, options.rounds, measure))


def bench_train(scratch, options):
    if subprocess.run([PYTHON, "-c", "import torch, torchvision"], stderr=subprocess.DEVNULL,
                      check=False).returncode:
        print("\na training step: not available: no python3-torch (scripts/deps.sh bench)")
        return
    weights = os.path.join(scratch, "resnet18.pt")
    subprocess.run([PYTHON, TRAIN, "save", weights], check=True, stdout=subprocess.DEVNULL)
    tools = [kind(scratch, options) for kind in (NoTracer, Memsnoop, Memleak, Bpftrace, Heaptrack)]
    show("a training step of ResNet-18, batch 8", "s",
         *run(tools, max(2, options.rounds // 2), lambda tool: measure_train(tool, weights)))


def main():
    parser = argparse.ArgumentParser(description="What tracing costs.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--pairs", type=int, default=100000)
    parser.add_argument("--debian13", default="")
    parser.add_argument("--only", choices=("pair", "depth", "fault", "train", "kernel"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        if options.only in (None, "pair"):
            bench_pair(scratch, options, "a malloc/free pair, ten frames deep, Debian 12's libc",
                       None, (NoTracer, Memsnoop, Memleak, Bpftrace, Heaptrack))
            if options.debian13:
                bench_pair(scratch, options, "the same, Debian 13's libc", options.debian13,
                           (NoTracer, Memsnoop, Memleak, Bpftrace))
        if options.only in (None, "depth"):
            for depth in DEPTHS:
                bench_pair(scratch, options, f"a malloc/free pair, {depth} frames deep", None,
                           (NoTracer, Memsnoop, Memleak), depth)
        if options.only in (None, "fault"):
            bench_fault(scratch, options)
        if options.only in (None, "kernel"):
            bench_kernel(scratch, options)
        if options.only in (None, "train"):
            bench_train(scratch, options)


if __name__ == "__main__":
    main()
