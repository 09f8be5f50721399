#!/usr/bin/env bats
# When memory runs out: the OOM killer's victims, calls that fail, limits that are hit.  The
# truth is the target's own ledger, which it writes before each step, and the files of its
# control group.

load helper

# Where memory is: version 1 if that is mounted, else 2.
if [ -d /sys/fs/cgroup/memory ]; then
	GROUPS_ROOT=/sys/fs/cgroup/memory LIMIT_FILE=memory.limit_in_bytes
else
	GROUPS_ROOT=/sys/fs/cgroup LIMIT_FILE=memory.max
fi
GROUP=$GROUPS_ROOT/memsnoop-oom.$$
LIMIT=$((64 << 20))

teardown()
{
	local pid

	for pid in $(jobs -rp); do
		kill -KILL "$pid" 2>/dev/null || true
	done
	while read -r pid; do
		kill -KILL "$pid" 2>/dev/null || true
	done < <(cat "$GROUP/cgroup.procs" 2>/dev/null)
	wait 2>/dev/null || true
	if [ -d "$GROUP" ]; then
		wait_until "the control group to be empty" rmdir "$GROUP" 2>/dev/null
	fi
}

# limited: a control group that may have 64 MiB.
limited()
{
	if [ ! -d /sys/fs/cgroup/memory ] && ! grep -qw memory /sys/fs/cgroup/cgroup.controllers; then
		skip "no memory controller"
	fi
	if [ ! -d /sys/fs/cgroup/memory ]; then
		echo +memory >/sys/fs/cgroup/cgroup.subtree_control
	fi
	mkdir "$GROUP"
	echo "$LIMIT" >"$GROUP/$LIMIT_FILE"
}

# in_group COMMAND...: what runs a command there.
in_group()
{
	exec "$BASH" -c 'echo $$ >"$0/cgroup.procs"; exec "$@"' "$GROUP" "$@"
}

limit_hits()
{
	if [ -e "$GROUP/memory.failcnt" ]; then
		cat "$GROUP/memory.failcnt"
	else
		sed -n 's/^max //p' "$GROUP/memory.events"
	fi
}

# victim FILTER: of the only one; its stacks' frames by name.
victim()
{
	jq -r ".frames as \$table | .ooms[0] | .stacks[].frames |= map(\$table[.].function) | $1" "$REPORT"
}

# stacks LAYER FUNCTION KEY: the sum of a key over the victim's stacks with that function.
stacks()
{
	victim "[.stacks[] | select(.layer == \"$1\" and any(.frames[]; . == \"$2\")) | .$3] | add // 0"
}

# within PERCENT GOT WANTED WHAT
within()
{
	local off=$(($2 > $3 ? $2 - $3 : $3 - $2))

	[ $((off * 100)) -le $(($1 * $3)) ] || die "$4: got $2, should be $3 within $1 %"
}

# failures LAYER FUNCTION KEY: the sum over the failures from that function.
failures()
{
	jq -r ".frames as \$table | [.failures[] | select(.layer == \"$1\" and
		any(.frames[]; \$table[.].function == \"$2\")) | .$3] | add // 0" "$REPORT"
}

@test "a leak in a group of 64 MiB: who was killed, what it held, by stack" {
	limited
	trace -- "$BASH" -c 'echo $$ >"$0/cgroup.procs"; exec "$@"' "$GROUP" "$T/leak" kill 50000
	equal "$status" 137 "exit status"
	equal "$(jq '.ooms | length' "$REPORT")" 1 "victims"
	equal "$(victim .comm)" leak "its name"
	within 1 "$(stacks heap leak_block held_bytes)" "$(value leaked)" "leaked bytes"
	equal "$(stacks heap hold_base held_bytes)" "$(value base)" "bytes held from the start"
	equal "$(victim '[.stacks[] | select(.layer == "heap") | .held_bytes] | add')" \
		"$(victim .held_bytes.heap)" "sum of the stacks"
	within 3 "$(stacks rss leak_block held_bytes)" "$(value leaked)" "touched bytes"
	within 3 "$(victim .anon_bytes)" "$LIMIT" "anonymous memory"
	equal "$(victim .limit_bytes)" "$LIMIT" "the limit"
	equal "$(victim .cgroup)" "/${GROUP##*/}" "the group"
	# all of it grew, unless the machine is so slow that it took more than the last 10 s
	if [ "$(jq '.ooms[0] as $v | .processes[] | select(.comm == "leak") |
		$v.at_s - .start_s <= $v.growth_s + 0.000001' "$REPORT")" = true ]; then
		equal "$(stacks heap leak_block growth_bytes)" "$(stacks heap leak_block held_bytes)" "growth"
	fi
	[ "$(stacks heap leak_block growth_bytes)" -gt 0 ] || die "nothing grew"
	equal "$(jq '.limits[0].hits' "$REPORT")" "$(limit_hits)" "hits of the limit"
	equal "$(jq '.limits[0].oom_kills' "$REPORT")" 1 "kills in the group"
	equal "$(jq '[.lost[]] | add' "$REPORT")" 0 "losses"
	grep -q "^Killed by the OOM killer: leak (pid $(victim .pid))" "$TMP/err"
	grep -q "MiB *malloc < leak_block < main" "$TMP/err"
	grep -q "/${GROUP##*/} hit its limit of 64.0 MiB $(limit_hits | sed ':a;s/\B[0-9]\{3\}\>/,&/;ta') times" "$TMP/err"
}

@test "a process that already runs: what it leaked since, and the live table says that it was killed" {
	limited
	mkfifo "$TMP/bytes"
	in_group "$T/leak" kill 50000 wait <"$TMP/bytes" >/dev/null 3>&- &
	TARGET=$!
	exec 4>"$TMP/bytes"
	wait_line "base=8388608" "$LEDGER/leak.$TARGET"
	launch -i 0.1 -p "$TARGET"
	wait_tracing "$TARGET"
	printf x >&4
	finish "$TARGET"
	equal "$status" 137 "exit status of the target"
	finish "$TRACER"
	equal "$status" 0 "exit status"
	within 1 "$(stacks heap leak_block held_bytes)" "$(value leaked)" "leaked bytes"
	equal "$(stacks heap hold_base held_bytes)" 0 "bytes from before tracing"
	[ "$(victim '.growth_s <= .at_s and .growth_s > 0')" = true ] || die "growth since $(victim .growth_s) s"
	grep -q "Killed by the OOM killer: leak (pid $TARGET)" "$TMP/out"
}

@test "calls that are not given memory, by stack; others that fail are not told" {
	trace -- "$T/leak" calls 30
	equal "$status" 0 "exit status"
	equal "$(failures heap fail_malloc count)" 30 "malloc"
	equal "$(failures heap fail_malloc bytes)" "$((30 << 50))" "bytes asked of malloc"
	equal "$(failures heap fail_calloc count)" 30 "calloc"
	equal "$(failures heap fail_calloc bytes)" "$(jq -n "$((1 << 60))")" "a product that overflows: as much as is counted"
	equal "$(failures vm fail_mmap count)" 30 "mmap"
	equal "$(failures vm fail_mmap bytes)" "$((30 << 50))" "bytes asked of mmap"
	equal "$(failures vm fail_mremap count)" 30 "mremap"
	equal "$(failures vm fail_brk count)" 30 "brk"
	equal "$(failures vm fail_otherwise count)" 0 "EBADF"
	equal "$(jq '.processes[] | .layers.heap.failed' "$REPORT")" 60 "in the process's totals"
	equal "$(jq '.ooms | length' "$REPORT")" 0 "victims"
	grep -q "^Calls that were not given memory" "$TMP/err"
	grep -q "30 × 1.00 PiB *malloc < fail_malloc < " "$TMP/err"
}

@test "an operator new that throws: by whoever threw" {
	trace -- "$T/cxx" throw
	equal "$(failures heap throw_one count)" 50 "the library's, over malloc"
	for library in libjemalloc.so.2 libtcmalloc_minimal.so.4; do
		trace -- env LD_PRELOAD=$library "$T/cxx" throw
		[ "$(failures heap throw_one count)" -ge 50 ] || die "$library: $(failures heap throw_one count)"
	done
}

@test "more failing stacks than are kept: counted" {
	trace --layers heap -- "$T/leak" stacks 9000
	equal "$status" 0 "exit status"
	equal "$(jq '.processes[] | .layers.heap.failed' "$REPORT")" 9000 "failed calls"
	equal "$(jq '.lost.failures_full' "$REPORT")" $((9000 - 8192)) "losses"
	equal "$(failures heap fail_malloc count)" 8192 "calls with a stack"
}

@test "the whole system: who was killed, how large, in which group" {
	limited
	"$MEMSNOOP" -v -i 0.2 -o "$REPORT" >"$TMP/out" 2>"$TMP/err" </dev/null 3>&- &
	TRACER=$!
	wait_line "watching the whole system" "$TMP/err"
	in_group "$T/leak" kill 50000 >/dev/null 3>&- &
	TARGET=$!
	finish "$TARGET"
	equal "$status" 137 "exit status of the target"
	wait_line "killed by the OOM killer: leak (pid $TARGET)" "$TMP/out"
	kill -INT "$TRACER"
	finish "$TRACER"
	equal "$status" 0 "exit status"
	jq ".ooms |= map(select(.pid == $TARGET))" "$REPORT" >"$TMP/mine"
	mv "$TMP/mine" "$REPORT"
	equal "$(jq '.ooms | length' "$REPORT")" 1 "kills"
	equal "$(jq -r '.ooms[0].comm' "$REPORT")" leak "its name"
	within 2 "$(jq '.ooms[0].anon_bytes' "$REPORT")" "$(($(value leaked) + $(value base)))" "anonymous memory"
	equal "$(jq '.ooms[0] | .rss_bytes - .anon_bytes - .file_bytes - .shmem_bytes' "$REPORT")" 0 "sum of RSS"
	equal "$(jq -r '.ooms[0].cgroup' "$REPORT")" "/${GROUP##*/}" "the group"
	equal "$(jq '.ooms[0].limit_bytes' "$REPORT")" "$LIMIT" "the limit"
	equal "$(jq '.lost.ooms' "$REPORT")" 0 "losses"
}
