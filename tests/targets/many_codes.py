#!/usr/bin/env python3
"""More code objects, each with an allocation, than a ring buffer has room for."""

import sys

sys.stdin.readline()
keep = []
for i in range(40000):
    code = compile(f"bytearray({6001 + i % 7})", f"made{i}", "exec")
    keep.append(code)
    exec(code)
print("made", flush=True)
sys.stdin.readline()
