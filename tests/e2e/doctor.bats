#!/usr/bin/env bats
# memsnoop doctor: what it finds here, and in worse places; it leaves nothing behind.

load helper

# line NAME: the line of a check, as "VERDICT TEXT".
line()
{
	sed -nE "s,^  (ok|slow|warn|missing|unknown) +$1  +,\1 ,p" "$TMP/out"
}

# The programs that are put in to try and to measure.
trials()
{
	bpftool prog show name memsnoop_trial | grep -c memsnoop_trial
}

no_trials()
{
	! trials
}

# Stops it where a trial is in; else it goes on for a moment.
stopped_at_trial()
{
	kill -STOP "$1"
	trials || { kill -CONT "$1" && sleep 0.01 && false; }
}

# as_nobody ARGS...: the same without any privilege, through an open file (see faults.bats).
as_nobody()
{
	status=0
	setpriv --reuid=65534 --regid=65534 --clear-groups /proc/self/fd/5 "$@" 5<"$MEMSNOOP" \
		>"$TMP/out" 2>"$TMP/err" </dev/null || status=$?
}

@test "doctor: each check has its line, and what is needed is there" {
	local name

	bare doctor
	equal "$status" 0 "exit status"
	equal "$(wc -l <"$TMP/err")" 0 "lines on stderr"
	for name in CAP_BPF CAP_PERFMON CAP_SYS_PTRACE CAP_CHECKPOINT_RESTORE lockdown 'pid namespace' \
		ptrace 'process memory' perf_event_paranoid 'kernel symbols' version BTF 'BPF JIT' \
		bpf_loop 'ring buffer' 'task iterator' PAGEMAP_SCAN 'locked memory' uprobes seccomp \
		'allocation functions' 'system calls' 'page faults' 'RSS counters' 'OOM kills' fork \
		exec exit 'kernel memory' 'unwind tables' 'debug information' debuginfod 'perf maps' Python /proc \
		tracefs cgroups GPU; do
		[ -n "$(line "$name")" ] || die "no line for '$name': $(cat "$TMP/out")"
	done
	for name in CAP_BPF CAP_PERFMON 'pid namespace' ptrace 'process memory' BTF bpf_loop \
		'ring buffer' fork exec exit /proc; do
		[[ "$(line "$name")" = ok\ * ]] || die "$name: $(line "$name")"
	done
	grep -q '^memsnoop can trace here' "$TMP/out"
	equal "$(grep -c $'\033' "$TMP/out")" 0 "lines with escape sequences"
}

@test "doctor: under what is not well stands what it costs, and how to get it" {
	MEMSNOOP_CACHE=/tmp bare doctor
	equal "$status" 0 "exit status"
	grep -A2 '^  warn  *unwind tables .*others may write in /tmp' "$TMP/out" >"$TMP/three"
	grep -q '^ *so: unwind tables are made anew' "$TMP/three"
	grep -q '^ *to get it: .*chmod 700' "$TMP/three"
}

@test "doctor: says which rung it takes, and why not the others" {
	bare doctor -v
	equal "$status" 0 "exit status"
	grep -q '^memsnoop: attach: [a-z]*: works, taken$' "$TMP/err"
	grep -q '^memsnoop: hook: page faults: [a-z_]*: works, taken$' "$TMP/err"
	grep -q '^memsnoop: hook: system calls: fentry: ' "$TMP/err"
}

@test "doctor --no-feature: each rung, refused, gives way to the next" {
	local feature

	bare doctor --no-feature session --no-feature fentry --no-feature kprobe
	equal "$status" 0 "exit status"
	for feature in session fentry kprobe; do
		grep -q "(.*$feature: refused by --no-feature" "$TMP/out" || die "nothing refuses $feature"
	done
	[[ "$(line uprobes)" != *' session ('* ]]
	[[ "$(line 'page faults')" = 'ok tracepoint ('* ]]
	bare doctor --no-feature session --no-feature multi --no-feature fentry --no-feature kprobe \
		--no-feature tracepoint
	equal "$status" 0 "exit status"
	[[ "$(line uprobes)" = 'slow perf ('* ]]
	grep -A1 '^  slow  *uprobes ' "$TMP/out" | grep -q 'so: each probe is taken out by itself'
	[[ "$(line 'page faults')" = 'ok raw_tracepoint ('* ]]
	# what has no other way keeps its own
	equal "$(line fork)" 'ok tracepoint' "fork"
	# where the others are missing, this is one too many
	bare doctor --no-feature perf --no-feature raw_tracepoint
	line uprobes | grep -q 'perf: refused by --no-feature'
	line 'page faults' | grep -q 'raw_tracepoint: refused by --no-feature'
}

@test "doctor --no-feature: all of them" {
	bare doctor --no-feature session --no-feature multi --no-feature perf --no-feature fentry \
		--no-feature kprobe --no-feature tracepoint --no-feature raw_tracepoint --json
	equal "$status" 1 "exit status"
	equal "$(jq -r '.checks[] | select(.needed and .verdict == "missing") | .name' "$TMP/out")" \
		uprobes "needed and missing"
	equal "$(jq -r '.hooks[] | select(.taken == null) | .name' "$TMP/out" | paste -sd,)" \
		'system calls,page faults,RSS counters,OOM kills' "hooks without a rung"
	equal "$(jq '.costs | length' "$TMP/out")" 0 "costs"
}

@test "doctor: what is measured is what is there" {
	bare doctor --json
	# a probe that never ran is an error, not a cost
	equal "$(jq '[.costs[] | select(.added_ns == null or .plain_ns == null)] | length' "$TMP/out")" 0 \
		"costs that were not measured"
	equal "$(jq '[.costs[] | select(.name | startswith("uprobe"))] | length' "$TMP/out")" 4 uprobes
	bare doctor --json --no-feature session --no-feature multi
	equal "$(jq -r '[.costs[] | select(.name | test("uprobe|session")) | .way] | join(" ")' "$TMP/out")" \
		'perf perf perf perf' "ways, two of three refused"
}

@test "doctor --json: one document, which says the same" {
	bare doctor
	jq -r . <"$TMP/out" >/dev/null 2>&1 && die "the plain report is JSON?"
	mv "$TMP/out" "$TMP/plain"
	bare doctor --json
	equal "$status" 0 "exit status"
	equal "$(jq -r '.schema, .can_trace' "$TMP/out" | paste -sd' ')" '1 true' "head"
	jq -r '.checks[].name' "$TMP/out" >"$TMP/names"
	equal "$(sed -nE 's/^  (ok|slow|warn|missing|unknown) .*/x/p' "$TMP/plain" | wc -l)" \
		"$(wc -l <"$TMP/names")" "findings"
	while read -r name; do
		grep -qF "  $name  " "$TMP/plain" || die "not in the plain report: $name"
	done <"$TMP/names"
	jq -e '[.checks[] | has("group", "verdict", "needed", "text", "without", "remedy")] | all' "$TMP/out"
	jq -e '[.hooks[].rungs | has("fentry", "kprobe", "tracepoint", "raw_tracepoint")] | all' "$TMP/out"
}

@test "doctor as nobody: works, names what is missing, says what it could not look at" {
	as_nobody doctor
	equal "$status" 1 "exit status"
	equal "$(wc -l <"$TMP/err")" 0 "lines on stderr"
	grep -q '^memsnoop cannot trace here; missing: CAP_BPF, CAP_PERFMON ' "$TMP/out"
	[[ "$(line CAP_BPF)" = missing\ * ]]
	grep -q 'to get it: .*sudo memsnoop' "$TMP/out"
	[[ "$(line uprobes)" = 'unknown not tried: that takes CAP_BPF and CAP_PERFMON' ]]
	[[ "$(line hooks)" = unknown\ * ]]
	[[ "$(line BTF)" = ok\ * ]]
}

@test "doctor: root without CAP_PERFMON" {
	status=0
	setpriv --bounding-set=-perfmon,-sys_admin --inh-caps=-perfmon,-sys_admin "$MEMSNOOP" doctor \
		>"$TMP/out" 2>"$TMP/err" </dev/null || status=$?
	equal "$status" 1 "exit status"
	grep -q '^memsnoop cannot trace here; missing: CAP_PERFMON ' "$TMP/out"
}

@test "doctor: CAP_BPF and CAP_PERFMON are enough" {
	status=0
	setpriv --bounding-set=-all,+bpf,+perfmon --inh-caps=-all,+bpf,+perfmon "$MEMSNOOP" doctor \
		>"$TMP/out" 2>"$TMP/err" </dev/null || status=$?
	equal "$status" 0 "exit status"
	[[ "$(line CAP_SYS_PTRACE)" = warn\ * ]]
	[[ "$(line uprobes)" = ok\ * || "$(line uprobes)" = slow\ * ]]
}

@test "doctor: a kernel without BTF" {
	status=0
	unshare -m sh -c 'mount -t tmpfs none /sys/kernel/btf && exec "$@"' - \
		"$MEMSNOOP" doctor >"$TMP/out" 2>"$TMP/err" </dev/null || status=$?
	equal "$status" 1 "exit status"
	[[ "$(line BTF)" = missing\ * ]]
	grep -q '^memsnoop cannot trace here; missing: BTF, fork, exec, exit ' "$TMP/out"
	line 'page faults' | grep -q '(fentry: no BTF;' || die "$(line 'page faults')"
}

@test "doctor: a container's pid namespace; and there tracing is refused" {
	status=0
	unshare -p -f --mount-proc "$MEMSNOOP" doctor >"$TMP/out" 2>"$TMP/err" </dev/null || status=$?
	equal "$status" 1 "exit status"
	grep -q '^memsnoop cannot trace here; missing: pid namespace' "$TMP/out"
	status=0
	unshare -p -f --mount-proc "$MEMSNOOP" -- true >"$TMP/out" 2>"$TMP/err" </dev/null || status=$?
	refused 1 'pid=host'
}

@test "doctor: Pythons on PATH, known or not; names of any bytes do no harm" {
	local evil=$TMP/$'evil\033[31m'

	mkdir "$evil" "$TMP/none"
	cp "$(realpath "$PYTHON")" "$evil/python3"
	printf '#!/bin/sh\n' >"$evil/python3.7"
	chmod 755 "$evil/python3.7"
	env PATH="$evil" "$MEMSNOOP" doctor >"$TMP/out"
	equal "$(line Python | grep -c 'is Python 3\.[0-9]*, which is known')" 1 "known Pythons"
	equal "$(grep -c $'\033' "$TMP/out")" 0 "lines with escape sequences"
	env PATH="$evil" "$MEMSNOOP" doctor --json >"$TMP/out"
	jq -e . "$TMP/out" >/dev/null
	env PATH="$TMP/none" "$MEMSNOOP" doctor >"$TMP/out"
	equal "$(line Python)" 'ok none on PATH' "Python"
}

@test "doctor: its child and its probes are gone afterwards" {
	local doctor child

	setsid "$MEMSNOOP" doctor >"$TMP/out" 2>"$TMP/err" </dev/null 3>&- &
	doctor=$!
	wait_until "its child" pgrep -P "$doctor" >"$TMP/child"
	child=$(head -n 1 "$TMP/child")
	finish "$doctor"
	equal "$status" 0 "exit status"
	[ ! -e "/proc/$child" ] || die "the child is still there"
	wait_until "the programs to be gone" no_trials
}

@test "doctor, killed: its child and its probes go with it" {
	local doctor child

	setsid "$MEMSNOOP" doctor >"$TMP/out" 2>"$TMP/err" </dev/null 3>&- &
	doctor=$!
	wait_until "its child" pgrep -P "$doctor" >"$TMP/child"
	child=$(head -n 1 "$TMP/child")
	wait_until "a trial" stopped_at_trial "$doctor"
	kill -KILL "$doctor"
	finish "$doctor"
	equal "$status" 137 "exit status"
	wait_until "the child to be gone" test ! -e "/proc/$child"
	wait_until "the programs to be gone" no_trials
}

@test "doctor: usage" {
	bare doctor -p 1
	refused 2 "no option '-p'; see memsnoop doctor --help"
	bare doctor now
	refused 2 "'now'"
	bare doctor --no-feature bogus
	refused 2 raw_tracepoint
	bare doctor --help
	equal "$status" 0 "exit status"
	grep -q -e --no-feature "$TMP/out"
	equal "$(grep -c -e --max-blocks "$TMP/out")" 0 "options of tracing in its help"
}
