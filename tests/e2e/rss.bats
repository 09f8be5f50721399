#!/usr/bin/env bats
# Resident memory: every way to bring in a page, by the stack that touched it; the sum
# of all stacks is RSS; page faults are the kernel's own count.
#
# The targets stay until memsnoop is told to end: what they hold does not change while
# it looks.  Where a process ends on its own the look at its end may be left out, when
# looking has taken its share of the time.

load helper
load memory

# waiting HOW: the target `touch`, waiting for its first byte; $TARGET.
waiting()
{
	mkfifo "$TMP/bytes"
	"$T/touch" "$1" <"$TMP/bytes" >/dev/null 3>&- &
	TARGET=$!
	exec 4>"$TMP/bytes"
	wait_file "$LEDGER/begun.$TARGET"
}

@test "every way to touch a page, from the first instruction, and a child's copies" {
	staying -- "$T/touch" hold
	verify_rss
	no_losses
}

@test "the layer alone" {
	staying --layers rss -- "$T/touch" hold
	verify_rss
	no_losses
	equal "$(query '.stacks | length')" 0 "stacks of the heap"
	equal "$(query_layer vm '.stacks | length')" 0 "stacks of vm"
}

@test "a process that already runs" {
	waiting wait
	launch -p "$TARGET"
	wait_tracing "$TARGET"
	printf x >&4
	wait_until "the target and its child" both_ready
	end_tracer
	# its child was found by fork, and may have been over before its faults counted
	rm -f "$LEDGER"/child.*
	verify_rss
	no_losses
}

@test "an exec: what the program before it touched is its own, not the new one's" {
	staying -- "$T/touch" exec
	equal "$(query '[.processes[].execed] | sort | join(" ")')" "false false true" "images"
	verify_rss
	no_losses
}

# The kernel's tables must have room for all its pieces at once, with interrupts off.
@test "the first fault is a deep one" {
	waiting deep
	launch --layers rss -p "$TARGET"
	wait_tracing "$TARGET"
	printf x >&4
	wait_file "$LEDGER/ready.$TARGET"
	end_tracer
	verify_rss
	no_losses
}

@test "hugetlb pages are in nobody's RSS" {
	local before

	before=$(cat /proc/sys/vm/nr_hugepages)
	echo $((before + 4)) >/proc/sys/vm/nr_hugepages
	if [ "$(cat /proc/sys/vm/nr_hugepages)" -le "$before" ]; then
		skip "no huge pages here"
	fi
	staying -- "$T/touch" hold || status=1
	echo "$before" >/proc/sys/vm/nr_hugepages
	equal "$status" 0 "run"
	verify_rss
}

@test "processes that end: each agrees with itself, held or not" {
	local file

	trace -- "$T/touch"
	verify_rss --sums
	rm -f "$LEDGER"/*
	waiting wait
	launch -p "$TARGET"
	wait_tracing "$TARGET"
	printf x >&4
	wait_until "the target and its child" both_ready
	for file in "$LEDGER"/ready.*; do
		kill -KILL "${file##*.}"
	done
	finish "$TRACER"
	# what is known is of the last look before
	rm -f "$LEDGER"/*
	verify_rss --sums
}

@test "many short children" {
	trace --layers rss -- "$T/forks" 300 pages 20
	equal "$status" 0 "exit status"
	rm -f "$LEDGER"/*
	verify_rss --sums
	no_losses
}

@test "too small a table of pages: counted, and the sum is RSS all the same" {
	staying --max-touches 16 -- "$T/touch" hold
	verify_rss --sums
	[ "$(query .lost.touch_full)" -gt 0 ] || die "no page was lost"
}

@test "the peak is of those who held it then" {
	local tables

	waiting peak
	launch -p "$TARGET" -i 0.2
	wait_tracing "$TARGET"
	printf x >&4
	wait_file "$LEDGER/first.$TARGET"
	# it stays so until it has been looked at, at a new peak or for a table
	tables=$(tables)
	wait_until "tables" more_tables $((tables + 40))
	printf x >&4
	wait_file "$LEDGER/ready.$TARGET"
	end_tracer
	verify_rss --sums
	equal "$(query_layer rss '[.stacks[] | select(any(.frames[]; .function == "first_peak"))
		| .peak_bytes] | add')" $((64 << 20)) "first_peak's share of the peak"
	equal "$(query_layer rss '[.stacks[] | select(any(.frames[]; .function == "first_peak"))
		| .live_bytes] | add')" 0 "what first_peak holds"
	equal "$(query_layer rss '[.stacks[] | select(any(.frames[]; .function == "second_peak"))
		| .live_bytes] | add')" $((32 << 20)) "what second_peak holds"
}

tables()
{
	grep -c "^memsnoop " "$TMP/out" || true
}

more_tables()
{
	[ "$(tables)" -ge "$1" ] || ! kill -0 "$TRACER" 2>/dev/null
}

# No tick can see it: memsnoop does not run meanwhile.
@test "a spike between two ticks" {
	waiting spike
	launch --layers rss --tick 1 -p "$TARGET"
	wait_tracing "$TARGET"
	kill -STOP "$TRACER"
	printf x >&4
	wait_file "$LEDGER/ready.$TARGET"
	kill -CONT "$TRACER"
	end_tracer
	verify_rss --sums
	"$PYTHON" "$BATS_TEST_DIRNAME/rss.py" --spike $((48 << 20)) "$REPORT"
}
