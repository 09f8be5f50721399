#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Compares the rss layer of a report with the ledgers of tests/targets/touch.c.

    rss.py [--sums] REPORT.json LEDGER...

Of each process: the stacks sum to its layer, and the layer is its RSS.  Of each of
the target's functions: the bytes of the pages that it touched and that are
resident now, over all stacks that lead through it; the page faults, and the
major ones among them, are those that the kernel counted.

--sums: not by function.  --spike BYTES: also that so much came and went unseen.
"""
import os
import sys

from reports import read_report

PAGE = 4096
failures = []


def expect_equal(got, wanted, what):
    if got != wanted:
        failures.append(f"{what}: memsnoop says {got}, should be {wanted} ({got - wanted:+d})")


def batch_bytes():
    """What /proc's RSS may be wrong by: three counters (file, anonymous, shared memory),
    each of which a CPU adds to when it has a batch: include/linux/percpu_counter.h.
    Since 6.16 or so /proc sums up what the CPUs have, and is exact."""
    cpus = os.cpu_count()
    release = tuple(int(n) for n in os.uname().release.split("-")[0].split(".")[:2])
    return 0 if release >= (6, 17) else 3 * cpus * max(32, 2 * cpus) * PAGE


def through(stacks, function):
    return [s for s in stacks if any(f["function"] == function for f in s["frames"])]


def stacks_of(report, process):
    """Of the layer.  Not by pid, which an exec keeps."""
    return [s for s in report["stacks"]
            if s["process"] == process["id"] and s["layer"] == "rss"]


def check_sums(report):
    for process in report["processes"]:
        layer = process["layers"]["rss"]
        stacks = stacks_of(report, process)
        what = f"{process['comm']} {process['pid']}"
        for key in ("allocs", "live_bytes"):
            expect_equal(sum(s[key] for s in stacks), layer[key], f"{what}: sum of {key}")
        expect_equal(sum(s["peak_bytes"] for s in stacks) + layer["in_flight_bytes"],
                     layer["peak_bytes"], f"{what}: sum of the peak")


def check_ledger(report, path, by_function):
    name, pid = os.path.basename(path).rsplit(".", 1)
    pid = int(pid)
    processes = [p for p in report["processes"] if p["pid"] == pid and not p["execed"]]
    if len(processes) != 1:
        failures.append(f"{name}: {len(processes)} processes {pid} in the report")
        return
    layer, stacks = processes[0]["layers"]["rss"], stacks_of(report, processes[0])
    with open(path, encoding="utf-8") as file:
        ledger = {key: int(value) for key, value in (line.split() for line in file)}
    off = layer["live_bytes"] - ledger.pop("rss")
    if abs(off) > batch_bytes():
        failures.append(f"{name}: layer rss is {off:+d} bytes off RSS")
    ledger.pop("high")
    faults, major = ledger.pop("faults"), ledger.pop("major")
    if not by_function:
        return
    marked = through(stacks, "marked")
    expect_equal(sum(s["allocs"] for s in marked), faults, f"{name}: page faults")
    expect_equal(sum(s["major_faults"] for s in marked), major, f"{name}: major faults")
    expect_equal(sum(s["major_faults"] for s in through(marked, "touch_file_cold")), major,
                 f"{name}: major faults of touch_file_cold")
    # more than that: it has also what the C library and the ledger's writer touched
    inherited, wanted = through(stacks, "[inherited at fork]"), ledger.pop("inherited")
    if sum(s["live_bytes"] for s in inherited) < wanted:
        failures.append(f"{name}: {wanted} bytes and more are inherited")
    for way, wanted in ledger.items():
        expect_equal(sum(s["live_bytes"] for s in through(stacks, way)), wanted,
                     f"{name}: {way}")


def check_spike(report, bytes_of_spike):
    """It is in no tick's RSS, but in what was the most since the tick before."""
    highest = max(p["rss_bytes"] for p in report["timeline"])
    high = max(p["rss_high_bytes"] for p in report["timeline"])
    layer = report["processes"][0]["layers"]["rss"]
    off = 3 * os.cpu_count() * max(32, 2 * os.cpu_count()) * PAGE
    if highest >= bytes_of_spike:
        failures.append("a tick saw the spike")
    for value, what in (high, "rss_high_bytes"), (layer["peak_bytes"], "the peak"):
        if not -off <= value - highest - bytes_of_spike <= off:
            failures.append(f"{what} is {value}, should be about {highest + bytes_of_spike}")


def main():
    if sys.argv[1] == "--spike":
        check_spike(read_report(sys.argv[3]), int(sys.argv[2]))
        sys.argv[1:3] = ["--sums"]
    sums = sys.argv[1] == "--sums"
    report = read_report(sys.argv[1 + sums])
    check_sums(report)
    for path in sys.argv[2 + sums:]:
        check_ledger(report, path, not sums)
    for text in failures[:40]:
        print(text)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
