# SPDX-License-Identifier: GPL-2.0
"""Compares a report with the ledger of tests/targets/train.py.

    tensors.py REPORT LEDGER [--activations PERCENT] [--stages a,b,…] [--late] [--pid PID]

Parameters, buffers, gradients and optimizer state after the last step are equal to the byte,
activations when the last backward pass began are those saved for it within PERCENT (2).  Each
boundary of a stage that the ledger knows lies between its two moments.  --late: the training was
under way when tracing began, so what was there is only known where PyTorch tells.
"""
import argparse
import json
import sys

from reports import read_report

EXACT = ("parameters", "gradients", "optimizer state", "buffers")
failures = []


def expect(good, text):
    print(("ok    " if good else "WRONG ") + text)
    if not good:
        failures.append(text)


def near(got, wanted, percent):
    return abs(got - wanted) * 100 <= percent * wanted


def check_losses(report):
    lost = {k: v for k, v in report["lost"].items() if v}
    lost.pop("passed_over", None)
    lost.pop("stacks_truncated", None)
    expect(not lost, f"losses: {lost}")


def check_totals(report, pid):
    process = max((p for p in report["processes"] if p["pid"] == pid),
                  key=lambda p: p["layers"]["tensor"]["allocs"])
    tensor = process["layers"]["tensor"]
    stacks = [s for s in report["stacks"] if s["layer"] == "tensor" and s["pid"] == pid]
    for key in ("allocs", "alloc_bytes", "frees", "freed_bytes", "live", "live_bytes"):
        expect(sum(s[key] for s in stacks) == tensor[key], f"stacks and process: {key}")
    makers = [m for m in report["stage_makers"] if m["pid"] == pid]
    for key in ("allocs", "alloc_bytes"):
        expect(sum(m[key] for m in makers) == tensor[key], f"makers by stage and process: {key}")
    stages = {s["name"] for s in report["stages"] if s["pid"] == pid and not s["depth"]}
    expect({m["stage"] for m in makers} - {""} <= stages, "makers' stages are the process's")
    return tensor


def category(report, pid, name, moment):
    return sum(c[moment] for c in report["categories"] if c["pid"] == pid and c["name"] == name)


def check_peak(report, pid, tensor, late):
    peak = sum(c["bytes_at_peak"] for c in report["categories"] if c["pid"] == pid)
    named = sum(t["peak_bytes"] for t in report["tensors"] if t["pid"] == pid)
    before = sum(t["peak_bytes"] for t in report["tensors"] if t["pid"] == pid and
                 t["frames"][0]["function"] == "[allocated before tracing]")
    expect(peak == tensor["peak_bytes"] + before, f"categories at the peak: {peak}")
    expect(named == peak, f"tensors at the peak: {named}")
    expect(bool(before) == late, f"from before tracing: {before}")


def check_categories(report, ledger, pid, options):
    for name in EXACT:
        if options.late and name == "buffers":
            continue  # nothing tells of those that were there
        got = category(report, pid, name, "bytes_after_step" if ledger["steps"] else "bytes_at_peak")
        expect(got == ledger[name], f"{name}: {got}, should be {ledger[name]}")
    if "saved" in ledger:
        got = category(report, pid, "activations", "bytes_before_backward")
        expect(near(got, ledger["saved"], options.activations),
               f"activations: {got}, saved {ledger['saved']}")


def stages_of(report, pid, name):
    return [s for s in report["stages"] if s["pid"] == pid and s["name"] == name]


def check_marks(report, ledger, pid, options):
    began = report["began_s"]
    counts = {}
    for mark in ledger["marks"]:
        if mark["to"] < began:
            continue  # before tracing
        key = (mark["stage"], mark["edge"])
        number = counts.get(key, 0)
        counts[key] = number + 1
        stages = stages_of(report, pid, mark["stage"])
        if number >= len(stages):
            expect(False, f"{mark['stage']} {number}: there are only {len(stages)}")
            continue
        at = began + stages[number]["start_s" if mark["edge"] == "start" else "end_s"]
        if not mark["from"] <= at <= mark["to"]:
            expect(False, f"{mark['stage']} {number}, {mark['edge']}: {at} is not between "
                          f"{mark['from']} and {mark['to']}")
    for (stage, edge), number in counts.items():
        if edge == "start":
            expect(len(stages_of(report, pid, stage)) == number, f"{number} times {stage}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("report")
    parser.add_argument("ledger")
    parser.add_argument("--activations", type=float, default=2)
    parser.add_argument("--stages", default="")
    parser.add_argument("--late", action="store_true")
    parser.add_argument("--pid", type=int, default=0)
    options = parser.parse_args()
    report = read_report(options.report)
    with open(options.ledger, encoding="utf-8") as file:
        ledger = json.load(file)
    pid = options.pid or ledger["pid"]
    print("PyTorch", ledger["torch"])
    check_losses(report)
    tensor = check_totals(report, pid)
    check_peak(report, pid, tensor, options.late)
    check_categories(report, ledger, pid, options)
    check_marks(report, ledger, pid, options)
    names = {s["name"] for s in report["stages"] if s["pid"] == pid and not s["depth"]}
    for name in filter(None, options.stages.split(",")):
        expect(name in names, f"stage {name}: there are {sorted(names)}")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
