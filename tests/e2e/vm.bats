#!/usr/bin/env bats
# Mapped memory: every way to change the address space, to the byte; the sum of all
# stacks is what /proc/PID/maps has.

load helper
load memory

# waiting ARGS...: the target `space`, waiting for its first byte; $TARGET.
waiting()
{
	mkfifo "$TMP/bytes"
	"$T/space" wait "$@" <"$TMP/bytes" >/dev/null 3>&- &
	TARGET=$!
	exec 4>"$TMP/bytes"
	wait_file "$LEDGER/begun.$TARGET"
}

@test "mmap, munmap, mremap, brk, shmat: every way, from the first instruction" {
	trace --layers vm -- "$T/space"
	equal "$status" 0 "exit status"
	verify_space
	no_losses
}

@test "with every layer, and threads that map and unmap at once" {
	trace -- "$T/space" 4 5000
	equal "$status" 0 "exit status"
	verify_space
	no_losses
}

@test "a process that already runs: what it had is said to be from before" {
	waiting
	launch --layers vm -p "$TARGET"
	wait_tracing "$TARGET"
	printf x >&4
	wait_file "$LEDGER/ready.$TARGET"
	kill -INT "$TRACER"
	finish "$TRACER"
	equal "$status" 0 "exit status"
	# its child was found by fork, and may have been over before its calls counted
	rm -f "$LEDGER"/child.*
	"$PYTHON" "$BATS_TEST_DIRNAME/space.py" "$REPORT" "$LEDGER"/space.*
	equal "$(query_layer vm '[.stacks[] | select(.frames[0].function == "[mapped before tracing]")]
		| length > 0')" true "stacks from before tracing"
}

@test "calls that were not told are counted, and what is mapped is right all the same" {
	waiting 4 20000
	launch --layers vm -p "$TARGET"
	wait_tracing "$TARGET"
	# nobody reads the ring buffer now
	kill -STOP "$TRACER"
	printf x >&4
	wait_file "$LEDGER/ready.$TARGET"
	kill -CONT "$TRACER"
	kill -INT "$TRACER"
	finish "$TRACER"
	equal "$status" 0 "exit status"
	[ "$(query .lost.vm_events)" -gt 0 ] || die "no call was lost"
	equal "$(query_layer vm '[.stacks[].live_bytes] | add')" \
		"$(sed -n 's/^all \([0-9]*\) .*/\1/p' "$LEDGER/space.$TARGET")" "all that is mapped"
	equal "$(query_layer vm ".processes[] | select(.pid == $TARGET) | .layers.vm.live_bytes")" \
		"$(query_layer vm "[.stacks[] | select(.pid == $TARGET) | .live_bytes] | add")" "live bytes"
}

@test "malloc's own mappings are known by their stacks" {
	trace -- "$T/hold" 10 1000000 keep
	equal "$(query_layer vm '[.stacks[] | select(any(.frames[]; .function == "ledger_malloc"))
		| .live_bytes] | add >= 10000000')" true "mapped by malloc"
	equal "$(query_layer vm '[.stacks[] | select(any(.frames[]; .function == "ledger_malloc"))
		| .frames[-1].function] | unique | join(" ")')" "[brk] [mmap]" "the system calls"
}

@test "--layers: only what was asked for" {
	trace --layers vm -- "$T/functions"
	equal "$(query_layer heap '.stacks | length')" 0 "stacks of the heap"
	equal "$(query_layer rss '.stacks | length')" 0 "stacks of rss"
	rm -f "$LEDGER"/*
	trace --layers heap -- "$T/functions"
	equal "$(query_layer vm '.stacks | length')" 0 "stacks of vm"
	verify
}

@test "seen by raw tracepoints, where there are no others" {
	trace -v --no-feature fentry --no-feature kprobe --no-feature tracepoint --layers vm -- "$T/space" 2 2000
	grep -q "system calls: raw_tracepoint: works, taken" "$TMP/err"
	verify_space
	no_losses
}
