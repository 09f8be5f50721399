#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Compares the vm layer of a report with the ledgers of tests/targets/space.c.

    space.py REPORT.json LEDGER...

For each of the target's functions: bytes mapped, bytes that are gone, pieces
that are left, over all stacks that lead through it.  And all that is mapped, by
all stacks, is what the process itself read in /proc/self/maps; nothing is
there that no call was seen to map.
"""
import os
import sys

from reports import read_report

failures = []


def expect_equal(got, wanted, what):
    if got != wanted:
        failures.append(f"{what}: memsnoop says {got}, should be {wanted} ({got - wanted:+d})")


def check_ledger(report, path, unseen):
    name, pid = os.path.basename(path).rsplit(".", 1)
    pid = int(pid)
    processes = [p for p in report["processes"] if p["pid"] == pid and not p["execed"]]
    if len(processes) != 1:
        failures.append(f"{name}: {len(processes)} processes {pid} in the report")
        return
    process, vm = processes[0]["id"], processes[0]["layers"]["vm"]
    stacks = [s for s in report["stacks"] if s["process"] == process and s["layer"] == "vm"]
    for key in ("allocs", "alloc_bytes", "frees", "freed_bytes", "live", "live_bytes"):
        expect_equal(sum(s[key] for s in stacks), vm[key], f"{name}: sum of the stacks' {key}")
    expect_equal(sum(s["peak_bytes"] for s in stacks), vm["peak_bytes"], f"{name}: peak")
    expect_equal(vm["in_flight_bytes"], 0, f"{name}: in flight")
    for line in open(path, encoding="utf-8"):
        way, mapped, unmapped, pieces = line.split()
        through = [s for s in stacks if any(f["function"] == way for f in s["frames"])]
        if way == "all":
            expect_equal(vm["live_bytes"], int(mapped), f"{name}: all that is mapped")
        elif way == "failed":
            expect_equal(vm["failed"], int(mapped), f"{name}: calls that failed")
        else:
            expect_equal(sum(s["alloc_bytes"] for s in through), int(mapped), f"{name}: {way}")
            expect_equal(sum(s["freed_bytes"] for s in through), int(unmapped),
                         f"{name}: {way}, gone")
            if way != "break_grown":
                expect_equal(sum(s["live"] for s in through), int(pieces),
                             f"{name}: {way}, pieces")
    for stack in stacks:
        if stack["frames"][0]["function"] == "[mapped unseen]" and not unseen:
            failures.append(f"{name}: {stack['live_bytes']} bytes are mapped that no call was "
                            "seen to map")


def main():
    unseen = sys.argv[1] == "--unseen"
    report = read_report(sys.argv[1 + unseen])
    for path in sys.argv[2 + unseen:]:
        check_ledger(report, path, unseen)
    for text in failures[:40]:
        print(text)
    return 1 if failures or len(sys.argv) < 3 else 0


if __name__ == "__main__":
    sys.exit(main())
