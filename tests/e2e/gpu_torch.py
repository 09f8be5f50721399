#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Compares a report of memsnoop with what PyTorch and the driver counted (train_cuda.py).

    gpu_torch.py REPORT.json LEDGER.json [FIRST]

Prints TAP without a plan, numbered from FIRST; what the ledger does not know is skipped.
"""
import json
import os
import sys

from reports import read_report

DEVICE = "cuda:0"
MIB = 1 << 20


def is_segment(stack):
    """Of PyTorch's allocator: its stack leads through the file that the allocator is in."""
    return any(os.path.basename(frame["module"] or "").startswith("libc10_cuda.so")
               for frame in stack["frames"])


def numbers(report, pid):
    """What memsnoop says, by what the ledger calls it."""
    stacks = [s for s in report["stacks"] if s["pid"] == pid and s["device"] == DEVICE]
    process = next(p for p in report["processes"] if p["pid"] == pid and p["exited"])
    device = next((d for d in process["layers"]["gpu"]["devices"] if d["device"] == DEVICE), None)
    segments = sum(s["live_bytes"] for s in stacks if s["layer"] == "gpu" and is_segment(s))
    driver = device["driver_bytes"] if device else None
    return {
        "allocated_current": sum(s["live_bytes"] for s in stacks if s["layer"] == "tensor"),
        "allocated_peak": sum(c["bytes_at_peak"] for c in report["categories"]
                              if c["pid"] == pid and c["device"] == DEVICE),
        "reserved_current": segments,
        # nothing was given back, so that the most is what is there
        "reserved_peak": segments,
        "driver_mib": None if driver is None else driver // MIB,
    }


CHECKS = [
    ("allocated_current", "tensors on the device"),
    ("allocated_peak", "their peak"),
    ("reserved_current", "segments that the allocator holds"),
    ("reserved_peak", "the most it held"),
    ("driver_mib", "MiB by the driver, as nvidia-smi has them"),
]


def main():
    report, number = read_report(sys.argv[1]), int(sys.argv[3]) if len(sys.argv) > 3 else 1
    with open(sys.argv[2], encoding="utf-8") as file:
        ledger = json.load(file)
    got = numbers(report, ledger["pid"])
    failed = False
    for key, text in CHECKS:
        line = f"{number} PyTorch {ledger['torch']}: {text}"
        if ledger.get(key) is None:
            print(f"ok {line} # SKIP it does not say")
        elif got[key] == ledger[key]:
            print(f"ok {line}: {got[key]}")
        else:
            print(f"not ok {line}: memsnoop says {got[key]}, should be {ledger[key]}")
            failed = True
        number += 1
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
