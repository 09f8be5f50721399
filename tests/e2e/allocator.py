#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Compares the tensor layer of a report with the ledger of a program on the doubles of
PyTorch's allocators (tests/targets/torch).

    allocator.py REPORT.json LEDGER

The layer, its stacks and its tensors must be equal to the ledger, to the byte; nothing may be
lost.
"""
import argparse
import collections
import json
import sys

from reports import read_report

COUNTS = ("allocs", "alloc_bytes", "frees", "freed_bytes", "live", "live_bytes")

failures = []


def expect_equal(got, wanted, what):
    if got != wanted:
        failures.append(f"{what}: memsnoop says {got}, should be {wanted}")


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
    if ledger["blocks"]:
        check_blocks(report, ledger)
    for key, count in report["lost"].items():
        expect_equal(count, 0, f"lost.{key}")
    for text in failures[:40]:
        print(text)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
