#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Compares the tensor layer of a report with the ledger of a program on the doubles of
PyTorch's allocators (tests/targets/torch).

    allocator.py REPORT.json LEDGER

The layer, its stacks, its tensors and what the allocators of devices have taken must be equal
to the ledger, to the byte; nothing may be lost.
"""
import argparse
import collections
import json
import sys

from reports import COUNTS, expect_equal, expect_no_losses, read_report, verdict


def check_layer(process, stacks, ledger):
    layer, total = process["layers"]["tensor"], ledger["sum"]
    for key in COUNTS + ("failed", "unknown_frees", "peak_bytes"):
        expect_equal(layer[key], total[key], f"tensor: {key}")
    for key in COUNTS:
        expect_equal(sum(s[key] for s in stacks), total[key], f"stacks: {key}")
    expect_equal(sum(s["peak_bytes"] for s in stacks), total["peak_bytes"], "stacks: peak_bytes")


def check_blocks(report, ledger):
    """Each block that lives: what it takes, what was asked for, on which stream."""
    keys = ("device", "block_bytes", "requested_bytes", "stream")
    found = collections.Counter()
    for tensor in report["tensors"]:
        if tensor["pid"] == ledger["pid"]:
            found[tuple(tensor[key] for key in keys)] += tensor["live"]
    wanted = collections.Counter(tuple(block[key] for key in keys) for block in ledger["blocks"])
    expect_equal(sorted((+found).items(), key=str), sorted(wanted.items(), key=str), "blocks")


def check_allocators(report, ledger):
    """What each device's allocator has taken and given out, at its peak and at the end."""
    found = {a["device"]: a for a in report["allocators"] if a["pid"] == ledger["pid"]}
    expect_equal(sorted(found), sorted(ledger["devices"]), "devices with an allocator")
    for name, wanted in ledger["devices"].items():
        allocator = found.get(name)
        if not allocator:
            continue
        expect_equal(allocator["reserved_peak_bytes"], wanted["reserved_peak_bytes"],
                     f"{name}: reserved at most")
        for moment, truth in ("at_end", wanted["now"]), ("at_peak", wanted["at_peak"]):
            check_moment(f"{name}, {moment}", allocator[moment], truth)
        segments = allocator["segments"]
        if segments:
            expect_equal(segments["stranded_bytes"] + segments["cached_bytes"],
                         allocator["at_end"]["unused_bytes"], f"{name}: how the unused lie")
        known = not (ledger["before"] and name == "cuda:0")
        expect_equal(bool(segments), known, f"{name}: segments are known")


def check_moment(what, got, truth):
    for key in "reserved_bytes", "allocated_bytes", "requested_bytes", "untold_bytes":
        expect_equal(got[key], truth[key], f"{what}: {key}")
    unused = truth["reserved_bytes"] - truth["allocated_bytes"]
    rounding = truth["allocated_bytes"] - truth["untold_bytes"] - truth["requested_bytes"]
    expect_equal(got["unused_bytes"], unused, f"{what}: unused")
    expect_equal(got["rounding_bytes"], rounding, f"{what}: rounding")
    expect_equal(got["fragmentation_bytes"], unused + rounding, f"{what}: fragmentation")


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("report")
    parser.add_argument("ledger")
    options = parser.parse_args()
    report = read_report(options.report)
    with open(options.ledger, encoding="utf-8") as file:
        ledger = json.load(file)
    pid = ledger["pid"]
    processes = [p for p in report["processes"] if p["pid"] == pid]
    process = max(processes, key=lambda one: one["layers"]["tensor"]["allocs"])
    stacks = [s for s in report["stacks"] if s["pid"] == pid and s["layer"] == "tensor"]
    check_layer(process, stacks, ledger)
    check_allocators(report, ledger)
    if ledger["blocks"]:
        check_blocks(report, ledger)
    expect_no_losses(report)
    return verdict()


if __name__ == "__main__":
    sys.exit(main())
