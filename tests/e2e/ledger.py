#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Compares a report of memsnoop with the ledgers that the targets kept.

    ledger.py REPORT.json [options] [LEDGER ...]

First the report must agree with itself: every process's totals are the sums
of its stacks, live is what was allocated less what was freed, nothing was
lost.  Then, for each ledger, the stacks that end in the target's own calls
must be equal to it, to the byte, for each allocation function.

    --lost KEY[=N]   this loss counter may be anything, or must be N
    --unknown any    frees of unknown blocks are not compared (glibc frees what
                     a thread had cached once more when the thread ends)
    --peak           the ledger's peak is the sum of the stacks' shares
    --lenient        a ledger is only looked at for its process and for damage:
                     something was lost on purpose
    --only           only the report, against itself
"""
import argparse
import os
import sys

from reports import read_report

COUNTS = ("allocs", "alloc_bytes", "frees", "freed_bytes", "live", "live_bytes")
LAYERS = ("heap", "tensor", "gpu", "vm", "rss")
TOP_KEYS = ("schema", "tool", "duration_s", "processes", "stacks", "timeline", "stages",
            "categories", "insights", "lost")
PROCESS_KEYS = ("pid", "comm", "cmdline", "container", "exit_code", "rss_bytes",
                "rss_peak_bytes", "layers")
LAYER_KEYS = COUNTS + ("peak_bytes", "peak_at_s")
STACK_KEYS = ("pid", "process", "layer", "device", "frames") + COUNTS + ("peak_bytes",)
FRAME_KEYS = ("function", "file", "line", "module", "kind")
POINT_KEYS = ("t_s", "pid", "process", "rss_bytes", "heap_bytes", "tensor_bytes", "gpu_bytes",
              "vm_bytes", "stage")

failures = []


def expect(condition, text):
    if not condition:
        failures.append(text)
    return condition


def expect_equal(got, wanted, what):
    return expect(got == wanted, f"{what}: memsnoop says {got}, should be {wanted}"
                  + (f" ({got - wanted:+d})" if isinstance(got, int) and isinstance(wanted, int)
                     else ""))


def expect_keys(thing, keys, what):
    missing = [key for key in keys if key not in thing]
    return expect(not missing, f"{what}: no key {', '.join(missing)}")


# ---- the report against itself ---------------------------------------------

def check_keys(report):
    good = expect_keys(report, TOP_KEYS, "report")
    expect_equal(report.get("schema"), 1, "schema")
    for process in report.get("processes", []):
        good &= expect_keys(process, PROCESS_KEYS, "a process")
        for layer in LAYERS:
            # null: the layer was not traced
            if expect(layer in process.get("layers", {}), f"a process: no layer {layer}"):
                good &= expect_keys(process["layers"][layer] or dict.fromkeys(LAYER_KEYS),
                                    LAYER_KEYS, f"layer {layer}")
    for stack in report.get("stacks", []):
        good &= expect_keys(stack, STACK_KEYS, "a stack")
        for frame in stack.get("frames", []):
            good &= expect_keys(frame, FRAME_KEYS, "a frame")
    for point in report.get("timeline", []):
        good &= expect_keys(point, POINT_KEYS, "a point of the timeline")
    return good


def heaps(report, pid):
    return [p["layers"]["heap"] for p in report["processes"] if p["pid"] == pid]


def stacks_of(report, pid):
    return [s for s in report["stacks"] if s["pid"] == pid and s["layer"] == "heap"]


def check_balance(thing, what):
    expect_equal(thing["live"], thing["allocs"] - thing["frees"], f"{what}: live")
    expect_equal(thing["live_bytes"], thing["alloc_bytes"] - thing["freed_bytes"],
                 f"{what}: live_bytes")


def check_sums(report):
    """By process, not by pid: a pid has one process per image."""
    for process in report["processes"]:
        heap, what = process["layers"]["heap"], f"process {process['id']}, pid {process['pid']}"
        stacks = [s for s in stacks_of(report, process["pid"]) if s["process"] == process["id"]]
        check_balance(heap, what)
        for stack in stacks:
            check_balance(stack, f"a stack of {what}, {describe(stack)}")
        for key in COUNTS:
            expect_equal(sum(s[key] for s in stacks), heap[key],
                         f"{what}: sum of the stacks' {key}")
        # below 0 where other threads were freeing at the moment of the peak
        expect_equal(sum(s["peak_bytes"] for s in stacks) + heap.get("in_flight_bytes", 0),
                     heap["peak_bytes"],
                     f"{what}: sum of the stacks' peak_bytes and what was in flight")
    ids = [p["id"] for p in report["processes"]]
    expect_equal(len(set(ids)), len(ids), "processes with an id of their own")
    expect(all(s["process"] in ids for s in report["stacks"]), "stacks of no process")


def check_lost(report, allowed):
    for key, count in report["lost"].items():
        if key not in allowed:
            expect_equal(count, 0, f"lost.{key}")
        elif allowed[key] is not None:
            expect_equal(count, allowed[key], f"lost.{key}")
    for key in allowed:
        expect(key in report["lost"], f"lost: no counter {key}")


# ---- the report against a ledger --------------------------------------------

def read_ledger(path):
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        numbers, exe = file.read().split("\nexe=")
    pairs = [line.split("=") for line in numbers.splitlines()]
    ledger = {key: int(value) if value.isdigit() else value for key, value in pairs}
    ledger["exe"] = exe
    return ledger


def describe(stack):
    return " > ".join(f["function"] for f in stack["frames"][-4:])


def kind_of(stack, exe):
    """Which line of the ledger a stack belongs to, None if the call is not the target's."""
    if len(stack["frames"]) < 2:
        return None
    caller = stack["frames"][-2]
    name = caller["function"].split("(")[0]
    if caller["module"] == exe and name.startswith("ledger_new"):
        return "new"
    if caller["module"] == exe and name.startswith("ledger_after"):
        return "new"
    if caller["module"] == exe and name.startswith("ledger_"):
        return name[len("ledger_"):]
    if name == "plugin_take" and os.path.basename(caller["module"] or "") == "libplugin.so":
        return "plugin"
    # libstdc++'s own: the frame above it needs more than a frame pointer to be seen
    if name.startswith("operator new"):
        return "new"
    return None


def check_ledger(report, path, options):
    ledger = read_ledger(path)
    name, pid = f"{ledger['name']} ({ledger['pid']})", ledger["pid"]
    expect_equal(ledger["damage"], 0, f"{name}: blocks that were overwritten")
    if not expect(heaps(report, pid), f"{name}: no process {pid} in the report"):
        return
    if options.lenient:
        return
    own = [(kind_of(s, ledger["exe"]), s) for s in stacks_of(report, pid)]
    own = [(kind, stack) for kind, stack in own if kind]
    kinds = {k.rsplit(".", 1)[0] for k in ledger if "." in k} | {kind for kind, _ in own}
    for kind in sorted(kinds):
        for key in COUNTS:
            expect_equal(sum(s[key] for k, s in own if k == kind),
                         ledger.get(f"{kind}.{key}", 0), f"{name}: {kind}: {key}")
    for key in COUNTS:
        expect_equal(sum(s[key] for _, s in own), ledger[key], f"{name}: {key}")
    if options.peak:
        expect_equal(sum(s["peak_bytes"] for _, s in own), ledger["peak_bytes"],
                     f"{name}: peak_bytes")
    if options.unknown != "any":
        expect_equal(sum(h.get("unknown_frees", 0) for h in heaps(report, pid)),
                     ledger["foreign_frees"], f"{name}: frees of unknown blocks")


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("report")
    parser.add_argument("ledgers", nargs="*")
    parser.add_argument("--lost", action="append", default=[])
    parser.add_argument("--unknown", choices=["any"])
    parser.add_argument("--peak", action="store_true")
    parser.add_argument("--lenient", action="store_true")
    parser.add_argument("--only", action="store_true")
    options = parser.parse_intermixed_args()
    allowed = {}
    for item in options.lost:
        key, _, count = item.partition("=")
        allowed[key] = int(count) if count else None
    report = read_report(options.report)
    if check_keys(report):
        check_sums(report)
        check_lost(report, allowed)
        for path in options.ledgers:
            check_ledger(report, path, options)
        expect(options.ledgers or options.only, "no ledger: the target did not write one")
    for text in failures[:40]:
        print(text)
    if len(failures) > 40:
        print(f"... and {len(failures) - 40} more")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
