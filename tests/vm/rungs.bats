#!/usr/bin/env bats
# Each rung of the ladder for kernel functions, to the byte, on a kernel that has them all.

load ../e2e/helper
load ../e2e/memory

# on_rung RUNG: $options refuse all others, and -v says which is taken.
on_rung()
{
	local other

	options=(-v)
	for other in fentry kprobe tracepoint raw_tracepoint; do
		[ "$other" = "$1" ] || options+=(--no-feature "$other")
	done
}

taken()
{
	grep -q "$2: $1: works, taken" "$TMP/err" || die "$2: not by $1"
}

mapped_by()
{
	on_rung "$1"
	trace "${options[@]}" --layers vm -- "$T/space" 2 2000
	taken "$1" "system calls"
	verify_space
	no_losses
}

resident_by()
{
	on_rung "$1"
	staying "${options[@]}" --layers rss -- "$T/touch" hold
	taken "$1" "page faults"
	taken "$1" "RSS counters"
	verify_rss
	no_losses
}

@test "mapped by fentry" {
	mapped_by fentry
}

@test "mapped by kprobe" {
	mapped_by kprobe
}

@test "mapped by tracepoint" {
	mapped_by tracepoint
}

@test "mapped by raw_tracepoint" {
	mapped_by raw_tracepoint
}

@test "resident by fentry" {
	resident_by fentry
}

@test "resident by kprobe" {
	resident_by kprobe
}

@test "resident by tracepoint" {
	resident_by tracepoint
}

@test "resident by raw_tracepoint" {
	resident_by raw_tracepoint
}

@test "where the kernel is preempted, kprobe goes before fentry; what fentry misses is counted" {
	trace -v --layers vm -- true
	taken kprobe "system calls"
	on_rung fentry
	trace "${options[@]}" --layers vm -- "$T/space" 4 20000
	taken fentry "system calls"
	[ "$(query '.lost.passed_over')" -gt 0 ]
	grep -q '!!! .* events that the kernel passed over' "$TMP/err"
}
