#!/bin/bash
# What tracing costs, in one run, beside the peers: see tests/bench/bench.py and tensor_steps.py.
set -euo pipefail
cd "$(dirname "$0")/.."

# memleak is a program of Debian 13; without its root the bench says so and goes on.
debian13=$(scripts/debian_root.sh 13) || debian13=
/usr/bin/python3 tests/bench/bench.py --debian13 "$debian13" "$@"
[ $# -gt 0 ] || /usr/bin/python3 tests/bench/tensor_steps.py
