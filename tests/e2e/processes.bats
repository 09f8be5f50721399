#!/usr/bin/env bats
# Processes that make processes, and how they end.

load helper

@test "fork: a child's own blocks are exact, its parent's are unknown to it" {
	trace -- "$T/fork" fork
	equal "$status" 0 "exit status"
	verify
	equal "$(query '.processes | length')" 2 "processes"
}

@test "fork: three generations" {
	trace -- "$T/fork" generations
	equal "$status" 0 "exit status"
	verify
	equal "$(query '[.processes[].pid] | unique | length')" 4 "processes"
}

@test "fork: 20 children at once" {
	trace -- "$T/fork" many
	equal "$status" 0 "exit status"
	verify
	equal "$(query '[.processes[].pid] | unique | length')" 21 "processes"
}

@test "vfork and exec" {
	trace -- "$T/fork" vfork
	equal "$status" 0 "exit status"
	verify
	equal "$(query '[.processes[] | select(.comm == "image")] | length')" 1 "images of the child"
}

@test "posix_spawn" {
	trace -- "$T/fork" spawn
	equal "$status" 0 "exit status"
	verify
	equal "$(query '[.processes[] | select(.comm == "image")] | length')" 1 "images of the child"
}

@test "exec: the old image and the new one, one pid" {
	trace -- "$T/fork" exec
	equal "$status" 0 "exit status"
	verify
	equal "$(query '.processes | length')" 2 "images"
	equal "$(query '[.processes[].pid] | unique | length')" 1 "pids"
	# what the old image held went with it
	equal "$(query '.processes[0].layers.heap.allocs >= 100')" true "the old image's allocations"
}

@test "a shell's children are followed" {
	trace -- sh -c "$T/image; $T/image"
	equal "$status" 0 "exit status"
	verify
	equal "$(query '[.processes[] | select(.comm == "image")] | length')" 2 "images"
}

@test "threads that end leave their blocks" {
	trace -- "$T/threads" 16 500
	verify --unknown any
	equal "$(query '[.stacks[] | select(.frames[-2].function | startswith("ledger_")) | .live] | add')" \
		"$(value live)" "live blocks"
}

# ---- exit status ----------------------------------------------------------------

# passes STATUS COMMAND...: of the command, also in the report.
passes()
{
	local wanted=$1

	shift
	trace -- "$@"
	equal "$status" "$wanted" "exit status"
	equal "$(query '.processes[-1].exit_code')" "$wanted" "exit_code in the report"
}

@test "exit status 0 is passed on" {
	passes 0 true
}

@test "exit status 3 is passed on" {
	passes 3 sh -c 'exit 3'
}

@test "death by SIGTERM is 143" {
	passes 143 sh -c 'kill -TERM $$'
}

@test "death by SIGSEGV is 139" {
	passes 139 sh -c 'kill -SEGV $$'
}

@test "death by SIGKILL is 137" {
	passes 137 sh -c 'kill -KILL $$'
}

@test "the command's stdin and stdout are its own" {
	printf 'one\ntwo\n' | "$MEMSNOOP" -o "$REPORT" -- cat >"$TMP/out" 2>"$TMP/err"
	equal "$(cat "$TMP/out")" "$(printf 'one\ntwo')" "stdout"
	[ -s "$TMP/err" ] || die "no summary on stderr"
}
