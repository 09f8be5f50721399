#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# TensorFlow's and ONNX Runtime's arenas, on doubles of the libraries that they are in: every
# number is the program's own.

load helper

# arena PROGRAM OPTION...: traced, and the report agrees with the ledger, to the byte.
arena()
{
	local program=$1

	shift
	trace -q --layers tensor "$@" -- "$T/arena/$program"
	equal "$status" 0 "exit status"
	"$PYTHON" "$REPO/tests/e2e/allocator.py" "$REPORT" "$LEDGER"/blocks.*
}

# makers: the functions that stacks of the layer end in.
makers()
{
	query_layer tensor '[.stacks[].frames[-1].function] | unique | join(" ")'
}

@test "TensorFlow's arena" {
	arena tsl/tensorflow_blocks
	equal "$(makers)" "tsl::BFCAllocator::AllocateRaw" "functions"
}

@test "TensorFlow's arena before 2.9" {
	arena old/tensorflow_blocks
	equal "$(makers)" "tensorflow::BFCAllocator::AllocateRaw" "functions"
}

@test "ONNX Runtime's arena: its regions are no blocks of their own, what it reserves is" {
	arena ort/onnxruntime_blocks
	equal "$(makers)" \
		"onnxruntime::BFCArena::Alloc onnxruntime::BFCArena::Reserve onnxruntime::CPUAllocator::Alloc" \
		"functions"
}

@test "ONNX Runtime's arena, attached in every way there is" {
	for refused in "--no-feature session" "--no-feature session --no-feature multi"; do
		rm -f "$LEDGER"/*
		# shellcheck disable=SC2086  # options
		arena ort/onnxruntime_blocks $refused
	done
}
