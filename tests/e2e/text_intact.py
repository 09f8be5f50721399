#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Says whether a process's code is what its files say: no breakpoint left in it.

    text_intact.py PID    exit 0: intact; 1: changed, with the places; 2: cannot tell

A uprobe is a byte written into the process's copy of the code, so this finds
any that is attached, whoever attached it and whether or not it still lives.
"""
import sys

CHUNK = 1 << 20


def code_mappings(pid):
    with open(f"/proc/{pid}/maps", encoding="utf-8", errors="surrogateescape") as maps:
        for line in maps:
            fields = line.split(None, 5)
            if len(fields) == 6 and "x" in fields[1] and fields[5].startswith("/"):
                start, end = (int(x, 16) for x in fields[0].split("-"))
                yield start, end, int(fields[2], 16), fields[5].rstrip("\n")


def changes(pid, start, end, offset, path):
    with open(f"/proc/{pid}/mem", "rb", 0) as memory, open(f"/proc/{pid}/root{path}", "rb") as file:
        memory.seek(start)
        file.seek(offset)
        for base in range(start, end, CHUNK):
            size = min(CHUNK, end - base)
            code, original = memory.read(size), file.read(size)
            # the last page goes beyond the end of the file
            code = code[:len(original)]
            if code != original:
                yield from (base + i for i in range(len(code)) if code[i] != original[i])


def main():
    pid = int(sys.argv[1])
    found = 0
    for mapping in code_mappings(pid):
        for address in changes(pid, *mapping):
            found += 1
            print(f"{address:#x} in {mapping[3]}")
    return 1 if found else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except OSError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
