# SPDX-License-Identifier: GPL-2.0
"""Reads a JSON report, gives each stack its frames in place of their numbers, and collects how a
report differs from what it should say."""

import json


def read_report(path):
    with open(path, encoding="utf-8") as file:
        report = json.load(file)
    frames = report["frames"]
    for stack in report["stacks"] + report["tensors"]:
        stack["frames"] = [frames[number] for number in stack["frames"]]
    return report


# What a layer's totals and each of its stacks say of blocks.
COUNTS = ("allocs", "alloc_bytes", "frees", "freed_bytes", "live", "live_bytes")

failures = []


def expect_equal(got, wanted, what):
    if got != wanted:
        failures.append(f"{what}: memsnoop says {got}, should be {wanted}")


def expect_no_losses(report, but=()):
    for key, count in report["lost"].items():
        if key not in but:
            expect_equal(count, 0, f"lost.{key}")


def verdict():
    """Prints what differs; the exit status."""
    for text in failures[:40]:
        print(text)
    return 1 if failures else 0
