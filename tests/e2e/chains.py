#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Compares memsnoop's stacks with the call chains that the targets wrote down.

    chains.py REPORT.json RECORDS [options]

RECORDS is what a chain target (tests/targets/chain.h) or chain.py printed: lines
of JSON, one for each allocation, which has a size that no other has.  The stack
of that size must be there once, with as many allocations, and its frames must be
equal to the chain: every name, in order, none left out and none in between.
Before the chain, only what starts a thread may stand; and where the chain says
"+libc" or the like, frames of that runtime.  Then the stack must end as the record
says, by default with "root", and what was lost must be what had to be.

    --no-inlines         inlined functions have no frame: nothing says that they are there
    --root END[,END]     how a whole stack may end here instead of "root"
    --all-rows           no frame was found by frame pointer, unless the record says so
    --symbols MODULE=ELF names for MODULE's unnamed frames: the file before it was stripped
    --no-ends            neither ends nor losses are compared
    --lost KEY           this loss counter may be anything
    --any-pid            the target has another pid, in a namespace of its own
    --native-python      the interpreter's own frames are there as well
"""
import argparse
import collections
import json
import os
import re
import struct
import sys

from reports import read_report

DEPTH = 127  # frames kept of a stack, without the allocation call
PYTHON_SURE = 60  # Python frames that a truncated stack has at least
ENDS = ("root", "truncated", "no_rows", "unsupported", "no_table", "no_module", "unreadable",
        "backwards")
# What a stack that does not reach its root begins with.
STOPPED = re.compile(r"\[unwinding stopped: .*\]")
GONE = "<python: gone>"
# The interpreter's loop, whose frames are replaced by Python's.
LOOP = re.compile(r"_PyEval_EvalFrameDefault")

# A runtime is known by its file or, in a static program, by its functions' names.
Runtime = collections.namedtuple("Runtime", "module function")
LIBC = r"/(libc\.so\.6|libc-2\.\d+\.so|libpthread[-.].*|ld-linux-x86-64\.so\.2|ld-musl-x86_64\.so\.1|libc\.so)$"
UNNAMED = r"\[[^]]*\+0x[0-9a-f]+\]"
RUNTIMES = {
    "start": Runtime(LIBC, r"_?_?_start(_c)?|_dl_start_user|_dl_relocate_static_pie|"
                     r"_*libc_(start_main|start_call_main|init|csu_init)\w*|libc_start_main_stage2|"
                     r"call_init|_*libc_start_init|start_thread|thread_start|start|_*clone3?(_internal)?|"
                     r"_*start_context"),
    "libc": Runtime(LIBC, r"_*qsort(_r)?|msort_with_tmp|quicksort|_*bsearch|smoothsort|sift|trinkle|wrapper_cmp|"
                    r"exit|_*run_exit_handlers|_*funcs_on_exit|call"),
    # a signal's return address is the first of a function: unnamed is what lies before it
    "signal": Runtime(LIBC, UNNAMED + r"|_*restore(_rt)?|gsignal|raise|_*pthread_kill(_\w+)?|_*libc_\w*kill\w*"),
    "context": Runtime(LIBC, UNNAMED + "|_*start_context"),
    # the program's PLT, the dynamic linker's resolver, or both
    "resolver": Runtime(r"/ld-linux-x86-64\.so\.2$", UNNAMED + r"|.*@plt|\[[^]]*\.plt\]"),
    "c++": Runtime(r"/lib(stdc\+\+|gcc_s)\.so", r"__cxa_\w+|_Unwind_\w+|__gxx_personality_v0|std::terminate|"
                   r"__clang_call_terminate|__cxxabiv1::.*"),
    "std": Runtime(None, r"(\w[^(]*? )?(std|__gnu_cxx)::.*"),
    "new": Runtime(None, r"operator new(\[\])?"),
    "rust": Runtime(None, r"(<.*|.*::)?(alloc|core|std|_*rust\w*)(::.*|\b.*)|_*rust_\w+|__rustc::.*"),
}
CLONE = re.compile(r"( \[clone [^]]*\])+$|(\.(cold|part|isra|constprop|lto_priv|llvm)(\.\d+)*)+$")


def bare(function):
    """A frame's function as the chain says it: no arguments, no suffix of a compiler's copy."""
    name = CLONE.sub("", function or "")
    name = name.replace("(anonymous namespace)", "\1").replace("operator()", "\2")
    name = re.sub(r" const$", "", name)
    while "(" in name:
        inner = re.sub(r"\([^()]*\)", "", name)
        if inner == name:
            break
        name = inner
    # a lambda by g++'s name, also clang++'s
    name = re.sub(r"\{lambda#\d+\}|\$_\d+", "{lambda}", re.sub(r" const$", "", name))
    return name.replace("\1", "(anonymous namespace)").replace("\2", "operator()")


def is_runtime(frame, runtime):
    module, function = RUNTIMES[runtime]
    return bool(module and re.search(module, frame["module"] or "")
                or re.fullmatch(function, bare(frame["function"])))


# ---- names of stripped files ---------------------------------------------------------

def read_symbols(path):
    """(file offset, size, name) of each function of a 64-bit ELF file."""
    with open(path, "rb") as file:
        data = file.read()
    phoff, shoff = struct.unpack_from("<QQ", data, 32)
    phentsize, phnum, shentsize, shnum = struct.unpack_from("<HHHH", data, 54)
    segments = [struct.unpack_from("<IIQQQQQQ", data, phoff + i * phentsize) for i in range(phnum)]
    sections = [struct.unpack_from("<IIQQQQIIQQ", data, shoff + i * shentsize)
                for i in range(shnum)]
    symbols = []
    for section in sections:
        if section[1] != 2:  # SHT_SYMTAB
            continue
        strings = sections[section[6]][4]
        for at in range(section[4], section[4] + section[5], 24):
            name, info, _, _, value, size = struct.unpack_from("<IBBHQQ", data, at)
            if info & 15 != 2:  # STT_FUNC
                continue
            for kind, _, offset, vaddr, _, filesz, _, _ in segments:
                if kind == 1 and vaddr <= value < vaddr + filesz:
                    start = strings + name
                    text = data[start:data.index(b"\0", start)].decode()
                    symbols.append((value - vaddr + offset, size, text))
    return symbols


def name_frames(report, module, symbols):
    for frame in (f for s in report["stacks"] for f in s["frames"]):
        found = re.fullmatch(r"\[.*\+0x([0-9a-f]+)\]", frame["function"] or "")
        if not found or frame["module"] != module:
            continue
        offset = int(found.group(1), 16)
        for start, size, name in symbols:
            if start <= offset < start + size:
                frame["function"] = name
                break


def own_frames(stack):
    """The frames, without the line that says why there are no more."""
    frames = stack["frames"]
    return frames[1:] if frames and STOPPED.fullmatch(frames[0]["function"] or "") else frames


# ---- one stack and its chain ------------------------------------------------------------

def steps(chain, inlines):
    """The chain from the inside out: names, and (runtime,) for any number of its frames."""
    out = []
    for name in reversed(chain):
        if name[0] == "~":
            out += [name[1:]] if inlines else []
        elif name[0] in "+*":
            # one frame, as a list, and then any number
            out += [[name[1:]]] if name[0] == "+" else []
            out += [(name[1:],)]
        else:
            out.append(name)
    return out


def settle(states, wanted):
    """The states, and those reached from them by leaving out what may be left out."""
    out, todo = set(), list(states)
    while todo:
        i = todo.pop()
        if i not in out:
            out.add(i)
            if i < len(wanted) and isinstance(wanted[i], tuple):
                todo.append(i + 1)
    return out


def advance(i, wanted, frame):
    """Where a frame leads from state i: the state after it, or None."""
    if i >= len(wanted):
        return i if is_runtime(frame, "start") else None
    want = wanted[i]
    if isinstance(want, tuple):
        return i if is_runtime(frame, want[0]) else None
    if isinstance(want, list):
        return i + 1 if is_runtime(frame, want[0]) else None
    return i + 1 if bare(frame["function"]) == want else None


def follow(frames, wanted):
    """Frames, innermost first, along the chain: (how many agree, the states after these)."""
    states = settle({0}, wanted)
    for n, frame in enumerate(frames):
        after = {advance(i, wanted, frame) for i in states} - {None}
        if not after:
            return n, states
        states = settle(after, wanted)
    return len(frames), states


def judge_frames(record, stack, options):
    """What is wrong with the frames, or None."""
    wanted = steps(record["chain"], not options.no_inlines)
    frames = own_frames(stack)[::-1]
    if not frames or frames[0]["function"] != record["call"]:
        return f"the last frame is not {record['call']}"
    frames = frames[1:]
    if record["wild"]:
        agree, _ = follow(frames, wanted)
        if agree < record["least"]:
            return f"frame {agree} from the inside differs"
        return None
    agree, states = follow(frames, wanted)
    if agree < len(frames):
        return f"frame {agree} from the inside differs"
    if len(wanted) in states:
        whole = frames and is_runtime(frames[-1], "start")
        if not whole and not options.no_ends and (not record["ends"] or stack["end"] == "root"):
            return "what started the thread is missing"
        return None
    if is_truncated(record):
        return None if agree == DEPTH else f"{agree} frames are left, not {DEPTH}"
    if record["ends"] and record["least"] and agree >= record["least"] \
            and stack.get("end") != "root":
        return None
    if stops_in_libc(wanted, states, frames, stack, options):
        return None
    return f"ends too early: {agree} frames agree, then there are no more"


def stops_in_libc(wanted, states, frames, stack, options):
    """Whether a libc without rows, in the middle of the chain, is where it ends."""
    return (stack.get("end") == "no_rows" and "no_rows" in options.root.split(",") and frames
            and is_runtime(frames[-1], "libc") and ("libc",) in [wanted[i] for i in states])


def is_truncated(record):
    return not record["ends"] and len(record["chain"]) > DEPTH


def allowed_ends(record, options):
    if record["ends"] == "any":
        return ENDS
    if record["ends"]:
        return record["ends"].split(",")
    return ["truncated"] if is_truncated(record) else options.root.split(",")


def judge_end(record, stack, options):
    """What is wrong with what the stack says of itself, or None."""
    if options.no_ends:
        return None
    if "end" not in stack or "by_pointer" not in stack:
        return "no key end or by_pointer"
    if stack["end"] not in allowed_ends(record, options):
        return f"the end is {stack['end']}, should be {' or '.join(allowed_ends(record, options))}"
    if (stack["end"] == "root") != (own_frames(stack) is stack["frames"]):
        return f"a stack that ends with {stack['end']} does not say so above, or says another thing"
    if record["by_pointer"] and not stack["by_pointer"]:
        return "does not say that frames were found by frame pointer"
    if options.all_rows and stack["by_pointer"] and not record["by_pointer"] \
            and not record["wild"]:
        return f"{stack['by_pointer']} frames were found by frame pointer"
    return None


# ---- Python ------------------------------------------------------------------------------

def python_frames(stack):
    return [[f["function"], os.path.basename(f["file"] or ""), f["line"]]
            for f in stack["frames"] if f["kind"] == "python"]


def forgive(got, wanted):
    """What was wanted, with the frames of code that went too soon as the report has them."""
    return [g if g[0] == GONE else w for g, w in zip(got, wanted)] + wanted[len(got):]


def judge_python(record, stack, options):
    """Python frames are equal to what Python said; native ones may lie between."""
    wanted, got = record["python"], python_frames(stack)
    if len(got) == len(record.get("alternative", [])):
        wanted = record["alternative"]
    if record.get("transient"):
        wanted = forgive(got, wanted)
    if not options.no_ends and stack["end"] == "truncated" and len(wanted) > PYTHON_SURE:
        # as many as were kept, of the innermost
        if len(got) < PYTHON_SURE or got != wanted[-len(got):]:
            return "the innermost Python frames differ"
    elif got != wanted:
        same = os.path.commonprefix([list(map(tuple, got)), list(map(tuple, wanted))])
        return f"Python frame {len(same)} from the root differs"
    elif not options.no_ends and stack["end"] not in options.root.split(","):
        return f"the end is {stack['end']}"
    loops = sum(bool(LOOP.match(f["function"] or "")) for f in stack["frames"])
    if loops and not options.native_python and "alternative" not in record:
        return "a frame of the interpreter's loop is there"
    if options.native_python and not loops:
        return "no frame of the interpreter's loop is there"
    return judge_order(record, stack["frames"])


def judge_order(record, frames):
    """What the record names, "py:NAME" and "c:NAME", lies on the stack in this order."""
    kinds = {"py": "python", "c": "native"}
    frames = iter(frames)
    for wanted in record.get("order", []):
        kind, _, name = wanted.partition(":")
        if not any(f["kind"] == kinds[kind] and re.fullmatch(name, bare(f["function"]))
                   for f in frames):
            return f"no {kinds[kind]} frame {name} there where it should be"
    return None


# ---- all of them -----------------------------------------------------------------------------

def text_of(frame):
    if frame["kind"] == "python":
        return f"{frame['function']} ({os.path.basename(frame['file'] or '?')}:{frame['line']})"
    return frame["function"] or f"? in {frame['module']}"


def describe(record, stacks):
    chain = record["chain"] if "chain" in record else \
        [f"{function} ({file}:{line})" for function, file, line in record["python"]]
    lines = ["    wanted: " + shorten(chain + [record.get("call", "…")])]
    for stack in stacks:
        got = shorten([text_of(f) for f in stack["frames"]])
        lines.append(f"    got:    {got}  [{stack.get('end')}, "
                     f"{stack.get('by_pointer')} by frame pointer]")
    return "\n".join(lines)


def shorten(names):
    """Runs of one name once, with their length."""
    out = []
    for name in names:
        if out and out[-1][0] == name:
            out[-1][1] += 1
        else:
            out.append([name, 1])
    return " > ".join(name if n == 1 else f"{name} ×{n}" for name, n in out)


def judge(record, stacks, options):
    """What is wrong with a record's stack, or None."""
    allocs = record["allocs"]
    found = [s for s in stacks if (options.any_pid or s["pid"] == record["pid"])
             and s["allocs"] == allocs and s["alloc_bytes"] == record["size"] * allocs]
    if len(found) != 1:
        return f"{len(found)} stacks have {allocs} × {record['size']} bytes", found
    if "python" in record:
        wrong = judge_python(record, found[0], options)
    else:
        wrong = judge_frames(record, found[0], options) or judge_end(record, found[0], options)
    return wrong, found


def judge_lost(report, records, options):
    if options.no_ends:
        return []
    truncated = sum(r["allocs"] for r in records if "chain" in r and is_truncated(r))
    wanted = collections.defaultdict(int, stacks_truncated=truncated)
    return [f"lost.{key} is {value}, should be {wanted[key]}"
            for key, value in report["lost"].items()
            if value != wanted[key] and key not in options.lost]


def compare(report, records, options):
    """Every difference, as text."""
    for pair in options.symbols:
        module, _, path = pair.partition("=")
        name_frames(report, os.path.realpath(module), read_symbols(path))
    stacks = [s for s in report["stacks"] if s["layer"] == "heap"]
    failures = []
    for record in records:
        wrong, found = judge(record, stacks, options)
        if wrong:
            failures.append(f"{record['scenario']}, size {record['size']}: {wrong}\n"
                            + describe(record, found))
    if not records:
        failures.append("no records: the target printed nothing")
    return failures + judge_lost(report, records, options)


def parse(arguments):
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("report")
    parser.add_argument("records")
    parser.add_argument("--no-inlines", action="store_true")
    parser.add_argument("--root", default="root")
    parser.add_argument("--all-rows", action="store_true")
    parser.add_argument("--symbols", action="append", default=[])
    parser.add_argument("--no-ends", action="store_true")
    parser.add_argument("--lost", action="append", default=[])
    parser.add_argument("--any-pid", action="store_true")
    parser.add_argument("--native-python", action="store_true")
    return parser.parse_args(arguments)


def read_records(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.startswith("{")]


def main():
    options = parse(sys.argv[1:])
    report = read_report(options.report)
    records = read_records(options.records)
    failures = compare(report, records, options)
    for text in failures[:12]:
        print(text)
    if len(failures) > 12:
        names = collections.Counter(text.split(",")[0] for text in failures[12:])
        print(f"... and {len(failures) - 12} more: "
              + ", ".join(f"{name} ({n})" for name, n in names.items()))
    print(f"{len(records)} chains, {len(failures)} differences")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
