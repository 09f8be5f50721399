#!/usr/bin/env bats
# Tables made too small on purpose: what is lost is counted, and adds up.

load helper

# What the target's own stacks have, of the whole report.
own()
{
	query "[.stacks[] | select(.frames | length >= 2)
		| select(.frames[-2].function == \"ledger_malloc\") | .$1] | add // 0"
}

@test "--max-blocks too small: tracked and lost make the ledger" {
	trace --max-blocks 1000 -- "$T/hold" 5000 100
	equal "$status" 0 "exit status"
	local lost lost_bytes
	lost=$(query .lost.live_full)
	lost_bytes=$(query .lost.live_full_bytes)
	[ "$lost" -gt 0 ] || die "nothing was lost"
	equal $(($(own allocs) + lost)) "$(value allocs)" "allocations"
	equal $(($(own alloc_bytes) + lost_bytes)) "$(value alloc_bytes)" "bytes allocated"
	# a block that was not tracked is unknown when it is freed
	equal "$(query '.processes[0].layers.heap.unknown_frees')" "$lost" "frees of unknown blocks"
	verify --lenient --lost live_full --lost live_full_bytes
}

@test "--max-blocks too small: the summary says so" {
	trace --max-blocks 1000 -- "$T/hold" 5000 100
	grep -q "allocations not tracked" "$TMP/err"
}

@test "--max-stacks too small: the process's totals stay exact" {
	trace --max-stacks 64 -- "$T/stacks" 9 0
	equal "$status" 0 "exit status"
	local lost
	lost=$(query '.lost.stacks_full + .lost.totals_full')
	[ "$lost" -gt 0 ] || die "nothing was lost"
	verify --lenient --lost stacks_full --lost totals_full
	# the libc's own calls are few and come first: they are no more than a handful
	local extra
	extra=$(($(query .processes[0].layers.heap.allocs) - $(value allocs)))
	[ $extra -ge 0 ] && [ $extra -lt 20 ] || die "$extra allocations beside the ledger's"
	equal "$(query .processes[0].layers.heap.frees)" "$(value frees)" "frees"
	equal "$(query .processes[0].layers.heap.freed_bytes)" "$(value freed_bytes)" "freed bytes"
}

@test "512 different stacks fit in the default tables" {
	trace -- "$T/stacks" 9 0
	verify
	[ "$(query '[.stacks[] | select(.frames[-2].function == "ledger_malloc")] | length')" -ge 512 ]
}

@test "stacks deeper than the limit are cut at the root, and counted" {
	trace --layers heap -- "$T/stacks" 2 200
	verify --lost stacks_truncated=4
}

@test "--max-procs too small: counted" {
	trace --max-procs 4 -- "$T/fork" many
	equal "$status" 0 "exit status"
	[ "$(query .lost.procs_full)" -gt 0 ] || die "nothing was lost"
	"$PYTHON" "$BATS_TEST_DIRNAME/ledger.py" "$REPORT" --only --lost procs_full
}

@test "processes that ended make room: more of them than the table holds, nothing lost" {
	trace --max-procs 64 -- sh -c 'for i in $(seq 50); do "$0" $i 200 3; sleep 0.1; done' \
		"$T/scripted"
	equal "$status" 0 "exit status"
	[ "$(query '.processes | length')" -gt 100 ]
	verify
}

@test "--max-threads too small: calls are lost, counted, and the sums agree" {
	trace --max-threads 2 -- "$T/threads" 8 2000
	equal "$status" 0 "exit status"
	[ "$(query .lost.tasks_full)" -gt 0 ] || die "nothing was lost"
	"$PYTHON" "$BATS_TEST_DIRNAME/ledger.py" "$REPORT" --only --lost tasks_full \
		--lost missed_frees
}

@test "--max-unwind too small: which file has no table is said, and counted" {
	trace -v --max-unwind 64k -- "$T/hold" 10 10
	equal "$status" 0 "exit status"
	[ "$(query .lost.tables_full)" -gt 0 ] || die "no table was refused"
	grep -q "libc.so.6: no unwind table: the limit is reached (--max-unwind)" "$TMP/err"
	[ "$(query '[.stacks[] | select(.end == "no_table")] | length')" -gt 0 ] ||
		die "no stack says that it has no table"
}

@test "--no-feature unwind: frame pointers only, and the report says so" {
	trace --no-feature unwind -- "$T/hold" 10 10
	equal "$(query .lost.tables_full)" 0 "tables refused"
	grep -q "unwinding stopped before the thread's start" "$TMP/err"
	[ "$(query '[.stacks[] | select(.end == "root")] | length')" -eq 0 ] ||
		die "libc has no frame pointers, but a stack goes through it"
}

@test "unwind tables go when no process needs them any more" {
	trace -v -- bash -c "'$T/hold' 10 10; sleep 3; true"
	equal "$status" 0 "exit status"
	grep -q "unwind: $T/hold: [0-9]* KiB" "$TMP/err"
	grep -q "unwind: a table is freed" "$TMP/err"
}

@test "--max-codes too small: Python frames without a name are counted" {
	trace --max-codes 20 -- /usr/bin/python3 -c "import json; json.dumps({})"
	equal "$status" 0 "exit status"
	[ "$(query .lost.codes_full)" -gt 0 ] || die "no code object was refused"
	[ "$(query '[.frames[] | select(.function == "<python: unknown>")] | length')" -gt 0 ] ||
		die "no frame says that it has no name"
}

@test "Python code that is gone before it is read is counted, and its frame says so" {
	trace -- /usr/bin/python3 -c "for i in range(3000): exec('bytearray(5000)')"
	equal "$status" 0 "exit status"
	local gone
	gone=$(query '[.frames[] | select(.function == "<python: gone>")] | length')
	[ "$gone" -eq 0 ] || [ "$(query .lost.codes_gone)" -gt 0 ] || die "frames are gone uncounted"
	equal "$(query '[.stacks[] | select(any(.frames[]; .function == "<module>"
		or .function == "<python: gone>")) | select(.alloc_bytes >= 5000)] |
		map(select(.alloc_bytes % 5001 == 0).allocs) | add')" 3000 "allocations of 5,001 bytes"
}

@test "announcements of Python code that find no room are counted, the code is read all the same" {
	mkfifo "$TMP/go"
	/usr/bin/python3 tests/targets/many_codes.py <"$TMP/go" >"$TMP/made" 3>&- &
	TARGET=$!
	exec 4>"$TMP/go"
	launch -q -p "$TARGET"
	wait_tracing "$TARGET"
	kill -STOP "$TRACER"
	echo >&4
	wait_line made "$TMP/made"
	kill -CONT "$TRACER"
	sleep 3
	echo >&4
	exec 4>&-
	finish "$TARGET"
	finish "$TRACER"
	equal "$status" 0 "exit status of memsnoop"
	# not query: of so many stacks it makes a list of frames each
	[ "$(jq .lost.codes_unread "$REPORT")" -gt 0 ] || die "every announcement found room"
	equal "$(jq '[.frames[] | select(.function == "<python: unknown>")] | length' "$REPORT")" 0 \
		"frames without a name"
	[ "$(jq '[.frames[] | select((.file // "") | startswith("made"))] | length' "$REPORT")" -gt 35000 ]
}
