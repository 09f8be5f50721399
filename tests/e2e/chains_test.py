#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""chains.py must see what is wrong: a right report, and what it says once that is doctored."""
import copy
import sys
import unittest

sys.dont_write_bytecode = True
import chains

LIBC = "/usr/lib/x86_64-linux-gnu/libc.so.6"
PROGRAM = "/tmp/chain"


def frame(function, module=PROGRAM, kind="native", file=None, line=0):
    return {"function": function, "module": module, "kind": kind, "file": file, "line": line}


def stack(size, names, end="root", allocs=1, start=True, by_pointer=0, says=True):
    first = [frame("_start"), frame("__libc_start_main", LIBC)] if start else []
    if end != "root" and says:
        first.insert(0, frame("[unwinding stopped: for some reason]", None))
    return {"pid": 7, "layer": "heap", "allocs": allocs, "alloc_bytes": size * allocs, "end": end,
            "by_pointer": by_pointer,
            "frames": first + [f if isinstance(f, dict) else frame(f) for f in names]
            + [frame("malloc", LIBC)]}


def record(size, chain, **more):
    out = {"scenario": "test", "pid": 7, "size": size, "allocs": 1, "call": "malloc", "ends": "",
           "least": 0, "wild": 0, "by_pointer": 0, "chain": chain}
    out.update(more)
    return out


def report(*stacks, truncated=0):
    return {"stacks": list(stacks), "lost": {"events": 0, "stacks_truncated": truncated}}


def differences(seen, records, *options):
    return chains.compare(copy.deepcopy(seen), records, chains.parse(["", "", *options]))


class Chains(unittest.TestCase):
    def good(self, seen, records, *options):
        self.assertEqual(differences(seen, records, *options), [])

    def bad(self, text, seen, records, *options):
        found = differences(seen, records, *options)
        self.assertEqual(len(found), 1, found)
        self.assertIn(text, found[0])

    def test_equal(self):
        self.good(report(stack(50003, ["main", "a", "b"])), [record(50003, ["main", "a", "b"])])

    def test_no_records(self):
        self.bad("no records", report(stack(50003, ["main"])), [])

    def test_one_left_out(self):
        for names in (["main", "b"], ["main", "a"], ["a", "b"], ["main", "a", "a", "b"],
                      ["main", "b", "a"], ["main", "x", "b"], ["main", "a", "b", "x"],
                      ["x", "main", "a", "b"], []):
            self.bad("test, size 50003", report(stack(50003, names)),
                     [record(50003, ["main", "a", "b"])])

    def test_other_call(self):
        self.bad("not calloc", report(stack(50003, ["main"])),
                 [record(50003, ["main"], call="calloc")])

    def test_size(self):
        self.bad("0 stacks", report(stack(50010, ["main"])), [record(50003, ["main"])])
        self.bad("2 stacks", report(stack(50003, ["main"]), stack(50003, ["main", "a"])),
                 [record(50003, ["main"])])
        self.bad("0 stacks", report(stack(50003, ["main"])), [record(50003, ["main"], pid=8)])
        self.bad("0 stacks", report(stack(50003, ["main"], allocs=2)),
                 [record(50003, ["main"], allocs=3)])
        self.good(report(stack(50003, ["main"], allocs=2)), [record(50003, ["main"], allocs=2)])

    def test_end(self):
        self.bad("the end is no_rows", report(stack(50003, ["main"], end="no_rows")),
                 [record(50003, ["main"])])
        self.good(report(stack(50003, ["main"], end="no_rows")), [record(50003, ["main"])],
                  "--root", "no_rows,root")
        self.bad("does not say so", report(stack(50003, ["main"], end="no_rows", says=False)),
                 [record(50003, ["main"])], "--root", "no_rows,root")
        self.bad("what started", report(stack(50003, ["main"], start=False)),
                 [record(50003, ["main"])])
        self.bad("the end is lost", report(stack(50003, ["main"], end="lost")),
                 [record(50003, ["main"], ends="any")])
        whole = stack(50003, ["main"], end="no_rows")
        whole["end"] = "root"
        self.bad("does not say so", report(whole), [record(50003, ["main"])])
        whole = stack(50003, ["main"])
        del whole["end"]
        self.bad("no key end", report(whole), [record(50003, ["main"])])
        self.good(report(whole), [record(50003, ["main"])], "--no-ends")

    def test_early_end(self):
        early = stack(50003, ["b", "c"], end="backwards", start=False)
        allowed = {"ends": "root,backwards", "least": 2}
        self.good(report(early), [record(50003, ["main", "a", "b", "c"], **allowed)])
        self.bad("too early", report(early),
                 [record(50003, ["main", "a", "b", "c"], ends="root,backwards", least=3)])
        self.bad("the end is", report(early),
                 [record(50003, ["main", "a", "b", "c"], ends="root,no_rows", least=2)])
        self.bad("too early", report(early), [record(50003, ["main", "a", "b", "c"])])
        early = stack(50003, ["b", "c"], start=False)
        self.bad("too early", report(early), [record(50003, ["main", "a", "b", "c"], **allowed)])

    def test_wild(self):
        wild = {"ends": "any", "least": 2, "wild": 1}
        self.good(report(stack(50003, ["x", "b", "c"], end="no_rows")),
                  [record(50003, ["main", "b", "c"], **wild)])
        self.bad("frame 1", report(stack(50003, ["b", "x", "c"], end="no_rows")),
                 [record(50003, ["main", "b", "c"], **wild)])

    def test_truncated(self):
        chain = ["main"] + ["r"] * 300
        kept = stack(50003, ["r"] * 127, end="truncated", start=False)
        self.good(report(kept, truncated=1), [record(50003, chain)])
        self.bad("lost.stacks_truncated is 0", report(kept), [record(50003, chain)])
        self.bad("lost.stacks_truncated is 2", report(kept, truncated=2), [record(50003, chain)])
        for count in (126, 128):
            self.bad(f"{count} frames", report(
                stack(50003, ["r"] * count, end="truncated", start=False), truncated=1),
                     [record(50003, chain)])
        self.bad("the end is root", report(stack(50003, ["r"] * 127, start=False), truncated=1),
                 [record(50003, chain)])

    def test_lost(self):
        seen = report(stack(50003, ["main"]))
        seen["lost"]["events"] = 3
        self.bad("lost.events is 3", seen, [record(50003, ["main"])])
        self.good(seen, [record(50003, ["main"])], "--lost", "events")

    def test_runtime_frames(self):
        chain = ["main", "+libc", "compare"]
        inside = [frame("qsort_r", LIBC), frame("[libc.so.6+0x1]", LIBC)]
        self.good(report(stack(50003, ["main", *inside, "compare"])), [record(50003, chain)])
        self.good(report(stack(50003, ["main", "msort_with_tmp", "compare"])),
                  [record(50003, chain)])
        self.bad("differs", report(stack(50003, ["main", "compare"])), [record(50003, chain)])
        self.good(report(stack(50003, ["main", "compare"])),
                  [record(50003, ["main", "*libc", "compare"])])
        self.bad("differs", report(stack(50003, ["main", inside[0], "x", "compare"])),
                 [record(50003, chain)])
        self.bad("differs", report(stack(50003, [inside[0], "compare"])),
                 [record(50003, ["main", "a", "+libc", "compare"])])

    def test_libc_without_rows(self):
        chain, libc = ["main", "a", "+libc", "compare"], frame("qsort", LIBC)
        seen = report(stack(50003, [libc, "compare"], end="no_rows", start=False))
        self.good(seen, [record(50003, chain)], "--root", "no_rows")
        self.bad("too early", seen, [record(50003, chain)])
        self.bad("too early", report(stack(50003, ["compare"], end="no_rows", start=False)),
                 [record(50003, chain)], "--root", "no_rows")
        self.bad("too early", report(stack(50003, ["a", libc, "compare"], end="no_rows",
                                           start=False)),
                 [record(50003, chain)], "--root", "no_rows")

    def test_inlined(self):
        chain = ["main", "~a", "b"]
        self.good(report(stack(50003, ["main", "a", "b"])), [record(50003, chain)])
        self.bad("differs", report(stack(50003, ["main", "b"])), [record(50003, chain)])
        self.good(report(stack(50003, ["main", "b"])), [record(50003, chain)], "--no-inlines")
        self.bad("differs", report(stack(50003, ["main", "a", "b"])), [record(50003, chain)],
                 "--no-inlines")

    def test_by_pointer(self):
        seen, chain = report(stack(50003, ["main"], by_pointer=1)), ["main"]
        self.good(seen, [record(50003, chain)])
        self.bad("found by frame pointer", seen, [record(50003, chain)], "--all-rows")
        self.bad("does not say", report(stack(50003, chain)), [record(50003, chain, by_pointer=1)])
        self.good(seen, [record(50003, chain, by_pointer=1)], "--all-rows")

    def test_names(self):
        for name, wanted in (
                ("a(int, char)", "a"), ("a.cold", "a"), ("a(int) [clone .cold]", "a"),
                ("a.lto_priv.0", "a"), ("N::C::get() const", "N::C::get"), ("a", "a"),
                ("(anonymous namespace)::a(void (*)(int))", "(anonymous namespace)::a"),
                ("f()::{lambda(int)#1}::operator()(int) const", "f::{lambda}::operator()"),
                ("f()::$_0::operator()(int) const", "f::{lambda}::operator()"),
                ("C::operator()", "C::operator()")):
            self.assertEqual(chains.bare(name), wanted)


class Python(unittest.TestCase):
    FRAMES = [["<module>", "a.py", 3], ["f", "a.py", 9]]

    def seen(self, *frames, end="root"):
        return report(stack(60001, [frame("main"), *frames], end=end))

    def record(self, **more):
        return {"scenario": "test", "pid": 7, "size": 60001, "allocs": 1, "python": self.FRAMES,
                **more}

    def python(self, function, line, file="/x/a.py"):
        return frame(function, None, "python", file, line)

    def good(self, seen, *options, **more):
        self.assertEqual(differences(seen, [self.record(**more)], *options), [])

    def bad(self, text, seen, *options, **more):
        found = differences(seen, [self.record(**more)], *options)
        self.assertEqual(len(found), 1, found)
        self.assertIn(text, found[0])

    def test_python(self):
        module, call = self.python("<module>", 3), self.python("f", 9)
        self.good(self.seen(module, call))
        self.good(self.seen(module, frame("cfunction_call"), call))
        order = ["py:<module>", "c:qsort(_r)?", "py:f"]
        self.good(self.seen(module, frame("qsort_r", LIBC), call), order=order)
        self.bad("no native frame qsort", self.seen(module, call), order=order)
        self.bad("no python frame f", self.seen(module, call, frame("qsort_r", LIBC)), order=order)
        self.bad("frame 0", self.seen(call))
        self.bad("frame 1", self.seen(module))
        self.bad("frame 0", self.seen(call, module))
        self.bad("frame 1", self.seen(module, self.python("f", 8)))
        self.bad("frame 1", self.seen(module, self.python("f", 9, "/x/b.py")))
        self.bad("frame 2", self.seen(module, call, call))
        self.bad("the end is", self.seen(module, call, end="no_rows"))

    def test_transient(self):
        module, gone = self.python("<module>", 3), self.python("<python: gone>", 0, None)
        self.good(self.seen(module, gone), transient=True)
        self.bad("frame 1", self.seen(module, gone))
        self.bad("frame 1", self.seen(module), transient=True)
        self.bad("frame 1", self.seen(module, self.python("g", 9)), transient=True)
        self.bad("frame 2", self.seen(module, gone, gone), transient=True)

    def test_alternative(self):
        call = self.python("f", 9)
        self.good(self.seen(call), alternative=self.FRAMES[1:])
        self.bad("frame 0", self.seen(self.python("<module>", 3)), alternative=self.FRAMES[1:])

    def test_truncated(self):
        frames = [["f", "a.py", n] for n in range(300)]
        kept = [self.python("f", n) for n in range(200, 300)]
        self.good(self.seen(*kept, end="truncated"), "--lost", "stacks_truncated", python=frames)
        self.bad("innermost", self.seen(*kept[:-1], end="truncated"), python=frames)
        self.bad("innermost", self.seen(*kept[-20:], end="truncated"), python=frames)
        self.bad("frame 0", self.seen(*kept), python=frames)

    def test_pid(self):
        seen = self.seen(self.python("<module>", 3), self.python("f", 9))
        self.bad("0 stacks", seen, pid=1)
        self.good(seen, "--any-pid", pid=1)

    def test_loop(self):
        loop = frame("_PyEval_EvalFrameDefault.cold")
        module, call = self.python("<module>", 3), self.python("f", 9)
        self.bad("interpreter's loop is there", self.seen(loop, module, call))
        self.good(self.seen(loop, module, call), "--native-python")
        self.bad("no frame of the", self.seen(module, call), "--native-python")


if __name__ == "__main__":
    unittest.main()
