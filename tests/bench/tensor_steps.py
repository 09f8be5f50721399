#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""What the tensor layer costs a training: ResNet-18's steps with memsnoop attached and without.

    tensor_steps.py [--rounds N] [--steps N] [--batches N,N]

One training runs on and on; memsnoop attaches to it for some steps, leaves it alone for as
many, and so on, so that both are of the same process, memory and hour.  The first steps after
each change are left out: those pay for attaching, not for being traced.  A round's steps are
compared with those alone before and after it, and rounds by their median: what the machine itself
does from minute to minute is more than what is looked for.  Besides, what probes cost is time in
the kernel, which is known by itself: a process's system time a step.

The training's malloc keeps what it has (glibc's tunables).  By default each large tensor is mapped,
touched and unmapped in every step; in a virtual machine those page faults take a third of a step,
and now half and now twice of that, which hides what is looked for.  Without them steps are shorter:
the same cost is a larger part of them.
"""
import argparse
import os
import re
import statistics
import subprocess
import tempfile

from bench import MEMSNOOP, PYTHON, TRAIN, Unavailable, end, read, read_report, stop, wait_until

LEFT_OUT = 2
KEEPS = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(1 << 40),
         "MALLOC_TOP_PAD_": str(256 << 20)}
STEP = re.compile(r"^step (\d+): .*, ([0-9.]+) s$", re.M)
USER_TIME, SYSTEM_TIME = 11, 12  # in /proc/PID/stat behind the name, in ticks


def steps_of(path):
    return [float(seconds) for _, seconds in STEP.findall(read(path))]


def cpu_seconds(pid, *which):
    fields = read(f"/proc/{pid}/stat").rsplit(")", 1)[1].split()
    return sum(int(fields[at]) for at in which) / os.sysconf("SC_CLK_TCK")


class Window:
    """The next steps, without those that a change may be in; `tracer`: who traces them."""

    def __init__(self, pid, output, count, tracer=None):
        first = len(steps_of(output)) + LEFT_OUT
        wait_until("steps to begin", lambda: len(steps_of(output)) >= first)
        before = cpu_seconds(pid, SYSTEM_TIME), self.own_seconds(tracer)
        wait_until(f"{count} steps", lambda: len(steps_of(output)) >= first + count)
        self.system_s = (cpu_seconds(pid, SYSTEM_TIME) - before[0]) / count
        self.own_s = (self.own_seconds(tracer) - before[1]) / count
        self.seconds = steps_of(output)[first:first + count]
        self.median = statistics.median(self.seconds)

    @staticmethod
    def own_seconds(tracer):
        return cpu_seconds(tracer, USER_TIME, SYSTEM_TIME) if tracer else 0


def traced(pid, scratch, output, count):
    """The same with memsnoop; and how many tensors a step makes, as it saw."""
    report, said = os.path.join(scratch, "report.json"), os.path.join(scratch, "said")
    with open(said, "w", encoding="utf-8") as file:
        tracer = subprocess.Popen([MEMSNOOP, "-v", "--layers", "tensor", "-p", str(pid), "-o",
                                   report], stdin=subprocess.DEVNULL, stdout=file,
                                  stderr=subprocess.STDOUT)
    try:
        wait_until("memsnoop to attach", lambda: f"tracing {pid}" in read(said))
        for line in ("shapes of tensors are known", "what steps of optimizers change is known",
                     "ranges are seen where they are called"):
            wait_until(line, lambda line=line: line in read(said))
        begun = len(steps_of(output))
        window = Window(pid, output, count, tracer.pid)
        ended = len(steps_of(output))
    finally:
        stop(tracer)
    found = read_report(report)
    lost = {name: lost for name, lost in found["lost"].items() if lost}
    if lost:
        raise Unavailable(f"wrong: lost {lost}")
    steps = sum(1 for stage in found["stages"] if stage["name"] == "optimizer step")
    if steps < ended - begun:
        raise Unavailable(f"wrong: saw {steps} steps of {ended - begun}")
    return window, found["processes"][0]["layers"]["tensor"]["allocs"] / steps


def measure(batch, options, scratch):
    weights, output = os.path.join(scratch, "resnet18.pt"), os.path.join(scratch, "output")
    subprocess.run([PYTHON, TRAIN, "save", weights], check=True, stdout=subprocess.DEVNULL)
    alone, with_us, tensors = [], [], []
    with open(output, "w", encoding="utf-8") as file:
        program = subprocess.Popen([PYTHON, TRAIN, "on", weights, str(batch)],
                                   stdin=subprocess.DEVNULL, stdout=file,
                                   stderr=subprocess.DEVNULL, env=os.environ | KEEPS)
    try:
        wait_until("the training to warm up", lambda: len(steps_of(output)) >= 3)
        alone.append(Window(program.pid, output, options.steps))
        for _ in range(options.rounds):
            window, made = traced(program.pid, scratch, output, options.steps)
            with_us.append(window)
            tensors.append(made)
            alone.append(Window(program.pid, output, options.steps))
    finally:
        end(program)
    return alone, with_us, statistics.median(tensors)


def show(batch, alone, with_us, tensors):
    ratios = sorted(2 * window.median / (before.median + after.median)
                    for before, window, after in zip(alone, with_us, alone[1:]))
    print(f"\na training step of ResNet-18, batch {batch}, {tensors:.0f} tensors")
    print(f"  {'':<28}{'min':>10}{'median':>10} {'s':<8}{'x base':>9}")
    base = statistics.median(window.median for window in alone)
    for name, windows in (("no tracer", alone), ("memsnoop --layers tensor", with_us)):
        values = sum((window.seconds for window in windows), [])
        middle = statistics.median(window.median for window in windows)
        print(f"  {name:<28}{min(values):>10.3f}{middle:>10.3f} {'':<8}{middle / base:>9.4f}")
    kernel = [statistics.median(window.system_s for window in windows)
              for windows in (alone, with_us)]
    own = statistics.median(window.own_s for window in with_us)
    percent = [100 * (ratio - 1) for ratio in ratios]
    quarter = len(percent) // 4
    print(f"  median of {len(percent)} rounds: {statistics.median(percent):+.2f} % (half of them "
          f"{percent[quarter]:+.2f} to {percent[-1 - quarter]:+.2f})")
    print(f"  time in the kernel, a step: {1000 * kernel[0]:.0f} ms, with memsnoop "
          f"{1000 * kernel[1]:.0f} ms: {100 * (kernel[1] - kernel[0]) / base:+.2f} % of a step; "
          f"memsnoop itself {1000 * own:.1f} ms")


def main():
    parser = argparse.ArgumentParser(description="What the tensor layer costs a training.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--batches", default="8,32,64")
    options = parser.parse_args()
    if subprocess.run([PYTHON, "-c", "import torch, torchvision"], stderr=subprocess.DEVNULL,
                      check=False).returncode:
        print("\nthe tensor layer: not available: no python3-torch (scripts/deps.sh bench)")
        return
    for batch in (int(text) for text in options.batches.split(",")):
        with tempfile.TemporaryDirectory() as scratch:
            try:
                show(batch, *measure(batch, options, scratch))
            except Unavailable as reason:
                print(f"\na training step of ResNet-18, batch {batch}: not available: {reason}")


if __name__ == "__main__":
    main()
