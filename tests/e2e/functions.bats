#!/usr/bin/env bats
# Every allocation function, alone and in threads; every libc; every way to attach.

load helper

@test "every allocation function: success, failure, NULL, zero; realloc every way" {
	trace -- "$T/functions"
	equal "$status" 0 "exit status"
	verify
}

@test "a stack ends in the function that was called" {
	trace -- "$T/functions"
	local called
	called=$(query '[.stacks[] | select(.frames[-2].function | startswith("ledger_"))
		| .frames[-1].function] | unique | join(" ")')
	for function in malloc calloc realloc reallocarray posix_memalign valloc pvalloc; do
		[[ " $called " = *" $function "* ]] || die "no stack ends in $function: $called"
	done
	# one function by two names in this libc
	[[ "$called" = *aligned_alloc* || "$called" = *memalign* ]]
}

@test "every allocation function in 8 threads at once" {
	trace -- "$T/functions" 8
	equal "$status" 0 "exit status"
	verify
}

@test "8 threads, 200,000 mixed operations each, blocks freed by others" {
	trace -- "$T/threads" 8 200000
	equal "$status" 0 "exit status"
	verify --unknown any
}

@test "the peak of a scripted sequence, its stacks' shares to the byte" {
	for seed in 1 2 3; do
		rm -f "$LEDGER"/*
		trace -- "$T/scripted" $seed 20000
		verify --peak
	done
}

@test "a process that ends with live blocks: reported as held" {
	trace -- "$T/scripted" 4 5000 37
	verify
	equal "$(query '[.stacks[] | select(.frames[-2].function | startswith("ledger_")) | .live] | add')" \
		37 "blocks held at exit"
}

@test "temporary blocks and nothing else: live is 0" {
	trace -- "$T/scripted" 5 5000
	verify --peak
	equal "$(query '[.stacks[] | select(.frames[-2].function | startswith("ledger_")) | .live_bytes] | add')" \
		0 "live bytes"
}

@test "reallocf: a call that fails has freed the block" {
	trace -- "$T/reallocf" 7 5
	equal "$status" 0 "exit status"
	equal "$(query '[.stacks[] | select(.frames[-2].function == "grow")]
		| map([.frames[-1].function, .allocs, .frees, .live_bytes]) | sort | tostring')" \
		'[["malloc",7,7,0],["reallocf",7,0,7000]]' "grown"
	equal "$(query '[.stacks[] | select(.frames[-2].function == "fail")]
		| map([.frames[-1].function, .allocs, .frees, .live_bytes]) | sort | tostring')" \
		'[["malloc",5,5,0]]' "failed"
	equal "$(query '.processes[0].layers.heap.failed')" 5 "failed calls"
}

# ---- libcs --------------------------------------------------------------------

libc_agrees()
{
	trace -- "$T/$1/functions"
	equal "$status" 0 "exit status"
	verify
	rm -f "$LEDGER"/*
	trace -- "$T/$1/scripted" 7 5000 20
	verify --peak
	rm -f "$LEDGER"/*
	trace -- "$T/$1/threads" 4 5000
	verify --unknown any
}

@test "glibc, static" {
	libc_agrees glibc-static
}

@test "musl, dynamic" {
	libc_agrees musl
}

@test "musl, static" {
	libc_agrees musl-static
}

# ---- the ladder -----------------------------------------------------------------

# ladder NAME OPTION...: the same ledgers, attached in the way that -v names.
ladder()
{
	local name=$1

	shift
	trace -v "$@" -- "$T/functions" 4
	grep -q "attach: $name: .*taken" "$TMP/err" || die "-v does not say $name"
	verify
	rm -f "$LEDGER"/*
	trace "$@" -- "$T/scripted" 9 5000 11
	verify --peak
	rm -f "$LEDGER"/*
	trace "$@" -- "$T/threads" 4 20000
	verify --unknown any
	rm -f "$LEDGER"/*
	trace "$@" -- "$T/fork" fork
	verify
}

# rung NAME OPTION...: skips where the kernel has no such links.
rung()
{
	local name=$1

	shift
	trace -v "$@" -- "$T/image"
	grep -q "attach: $name: works" "$TMP/err" || skip "this kernel has no uprobe $name links"
	rm -f "$LEDGER"/*
	ladder "$name" "$@"
}

@test "attached by session" {
	rung session
}

@test "attached by multi (--no-feature session)" {
	rung multi --no-feature session
}

@test "attached by perf (--no-feature session --no-feature multi)" {
	ladder perf --no-feature session --no-feature multi
}
