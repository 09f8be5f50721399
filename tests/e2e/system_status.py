#!/usr/bin/env python3
"""Compares a report of the whole system with what /proc says of each process.

    system_status.py MEMSNOOP [PID...]

/proc is read, memsnoop looks once, /proc is read again.  What has not changed between
the two readings must be equal in the report; what has must lie between them, give or take
the pages that processors have not handed in yet.  A process that changes all the time gets
several tries.  The PIDs must be among those that were compared while they stood still.
"""

import json
import os
import subprocess
import sys

PAGE = os.sysconf("SC_PAGE_SIZE")
CPUS = os.cpu_count()
TRIES = 20

# mm/mm_init.c, percpu_counter.c: a processor keeps back less than a batch of each counter.
BATCH = max(32, 2 * CPUS) * CPUS * PAGE

# Key of the report: line of /proc/PID/status, in kB.
SIZES = {
    "rss_bytes": "VmRSS",
    "anon_bytes": "RssAnon",
    "file_bytes": "RssFile",
    "shmem_bytes": "RssShmem",
    "swap_bytes": "VmSwap",
    "rss_peak_bytes": "VmHWM",
    "mapped_bytes": "VmSize",
    "page_table_bytes": "VmPTE",
    "hugetlb_bytes": "HugetlbPages",
}
# The RSS counters and their sums; the others are exact in any kernel.
BATCHED = {"rss_bytes": 3, "anon_bytes": 1, "file_bytes": 1, "shmem_bytes": 1, "swap_bytes": 1, "rss_peak_bytes": 3}


def exact_status():
    """Whether /proc/PID/status adds up what the processors hold (commit 82241a83cd15)."""
    return tuple(int(n) for n in os.uname().release.split(".")[:2]) >= (6, 17)


def read(pid, name):
    with open(f"/proc/{pid}/{name}", encoding="utf-8", errors="surrogateescape") as file:
        return file.read()


def process(pid):
    status = dict(line.split(":", 1) for line in read(pid, "status").splitlines() if ":" in line)
    stat = read(pid, "stat").rsplit(")", 1)[1].split()
    if "VmRSS" not in status:
        return None
    values = {key: int(status[line].split()[0]) * 1024 for key, line in SIZES.items() if line in status}
    values["threads"] = int(status["Threads"])
    values["ppid"] = int(status["PPid"])
    values["uid"] = int(status["Uid"].split()[0])
    values["minor_faults"], values["major_faults"] = int(stat[7]), int(stat[9])
    values["oom_score"] = int(read(pid, "oom_score"))
    values["oom_score_adj"] = int(read(pid, "oom_score_adj"))
    return stat[19], values


def processes():
    found = {}
    for pid in os.listdir("/proc"):
        if not pid.isdigit():
            continue
        try:
            one = process(int(pid))
        except (FileNotFoundError, ProcessLookupError):
            continue
        if one:
            found[int(pid), one[0]] = one[1]
    return found


def look(memsnoop):
    run = subprocess.run([memsnoop, "--json", "-d", "0.001"], stdout=subprocess.PIPE, check=True)
    report = json.loads(run.stdout)
    return {p["pid"]: p for p in report["processes"] if not p["exited"]}


def difference(reported, before, after, slack):
    """What of a process does not agree, or None; and whether it stood still."""
    for key, value in before.items():
        low, high = sorted((value, after[key]))
        moved = BATCH * BATCHED.get(key, 0) if low != high else slack * BATCHED.get(key, 0)
        # a thousandth of the machine's memory
        moved = 1 if key == "oom_score" else moved
        if not low - moved <= reported[key] <= high + moved:
            return f"{key}: {reported[key]}, /proc says {value}, then {after[key]}"
    return None


def main():
    memsnoop, wanted = sys.argv[1], {int(pid) for pid in sys.argv[2:]}
    slack = 0 if exact_status() else BATCH
    agreed, still, doubtful = set(), set(), {}
    for _ in range(TRIES):
        before = processes()
        report = look(memsnoop)
        after = processes()
        for name in before.keys() & after.keys():
            reported = report.get(name[0])
            wrong = difference(reported, before[name], after[name], slack) if reported else "not in the report"
            if not wrong:
                agreed.add(name)
                doubtful.pop(name, None)
                if before[name] == after[name]:
                    still.add(name[0])
            elif name not in agreed:
                doubtful[name] = f"{(reported or {}).get('comm')} (pid {name[0]}): {wrong}"
        doubtful = {name: wrong for name, wrong in doubtful.items() if name in after}
        if not doubtful and wanted <= still:
            break
    for wrong in doubtful.values():
        print(wrong)
    print(f"{len(agreed)} processes agree, {len(still)} of them stood still")
    if doubtful or not wanted <= still or len(still) < 3:
        sys.exit("the report and /proc do not agree")


if __name__ == "__main__":
    main()
