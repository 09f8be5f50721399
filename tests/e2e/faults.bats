#!/usr/bin/env bats
# Bad input and missing things: one line that names it, the right exit status.

load helper

# usage PATTERN ARGS...: exit 2, one line.
usage()
{
	local pattern=$1

	shift
	bare "$@"
	refused 2 "$pattern"
}

@test "usage: an unknown option" {
	usage 'bogus' --bogus
	usage 'Z' -Z
}

@test "usage: an option without its value" {
	usage '-d\|argument' -p 1 -d
}

@test "usage: both a process and a command" {
	usage '-p' -p $$ -- true
}

@test "usage: values that are none" {
	usage abc -p abc
	usage 12x -p 12x
	usage '-5' -p -5
	usage abc -p $$ -d abc
	usage '-1' -p $$ -i -1
	usage abc -p $$ --max-blocks abc
	usage 0 -p $$ --max-stacks 0
	usage abc -p $$ --top abc
}

@test "usage: unknown names" {
	usage bogus -p $$ --metric bogus
	usage bogus -p $$ --layers bogus
	usage bogus -p $$ --no-feature bogus
}

@test "usage: an output with an unknown suffix" {
	usage 'x.bogus' -p $$ -o "$TMP/x.bogus"
	usage 'nosuffix' -p $$ -o "$TMP/nosuffix"
}

@test "usage: a --probe that says nothing sensible" {
	usage 'bogus' -p $$ --probe bogus
	usage 'arg9' -p $$ --probe 'x:y kind=alloc size=arg9 ptr=ret'
	usage 'huge' -p $$ --probe 'x:y kind=huge size=arg1 ptr=ret'
}

@test "--help and --version" {
	bare --help
	equal "$status" 0 "exit status"
	grep -q -e '--max-blocks' "$TMP/out"
	bare --version
	equal "$status" 0 "exit status"
	grep -qx 'memsnoop [0-9.]*' "$TMP/out"
}

# ---- the environment ------------------------------------------------------------

@test "not root" {
	local program=$TMP/memsnoop

	cp "$MEMSNOOP" "$program"
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_TEST_TMPDIR" "$TMP" || true
	status=0
	# run from a copy read through an open file: the way to it may be closed to others
	setpriv --reuid=65534 --regid=65534 --clear-groups /proc/self/fd/5 -p 1 5<"$program" \
		>"$TMP/out" 2>"$TMP/err" </dev/null || status=$?
	refused 1 'root\|CAP_'
}

@test "root without CAP_BPF" {
	status=0
	setpriv --bounding-set=-bpf,-sys_admin --inh-caps=-bpf,-sys_admin "$MEMSNOOP" -p $$ \
		>"$TMP/out" 2>"$TMP/err" </dev/null || status=$?
	refused 1 CAP_BPF
}

@test "root without CAP_PERFMON" {
	status=0
	setpriv --bounding-set=-perfmon,-sys_admin --inh-caps=-perfmon,-sys_admin "$MEMSNOOP" -p $$ \
		>"$TMP/out" 2>"$TMP/err" </dev/null || status=$?
	refused 1 CAP_PERFMON
}

@test "a kernel without BTF" {
	status=0
	# shellcheck disable=SC2016  # for the inner shell
	unshare -m sh -c 'mount -t tmpfs none /sys/kernel/btf && exec "$@"' - \
		"$MEMSNOOP" -p $$ >"$TMP/out" 2>"$TMP/err" </dev/null || status=$?
	refused 1 BTF
}

@test "no way to attach: the command is not run" {
	bare --no-feature session --no-feature multi --no-feature perf -- touch "$TMP/ran"
	refused 1 'no way to attach'
	[ ! -e "$TMP/ran" ]
}

@test "no such process" {
	local none
	none=$(cat /proc/sys/kernel/pid_max) # pids are below it

	bare -p "$none"
	refused 1 "$none"
}

@test "a zombie" {
	"$PYTHON" -c 'import os, signal
child = os.fork()
if not child:
	os._exit(0)
print(child, flush=True)
signal.pause()' >"$TMP/zombie" 3>&- &
	wait_until "a pid" test -s "$TMP/zombie"
	local zombie
	zombie=$(cat "$TMP/zombie")
	wait_until "a zombie" grep -qs '^State:.Z' "/proc/$zombie/status"
	bare -p "$zombie"
	refused 1 "$zombie"
}

@test "a process that exits while we attach: said, or traced to its end" {
	local i

	for i in $(seq 15); do
		"$T/load" 1 0 >/dev/null 3>&- &
		TARGET=$!
		wait_file "$LEDGER/ready.$TARGET"
		# somewhere in the middle of the attach: a little later each time
		bare -p "$TARGET" -d 60 &
		local tracer=$!
		awk "BEGIN { for (i = 0; i < $i * 400000; i++) x += i }"
		kill -KILL "$TARGET"
		wait "$TARGET" || true
		wait "$tracer" || true
		# bare's own status is lost with its shell: the lines tell which it was
		if grep -q "$TARGET" "$TMP/err" && [ ! -s "$TMP/out" ]; then
			equal "$(wc -l <"$TMP/err")" 1 "lines on stderr"
		else
			[ -s "$TMP/out" ] || die "neither an error nor a summary"
		fi
	done
}

@test "a kernel thread" {
	[ "$(cat /proc/2/comm 2>/dev/null)" = kthreadd ] || skip "no kernel thread is visible here"
	bare -p 2
	refused 1 'kernel thread'
}

@test "a 32-bit program; where the kernel runs it, a 32-bit process" {
	bare -- "$T/bits32" 0
	refused 1 '32-bit'
	grep -q "$T/bits32" "$TMP/err"
	"$T/bits32" 0 2>/dev/null || return 0
	rm -f "$LEDGER"/*
	"$T/bits32" 60000 >/dev/null 3>&- &
	TARGET=$!
	wait_file "$LEDGER/ready.$TARGET"
	bare -p "$TARGET"
	refused 1 '32-bit'
	grep -q "$TARGET" "$TMP/err"
}

@test "a command that does not exist" {
	bare -- /no/such/command
	refused 1 /no/such/command
	bare -- no-such-command-anywhere
	refused 1 no-such-command-anywhere
}

@test "a command that cannot be run" {
	echo nothing >"$TMP/plain"
	bare -- "$TMP/plain"
	refused 1 "$TMP/plain"
}

@test "an output directory that does not exist: said before anything runs" {
	bare -o "$TMP/none/x.json" -- touch "$TMP/ran"
	refused 1 "$TMP/none"
	[ ! -e "$TMP/ran" ] || die "the command ran"
	bare --plot "$TMP/none/x.svg" -- touch "$TMP/ran"
	refused 1 "$TMP/none"
	[ ! -e "$TMP/ran" ] || die "the command ran"
}

@test "an output that is a directory" {
	mkdir "$TMP/d.json"
	bare -o "$TMP/d.json" -- touch "$TMP/ran"
	refused 1 "$TMP/d.json"
	[ ! -e "$TMP/ran" ] || die "the command ran"
}

@test "a full disk: said, and no half file" {
	mkdir "$TMP/full"
	status=0
	# shellcheck disable=SC2016
	unshare -m sh -c 'mount -t tmpfs -o size=4k none "$1/full" && shift &&
		"$@" >"$0/out" 2>"$0/err"; code=$?; ls -A "$0/full" >"$0/left"; exit $code' \
		"$TMP" "$TMP" "$MEMSNOOP" -q -o "$TMP/full/x.json" -- "$T/scripted" 1 2000 </dev/null || status=$?
	refused 1 "$TMP/full/x.json"
	[ ! -s "$TMP/left" ] || die "left behind: $(cat "$TMP/left")"
}

@test "a --probe that matches nothing" {
	target load 1 1000
	bare -p "$TARGET" --probe 'libnothing.so:no_such_function kind=alloc size=arg1 ptr=ret' -d 1
	refused 1 no_such_function
	is_intact "$TARGET"
}

@test "a process without any allocator: what was looked for, what still works" {
	"$T/tiny" 3>&- &
	TARGET=$!
	bare -p "$TARGET" -d 1
	kill -KILL "$TARGET"
	equal "$(wc -l <"$TMP/err")" 1 "lines on stderr"
	equal "$status" 0 "exit status"
	grep -q malloc "$TMP/err"
	grep -qi 'resident memory\|rss' "$TMP/err"
}
