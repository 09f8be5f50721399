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

@test "what was asked for, attached in every way there is" {
	local refused

	for refused in "" "--no-feature session" "--no-feature session --no-feature multi"; do
		rm -f "$LEDGER"/*
		# shellcheck disable=SC2086  # options, or none
		allocator $refused -- "$P/2.6/cuda_blocks"
		verify
		equal "$(jq .traced "$LEDGER"/blocks.*)" 1 "tracers that the program's tracepoint has"
	done
}

# waiting HOW: a program on the caching allocator that says `ready`, and waits for a line.
waiting()
{
	listening "$P/2.6/cuda_blocks" "$1"
}

@test "with -p: blocks from before are the allocator's, and not known" {
	waiting attach
	launch --layers $LAYERS -p "$TARGET"
	wait_tracing "$TARGET"
	goes_on
	finish "$TRACER"
	verify
}

# is_let_go OPTION...: a program that says at its end whether its tracepoint is traced.
is_let_go()
{
	waiting wait
	launch "$@" --layers $LAYERS -p "$TARGET"
	wait_tracing "$TARGET"
	kill -INT "$TRACER"
	finish "$TRACER"
	goes_on
	equal "$(jq .traced_at_end "$LEDGER"/blocks.*)" 0 "tracers at the end"
}

@test "no tracepoint has a tracer when the tracing is over" {
	is_let_go
}

@test "no tracepoint has a tracer when the tracing is over, attached by perf" {
	is_let_go --no-feature session --no-feature multi
}

@test "a libc10.so that hides the reporter of its blocks: what it allocates with is seen" {
	FAIL=1 allocator -- "$P/hidden/cpu_blocks"
	verify
	equal "$(jq -c '[.frames as $f | .failures[] | select(.layer == "tensor") | [.bytes,
		([$f[.frames[]].function] | any(. == "c10::alloc_cpu"))]]' "$REPORT")" \
		"[[70368744177664,true]]" "what there was no memory for"
}

# ---- fragmentation -------------------------------------------------------------------

# holders DEVICE FILTER: of the stacks that hold segments of a device, with their functions.
holders()
{
	jq -c --arg device "$1" '[.frames as $f | .segment_holders[] | select(.device == $device)
		| .functions = [$f[.frames[]].function]] | '"$2" "$REPORT"
}

@test "small blocks that hold large segments: how much, and whose they are" {
	allocator -- "$P/2.6/cuda_blocks"
	verify
	# two segments of 20 MiB that pin() holds with 6 and 2 MiB
	equal "$(holders cuda:0 '.[0] | [.live, .live_bytes, .holds_bytes, (.functions | any(. == "pin"))]')" \
		"[4,8388608,33554432,true]" "who holds most"
	equal "$(jq -c '.allocators[] | select(.device == "cuda:0") | .segments | [.held, .sparse]' \
		"$REPORT")" "[5,4]" "segments"
	trace --layers $LAYERS -- "$P/2.6/cuda_blocks"
	grep -q 'of 64.0 MiB that the allocator has taken of cuda:0, 46.0 MiB lie free in 4 segments' \
		"$TMP/err" || die "nothing is said of it"
	grep -q 'What the allocator of cuda_blocks (pid [0-9]*) has taken of cuda:0, 64.0 MiB at most' \
		"$TMP/err" || die "what is taken is not shown"
	grep -q '^ *rounded up by  *751 B .* 751 B ' "$TMP/err" || die "no rounding"
	grep -q '32.0 MiB free beside 8.00 MiB in 4 blocks .*< pin <' "$TMP/err" || die "not whose"
}

@test "expandable segments: a block in two mapped pages, pages that are cached, no memory" {
	PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True allocator -- "$P/2.6/cuda_blocks" expand
	verify
	# the block across two pages of 20 MiB; the two pages of the other stream are cached
	equal "$(holders cuda:0 '[.[] | [.live, .live_bytes, .holds_bytes, (.functions | any(. == "span"))]]')" \
		"[[1,10485760,31457280,true]]" "who holds"
	equal "$(jq -c '.allocators[] | select(.device == "cuda:0") | .segments
		| [.held, .stranded_bytes, .sparse, .sparse_bytes, .cached_bytes]' "$REPORT")" \
		"[2,31457280,2,31457280,41943040]" "pages"
	equal "$(jq -r '.insights[] | select(.kind == "fragmentation") | .text
		| test("most by 10.0 MiB .* would lie together$")' "$REPORT")" true "no advice to do what is done"
}

@test "segments that were left together: cached, and no word of fragmentation" {
	allocator -- "$P/2.6/cuda_blocks" tidy
	verify
	equal "$(jq -c '[.allocators[] | .segments.held, .segments.cached_bytes], .segment_holders,
		[.insights[].kind] | select(index("fragmentation") | not)' "$REPORT" | tr '\n' ' ')" \
		'[0,41943040] [] ["peak"] ' "segments, holders and advice"
}

@test "without the gpu layer segments are not known, what is taken is" {
	LAYERS=tensor
	allocator -- "$P/2.6/cuda_blocks"
	equal "$(jq -c '.allocators[0] | .segments, .at_end.unused_bytes' "$REPORT" | tr '\n' ' ')" \
		"null 49280512 " "what is known"
}
