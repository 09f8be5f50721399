#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""How complete stacks are: of a training run of ResNet-18 under memsnoop.

    stacks.py [--report FILE.json]    an existing report, instead of a run

Prints, by allocations and by stacks: how many reach their root; why the others
end where they do, and in which file; and how many of those that run Python have
Python frames.  An interpreter that starts or ends runs no Python yet or any more,
so these are counted apart.
"""
import argparse
import collections
import json
import os
import re
import subprocess
import sys
import tempfile

REPO = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MEMSNOOP = os.path.join(REPO, "memsnoop")
TRAIN = os.path.join(REPO, "demo", "train.py")
PYTHON = "/usr/bin/python3"
TARGET = 99.5
TOP = 12
CHUNK = 1 << 24
GAP = re.compile(r"[\s,]*")

INTERPRETER = re.compile(r"/(python3(\.\d+)?|libpython3[^/]*\.so[^/]*)$")
# Functions of an interpreter that is not running Python: starting, or ending.
IDLE = re.compile(r"Py_Initialize\w*|_?Py_PreInitialize\w*|pymain_init|Py_FinalizeEx|Py_Finalize|"
                  r"Py_EndInterpreter|_?PyRuntime_\w+|pymain_free")


def trace(folder):
    weights, report = os.path.join(folder, "resnet18.pt"), os.path.join(folder, "report.json")
    subprocess.run([PYTHON, TRAIN, "save", weights], check=True, stdout=subprocess.DEVNULL)
    subprocess.run([MEMSNOOP, "-q", "-o", report, "--", PYTHON, TRAIN, "run", weights],
                   check=True, stdout=subprocess.DEVNULL)
    return report


# ---- the report: read in pieces, for it can be larger than memory -----------------------------

def stacks_of(path, rest):
    """Each of the report's stacks; then what comes after them is put into `rest`."""
    decoder = json.JSONDecoder()
    with open(path, encoding="utf-8") as file:
        text = ""
        while '"stacks":[' not in text:
            more = file.read(CHUNK)
            if not more:
                sys.exit(f"stacks.py: {path} is no report")
            text += more
        text = text[text.index('"stacks":[') + len('"stacks":['):]
        at = 0
        while True:
            at = GAP.match(text, at).end()
            if text.startswith("]", at):
                break
            try:
                stack, at = decoder.raw_decode(text, at)
            except ValueError:
                more = file.read(CHUNK)
                if not more:
                    sys.exit(f"stacks.py: {path} ends too early")
                text, at = text[at:] + more, 0
                continue
            yield stack
        rest.update(json.loads("{" + (text[at + 1:] + file.read()).lstrip(" \t\n,")))


# ---- a stack -----------------------------------------------------------------------------

Stack = collections.namedtuple(
    "Stack", "allocs root by_pointer python named gone end outermost")


def frames_of(stack):
    """Without the line that says why there are no more."""
    return [f for f in stack["frames"] if f["kind"] != "note"]


def last_module(frames):
    """The file of the outermost frame, where the walk ended."""
    return os.path.basename(frames[0]["module"] or "no file") if frames else "no frames"


def runs_python(frames):
    """Whether its thread is one of the interpreter's, which is not starting or ending."""
    if any(f["kind"] == "python" for f in frames):
        return True
    frames = [f for f in frames if INTERPRETER.search(f["module"] or "")]
    # _start is the program's own, before main
    frames = [f for f in frames if f["function"] not in ("_start", "main")]
    if not frames or any(IDLE.fullmatch(f["function"] or "") for f in frames):
        return False
    # the main thread, once it has begun to run what it was given
    names = [f["function"] for f in frames]
    return "Py_BytesMain" not in names or "Py_RunMain" in names


def summary(stack):
    """What is looked at of a stack."""
    frames = frames_of(stack)
    python = runs_python(frames)
    named = any(f["kind"] == "python" for f in frames)
    root = stack["end"] == "root"
    return Stack(
        stack["allocs"], root, stack["by_pointer"] != 0, python, named,
        any(f["function"] == "<python: gone>" for f in frames),
        None if root else f"{stack['end']}: {last_module(frames)}",
        " > ".join(f["function"] or "?" for f in frames[:7]) if python and not named else None)


# ---- sums ----------------------------------------------------------------------------------

def share(part, whole):
    return 100 * part / whole if whole else 0.0


def allocs(stacks):
    return sum(s.allocs for s in stacks)


def show_share(what, part, whole):
    by_allocs, by_stacks = share(allocs(part), allocs(whole)), share(len(part), len(whole))
    print(f"  {what:<44}{by_allocs:>9.3f} %{by_stacks:>9.3f} %   of {allocs(whole):,} / "
          f"{len(whole):,}")
    return by_allocs


def show_table(title, groups):
    """groups: name -> stacks; the largest first."""
    if not groups:
        return
    print(f"\n{title}\n  {'allocations':>12}{'stacks':>9}")
    ordered = sorted(groups.items(), key=lambda item: -allocs(item[1]))
    for name, stacks in ordered[:TOP]:
        print(f"  {allocs(stacks):>12,}{len(stacks):>9,}  {name}")
    if len(ordered) > TOP:
        rest = [s for _, stacks in ordered[TOP:] for s in stacks]
        print(f"  {allocs(rest):>12,}{len(rest):>9,}  {len(ordered) - TOP} more")


def group(stacks, key):
    groups = collections.defaultdict(list)
    for stack in stacks:
        groups[key(stack)].append(stack)
    return groups


def show(stacks, lost):
    """Prints it all; returns whether both shares reach the target."""
    python = [s for s in stacks if s.python]
    print(f"\nStacks of the training run{'':<20}{'by allocations':>15}{'by stacks':>11}")
    root = show_share("that reach main or their thread's start", [s for s in stacks if s.root],
                      stacks)
    show_share("found by frame pointer, in part", [s for s in stacks if s.by_pointer], stacks)
    frames = show_share("of Python threads, with Python frames", [s for s in python if s.named],
                        python)
    show_share("  with a frame that is gone", [s for s in python if s.gone], python)
    show_table("Other ends, and the file of the last frame",
               group((s for s in stacks if not s.root), lambda s: s.end))
    show_table("Python threads without Python frames: their outermost frames",
               group((s for s in python if not s.named), lambda s: s.outermost))
    lost = {key: count for key, count in lost.items() if count}
    print(f"\nlost: {lost or 'nothing'}")
    return root >= TARGET and frames >= TARGET


def main():
    parser = argparse.ArgumentParser(description="How complete stacks are.")
    parser.add_argument("--report")
    options = parser.parse_args()
    rest = {}
    with tempfile.TemporaryDirectory() as folder:
        stacks = [summary(s) for s in stacks_of(options.report or trace(folder), rest)
                  if s["layer"] == "heap" and s["allocs"]]
    reached = show(stacks, rest["lost"])
    print(f"the target of {TARGET} % by allocations: {'reached' if reached else 'missed'}")
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main())
