#!/usr/bin/env bats
# -p: processes that were there before.

load helper

@test "-p: exact from then on, in threads made before; frees of older blocks counted apart" {
	obedient
	launch -p "$TARGET"
	wait_tracing "$TARGET"
	tell go
	wait_file "$LEDGER/attach.$TARGET"
	kill -INT "$TRACER"
	finish "$TRACER"
	equal "$status" 0 "exit status"
	verify
	equal "$(query '.processes[0].layers.heap.unknown_frees')" 50 "frees of unknown blocks"
	kill -0 "$TARGET"
	wait_until "the probes to be gone" is_intact "$TARGET"
	tell end
	finish "$TARGET"
	equal "$status" 0 "the target's exit status"
}

@test "-p: ends when the process does, and says what it held" {
	obedient
	launch -p "$TARGET"
	wait_tracing "$TARGET"
	tell go
	tell end
	finish "$TRACER"
	equal "$status" 0 "exit status"
	verify
	equal "$(query '.processes[0].exit_code')" 0 "exit_code"
}

@test "-p: two processes" {
	target load 1 2000
	local first=$TARGET
	target load 2 2000
	launch -p "$first,$TARGET"
	wait_tracing "$first"
	wait_tracing "$TARGET"
	kill -USR1 "$first" "$TARGET"
	finish "$TRACER"
	equal "$status" 0 "exit status"
	"$PYTHON" "$BATS_TEST_DIRNAME/ledger.py" "$REPORT" --only
	equal "$(query '[.processes[].pid] | sort | map(tostring) | join(" ")')" \
		"$(printf '%s\n' "$first" "$TARGET" | sort -n | paste -sd ' ')" "pids"
	equal "$(query '[.processes[].layers.heap.allocs > 0] | all')" true "both allocate"
}

@test "-p: a child that is forked later is followed" {
	obedient
	launch -p "$TARGET"
	wait_tracing "$TARGET"
	tell fork
	wait_until "the child" compgen -G "$LEDGER/child.*" >/dev/null
	local child
	child=$(basename "$LEDGER"/child.*)
	wait_tracing "${child#child.}"
	tell x
	wait_file "$LEDGER/forked.${child#child.}"
	tell end
	finish "$TRACER"
	equal "$status" 0 "exit status"
	verify
}

@test "-d: stops by itself, the target goes on" {
	target load 1 1000
	bare -p "$TARGET" -d 1 -o "$REPORT"
	equal "$status" 0 "exit status"
	"$PYTHON" "$BATS_TEST_DIRNAME/ledger.py" "$REPORT" --only
	equal "$(query '.duration_s >= 0.9')" true "duration"
	is_intact "$TARGET"
	kill -USR1 "$TARGET"
	finish "$TARGET"
	equal "$status" 0 "the target's exit status"
}

@test "-p --json: the document on stdout and nothing else" {
	target load 1 1000
	bare --json -p "$TARGET" -d 1
	equal "$status" 0 "exit status"
	cp "$TMP/out" "$REPORT"
	"$PYTHON" "$BATS_TEST_DIRNAME/ledger.py" "$REPORT" --only
}

@test "-p: a live table of plain blocks, a delta since the last" {
	target load 1 1000
	bare -p "$TARGET" -i 1 -d 3
	equal "$status" 0 "exit status"
	equal "$(grep -c $'\033' "$TMP/out")" 0 "lines with escape sequences"
	[ "$(grep -c ledger_malloc "$TMP/out")" -ge 3 ] || die "fewer than 3 tables: $(cat "$TMP/out")"
}

@test "-p: a process under a seccomp filter is probed and lives" {
	mkfifo "$TMP/words"
	"$T/filtered" 50 <"$TMP/words" >"$TMP/said" 3>&- &
	TARGET=$!
	exec 4>"$TMP/words"
	wait_line ready "$TMP/said"
	launch -p "$TARGET"
	wait_tracing "$TARGET"
	echo go >&4
	finish "$TARGET"
	equal "$status" 0 "the target's exit status"
	finish "$TRACER"
	equal "$(query '[.stacks[] | select(.frames[-2].function == "make")] | map(.live_bytes) | add')" \
		5000 "live bytes"
}

@test "another process of the same libc is not touched" {
	target load 1 1000
	local other=$TARGET
	target load 1 1000
	launch -p "$TARGET"
	wait_tracing "$TARGET"
	is_changed "$TARGET"
	is_intact "$other"
	kill -USR1 "$TARGET" "$other"
	finish "$TRACER"
	equal "$status" 0 "exit status"
}
