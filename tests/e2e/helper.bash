# SPDX-License-Identifier: GPL-2.0
# What every end-to-end test uses.  A test runs memsnoop on a target program
# (tests/targets), which leaves its own ledger in $LEDGER, and compares the two.
#
# Nothing sleeps for a fixed time: tests wait for lines, files and exits, with a
# deadline that only a hang reaches.

REPO=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
MEMSNOOP=${MEMSNOOP:-$REPO/memsnoop}
T=${TARGETS:-$REPO/.output/targets}
PYTHON=/usr/bin/python3
DEADLINE=${DEADLINE:-60}

setup()
{
	TMP=$BATS_TEST_TMPDIR
	LEDGER=$TMP/ledger
	REPORT=$TMP/report.json
	export LEDGER
	mkdir "$LEDGER"
	[ -x "$MEMSNOOP" ] || die "no program at $MEMSNOOP: make"
	[ -x "$T/functions" ] || die "no targets at $T: make targets"
}

# Ends what this test started and what still runs of it: our own children, and
# targets that said `ready` (a traced command outlives a memsnoop that is killed).
teardown()
{
	local pid file

	if [ -n "${SERVER:-}" ]; then
		tmux -L "$SERVER" kill-server 2>/dev/null || true
	fi
	for pid in $(jobs -rp); do
		kill -KILL "$pid" 2>/dev/null || true
	done
	for file in "$LEDGER"/ready.*; do
		pid=${file##*.}
		if [[ "$(readlink "/proc/$pid/exe")" = "$T"/* ]]; then
			kill -KILL "$pid" 2>/dev/null || true
		fi
	done
	wait 2>/dev/null || true
}

die()
{
	echo "$*" >&2
	return 1
}

# The root of a later Debian that tests run programs of: 13, if `make check-next` names no other.
debian_root()
{
	echo "${DEBIAN_ROOT:-$("$REPO/scripts/debian_root.sh" 13)}"
}

# ---- running ------------------------------------------------------------------

# trace OPTION... -- CMD ...: runs to the end; stdout, stderr and report in $TMP.
# shellcheck disable=SC2034  # status is for the tests
trace()
{
	status=0
	"$MEMSNOOP" -o "$REPORT" "$@" >"$TMP/out" 2>"$TMP/err" </dev/null || status=$?
	echo "memsnoop -o $REPORT $* -> $status"
	sed 's/^/    /' "$TMP/err"
}

# launch OPTION...: the same in the background; its pid in $TRACER.
launch()
{
	"$MEMSNOOP" -v -o "$REPORT" "$@" >"$TMP/out" 2>"$TMP/err" </dev/null 3>&- 5>&- &
	TRACER=$!
}

# target PROGRAM ARGS...: a target in the background; its pid in $TARGET.
target()
{
	local program=$1

	shift
	"$T/$program" "$@" </dev/null >/dev/null 3>&- 5>&- &
	TARGET=$!
	wait_file "$LEDGER/ready.$TARGET"
}

# listening COMMAND...: a program that says `ready` and reads what is written to fd 4; $TARGET.
listening()
{
	mkfifo "$TMP/words"
	"$@" <"$TMP/words" >/dev/null 3>&- 5>&- &
	TARGET=$!
	exec 4>"$TMP/words"
	wait_file "$LEDGER/ready.$TARGET"
}

# goes_on: a program that listens for one line gets it, does what is left, and ends.
goes_on()
{
	echo go >&4
	finish "$TARGET"
	equal "$status" 0 "the program's exit status"
}

# obedient: the target `attach`, which obeys words written by `tell`.
obedient()
{
	listening "$T/attach"
}

tell()
{
	echo "$1" >&4
}

# finish PID: waits for a child of ours; its exit status in $status.
finish()
{
	status=0
	wait "$1" || status=$?
}

# ---- waiting ------------------------------------------------------------------

# wait_until WHAT COMMAND...: until the command succeeds.
wait_until()
{
	local what=$1 end=$((SECONDS + DEADLINE))

	shift
	until "$@"; do
		if [ $SECONDS -ge $end ]; then
			echo "waited ${DEADLINE} s for $what; stderr of memsnoop:"
			cat "$TMP/err" 2>/dev/null
			return 1
		fi
		sleep 0.02
	done
}

wait_file()
{
	wait_until "$1" test -e "$1"
}

# wait_line PATTERN FILE
wait_line()
{
	wait_until "a line with '$1' in $2" grep -qs -e "$1" "$2"
}

# Until the probes of a process are in.
wait_tracing()
{
	wait_until "'tracing $1'" tracing_or_gone "$1"
	grep -q "tracing $1\b" "$TMP/err"
}

tracing_or_gone()
{
	grep -qs "tracing $1\b" "$TMP/err" || ! kill -0 "$TRACER" 2>/dev/null
}

is_intact()
{
	"$PYTHON" "$REPO/tests/e2e/text_intact.py" "$1" >"$TMP/text"
}

is_changed()
{
	! is_intact "$1"
}

# ---- judging ------------------------------------------------------------------

# equal GOT WANTED WHAT
equal()
{
	[ "$1" = "$2" ] || die "$3: got '$1', should be '$2'"
}

# The report agrees with itself and with every ledger: see ledger.py.
verify()
{
	local ledgers=()

	mapfile -t ledgers < <(find "$LEDGER" -type f -size +0 ! -name '.*' | sort)
	"$PYTHON" "$REPO/tests/e2e/ledger.py" "$REPORT" "$@" "${ledgers[@]}"
}

# query FILTER: one value of the report, whose stacks are the heap's.
query()
{
	query_layer heap "$1"
}

# query_layer LAYER FILTER: the same with another layer's stacks.
query_layer()
{
	jq -r ".frames as \$table | .stacks |= map(select(.layer == \"$1\"))
		| .stacks[].frames |= map(\$table[.]) | $2" "$REPORT"
}

# value KEY: of the only ledger.
value()
{
	sed -n "s/^$1=//p" "$LEDGER"/*.*
}

# refused STATUS PATTERN: the exit status, and one line on stderr that names the thing.
refused()
{
	equal "$status" "$1" "exit status" || return 1
	equal "$(wc -l <"$TMP/err")" 1 "lines on stderr" || return 1
	grep -q -e "$2" "$TMP/err" || die "stderr does not name '$2': $(cat "$TMP/err")"
}

# bare ARGS...: memsnoop alone, nothing added.
bare()
{
	status=0
	"$MEMSNOOP" "$@" >"$TMP/out" 2>"$TMP/err" </dev/null || status=$?
	echo "memsnoop $* -> $status"
	sed 's/^/    /' "$TMP/err"
}
