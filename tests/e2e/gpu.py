#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Compares the gpu layer of a report with the ledger a GPU program kept (tally.h).

    gpu.py REPORT.json LEDGER [--no-peak] [--driver] [--lost KEY ...]

The layer and each of its devices must be equal to the ledger, to the byte; the stacks of
each device must sum to it.  With --driver there may be devices of which only the driver tells.
Nothing may be lost but what --lost names.
"""
import argparse
import collections
import sys

from reports import COUNTS, expect_equal, expect_no_losses, read_report, verdict


def read_ledger(path):
    lines = collections.defaultdict(dict)
    with open(path, encoding="utf-8") as file:
        for line in file:
            device, key, value = line.split()
            lines[device][key] = int(value)
    return lines


def check_layer(layer, ledger, options):
    total = ledger["sum"]
    for key in COUNTS + ("failed", "unknown_frees"):
        expect_equal(layer[key], total[key], f"gpu: {key}")
    if not options.no_peak:
        expect_equal(layer["peak_bytes"], total["peak_bytes"], "gpu: peak_bytes")
    expect_equal(layer["in_flight_bytes"], 0, "gpu: in flight")


def check_devices(layer, ledger, options):
    devices = {device["device"]: device for device in layer["devices"]
               if device["allocs"] or device["failed"] or not options.driver}
    wanted = set(ledger) - {"sum", "process"}
    expect_equal(sorted(devices), sorted(wanted), "devices")
    for name in wanted & set(devices):
        for key in COUNTS + ("failed", "shared_bytes"):
            expect_equal(devices[name][key], ledger[name][key], f"{name}: {key}")
        if not options.no_peak:
            expect_equal(devices[name]["peak_bytes"], ledger[name]["peak_bytes"],
                         f"{name}: peak_bytes")


def check_stacks(report, pid, layer, ledger):
    stacks = [s for s in report["stacks"] if s["pid"] == pid and s["layer"] == "gpu"]
    for name in set(ledger) - {"sum", "process"}:
        for key in COUNTS:
            expect_equal(sum(s[key] for s in stacks if s["device"] == name), ledger[name][key],
                         f"stacks of {name}: {key}")
    expect_equal(sum(s["peak_bytes"] for s in stacks), layer["peak_bytes"],
                 "the stacks' shares of the peak")
    failed = [s for s in report.get("failures", []) if s["pid"] == pid and s["layer"] == "gpu"]
    expect_equal(sum(s["count"] for s in failed), ledger["sum"]["failed"], "calls that failed")


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("report")
    parser.add_argument("ledger")
    parser.add_argument("--no-peak", action="store_true")
    parser.add_argument("--driver", action="store_true")
    parser.add_argument("--lost", action="append", default=[])
    options = parser.parse_args()
    report, ledger = read_report(options.report), read_ledger(options.ledger)
    pid = ledger["process"]["pid"]
    layers = [p["layers"]["gpu"] for p in report["processes"] if p["pid"] == pid]
    layer = max(layers, key=lambda one: one["allocs"])
    check_layer(layer, ledger, options)
    check_devices(layer, ledger, options)
    check_stacks(report, pid, layer, ledger)
    expect_no_losses(report, options.lost)
    return verdict()


if __name__ == "__main__":
    sys.exit(main())
