#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# PyTorch's allocators of device and host memory, on doubles of them: every number is the
# program's own.

load helper

P=$T/torch
LAYERS=tensor,gpu

# allocator OPTION... -- PROGRAM ARGS...: traced; a program's path is below $P.
allocator()
{
	trace -q --layers $LAYERS "$@"
	equal "$status" 0 "exit status"
}

# verify: the report agrees with the ledger, to the byte (allocator.py).
verify()
{
	"$PYTHON" "$REPO/tests/e2e/allocator.py" "$REPORT" "$LEDGER"/blocks.*
}

@test "the caching allocator: devices, streams, shared segments, no memory" {
	allocator -- "$P/2.6/cuda_blocks"
	verify
}

@test "the caching allocator of PyTorch 1.13" {
	allocator -- "$P/1.13/cuda_blocks"
	verify
}

@test "the allocator of host memory" {
	allocator -- "$P/2.6/cpu_blocks"
	verify
}
