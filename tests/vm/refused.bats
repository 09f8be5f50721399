#!/usr/bin/env bats
# A kernel that is too old is refused, in one line that says what it lacks.

load ../e2e/helper

@test "a command is not run, and what the kernel lacks is said" {
	bare -- touch "$TMP/ran"
	refused 1 'this kernel is too old.*bpf_loop (Linux 5.17)'
	grep -q 'BPF cookies (Linux 5.15)' "$TMP/err"
	[ ! -e "$TMP/ran" ]
}

@test "-p: the process lives on, nothing is left in it" {
	target load 1 1000
	bare -p "$TARGET"
	refused 1 'this kernel is too old.*bpf_loop (Linux 5.17)'
	is_intact "$TARGET"
	kill -USR1 "$TARGET"
	finish "$TARGET"
	equal "$status" 0 "the target's exit status"
}

@test "--no-feature for all but one: the same" {
	for rungs in "session multi" "session perf" "multi perf"; do
		local options=()
		for rung in $rungs; do
			options+=(--no-feature "$rung")
		done
		bare "${options[@]}" -- true
		refused 1 'this kernel is too old.*bpf_loop (Linux 5.17)'
	done
}

@test "the whole system: the same" {
	bare -d 1
	refused 1 'this kernel is too old.*bpf_loop (Linux 5.17)'
}
