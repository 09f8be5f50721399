#!/usr/bin/env bats
# memsnoop without a target: the whole system.  The truth comes from /proc, from the files
# of control groups, and from a target that counts the processes it makes.

load helper

# Where memory is counted here, and what its files are called: version 1 or 2.
if [ -e /sys/fs/cgroup/memory/memory.limit_in_bytes ]; then
	VERSION=1
	HIERARCHY=/sys/fs/cgroup/memory
	USAGE=memory.usage_in_bytes
	LIMIT=memory.limit_in_bytes
	PEAK=memory.max_usage_in_bytes
else
	VERSION=2
	HIERARCHY=/sys/fs/cgroup
	USAGE=memory.current
	LIMIT=memory.max
	PEAK=memory.peak
fi

# What is made outside $TMP goes away also when a test fails.
GROUP=$HIERARCHY/memsnoop-test.$$
SWAP=/var/tmp/memsnoop-test-swap.$$

teardown()
{
	local pid

	if [ -n "${SERVER:-}" ]; then
		tmux -L "$SERVER" kill-server 2>/dev/null || true
	fi
	for pid in $(jobs -rp); do
		kill -KILL "$pid" 2>/dev/null || true
	done
	wait 2>/dev/null || true
	if [ -e "$SWAP" ]; then
		swapoff "$SWAP" 2>/dev/null || true
		rm -f "$SWAP"
	fi
	if [ -d "$GROUP" ]; then
		wait_until "the control group to be empty" \
			find "$GROUP" -depth -type d -exec rmdir {} + 2>/dev/null
	fi
}

# watch OPTION...: memsnoop over the whole system in the background, looking already.
watch()
{
	"$MEMSNOOP" -v -i 0.2 --sort rss --top 2000 -o "$REPORT" "$@" \
		>"$TMP/out" 2>"$TMP/err" </dev/null 3>&- &
	TRACER=$!
	wait_line "watching the whole system" "$TMP/err"
}

# over: the watch is ended as by Ctrl-C.
over()
{
	kill -INT "$TRACER"
	finish "$TRACER"
	equal "$status" 0 "exit status"
}

# seen PID: until a table has shown it.
seen()
{
	wait_line "^ *$1  " "$TMP/out"
}

# resident ARGS...: the target, its words on descriptor 4.
resident()
{
	head -c 5M /dev/zero >"$TMP/file"
	mkfifo "$TMP/words"
	"$T/resident" "$@" <"$TMP/words" >/dev/null 3>&- &
	TARGET=$!
	exec 4>"$TMP/words"
	wait_file "$LEDGER/ready.$TARGET"
}

# forks ARGS...: the target, to its end, under a name that no other process has.
NAME=forks.$$
forks()
{
	cp "$T/forks" "$TMP/$NAME"
	"$TMP/$NAME" "$@" 3>&-
}

report()
{
	jq -r "$1" "$REPORT"
}

# short NAME FIELD: the sum over groups of short-lived processes of that name.
short()
{
	report "[.short_lived[] | select(.comm == \"$1\") | .$2] | add // 0"
}

# Processes of that name that were listed, for they lived longer than a refresh.
listed()
{
	report "[.processes[] | select(.comm == \"$1\" and .exited)] | length"
}

no_losses()
{
	equal "$(report '.lost | add')" 0 "losses ($(report '.lost | tostring'))"
}

own_rss()
{
	awk '/^VmRSS:/ { print $2 }' "/proc/$TRACER/status"
}

# ---- processes -------------------------------------------------------------------

@test "every process of the machine agrees with its /proc/PID/status" {
	resident 20 "$TMP/file" 7
	"$PYTHON" "$BATS_TEST_DIRNAME/system_status.py" "$MEMSNOOP" "$TARGET"
}

@test "a process's kinds of memory are what it touched" {
	resident 20 "$TMP/file" 7
	status=0
	"$MEMSNOOP" --json -d 0.001 >"$REPORT" 2>"$TMP/err" || status=$?
	equal "$status" 0 "exit status"
	report ".processes[] | select(.pid == $TARGET)" >"$TMP/one"
	# a file in memory is shared memory
	local shared=7
	[ "$(stat -f -c %T "$TMP/file")" != tmpfs ] || shared=12
	# what its threads and the C library have besides is less than 2 MiB
	jq -e '.anon_bytes >= 20 * 1048576 and .anon_bytes < 22 * 1048576' "$TMP/one"
	# up to 6.1 a thread keeps back up to 64 pages
	local back=0
	[ "$(printf '6.2\n%s\n' "$(uname -r)" | sort -V | head -n 1)" = 6.2 ] || back=$((64 * 4096))
	jq -e "($shared * 1048576 - .shmem_bytes) | (. >= 0 and . <= $back)" "$TMP/one"
	jq -e ".file_bytes >= (12 - $shared) * 1048576 - $back" "$TMP/one"
	jq -e '.rss_bytes == .anon_bytes + .file_bytes + .shmem_bytes' "$TMP/one"
	jq -e '.threads == 4 and .comm == "resident" and (.cmdline | endswith("/file 7"))' "$TMP/one"
	no_losses
}

@test "what is swapped out agrees with /proc/PID/status" {
	head -c 64M /dev/zero >"$SWAP"
	chmod 600 "$SWAP"
	mkswap "$SWAP" >/dev/null
	swapon "$SWAP"
	resident 20 "$TMP/file" 7 out
	"$PYTHON" "$BATS_TEST_DIRNAME/system_status.py" "$MEMSNOOP" "$TARGET"
	"$MEMSNOOP" --json -d 0.001 >"$REPORT"
	[ "$(report ".processes[] | select(.pid == $TARGET) | .swap_bytes")" -ge $((5 << 20)) ] ||
		die "next to nothing was swapped out"
	[ "$(report .system.swap_total_bytes)" -ge $((60 << 20)) ] || die "the machine has no swap"
}

@test "growth: bytes over the run, and a second" {
	resident 4 "$TMP/file" 1
	# it looks when it begins and when it ends, not between
	watch -i 1000
	tell 32
	wait_file "$LEDGER/grown.$TARGET"
	over
	report ".processes[] | select(.pid == $TARGET)" >"$TMP/one"
	jq -e '.growth_bytes >= 32 * 1048576 and .growth_bytes < 33 * 1048576' "$TMP/one"
	# the rates are those over the time between
	jq -e '.end_s * .growth_per_s >= .growth_bytes' "$TMP/one"
	# one fault a page, or a huge page
	jq -e '.end_s * .minor_per_s >= 16' "$TMP/one"
	no_losses
}

@test "a process that is born while we look has grown from nothing" {
	watch
	resident 24 "$TMP/file" 1
	over
	report ".processes[] | select(.pid == $TARGET)" >"$TMP/one"
	jq -e '.start_s > 0 and .growth_bytes == .rss_bytes and .growth_bytes > 24 * 1048576' "$TMP/one"
}

@test "a process whose first thread has ended is still there, and counted once" {
	"$T/resident" 30 /dev/null 0 leave </dev/null >/dev/null 3>&- &
	TARGET=$!
	wait_file "$LEDGER/ready.$TARGET"
	wait_until "the first thread's end" grep -q '^State:.*Z' "/proc/$TARGET/task/$TARGET/status"
	"$MEMSNOOP" --json -d 0.001 >"$REPORT"
	equal "$(report "[.processes[] | select(.pid == $TARGET)] | length")" 1 "processes of that pid"
	report ".processes[] | select(.pid == $TARGET)" >"$TMP/one"
	jq -e '.anon_bytes >= 30 * 1048576 and .comm == "resident"' "$TMP/one"
}

# ---- processes that end ------------------------------------------------------------

@test "processes of less than 5 ms, as many as the machine can make in 10 s: each is counted" {
	local early late

	watch -i 1
	sleep 2
	early=$(own_rss)
	forks 10s vfork
	late=$(own_rss)
	over
	equal $(($(short $NAME count) + $(listed $NAME) - 1)) "$(value forks)" "processes"
	no_losses
	echo "$(value forks) processes; memsnoop had $early KiB, then $late KiB"
	[ $((late - early)) -le 512 ] || die "memsnoop grew by $((late - early)) KiB"
}

@test "without tracefs the ends of processes are seen all the same" {
	unshare -m "$BASH" -c 'umount -a -t tracefs,debugfs; exec "$0" "$@"' \
		"$MEMSNOOP" -v -q -i 20 -o "$REPORT" >"$TMP/out" 2>"$TMP/err" </dev/null 3>&- &
	TRACER=$!
	wait_line "watching the whole system" "$TMP/err"
	grep -q 'as a BTF tracepoint' "$TMP/err"
	forks 200 vfork
	over
	# newer kernels pass some over, and count that
	[ $(($(short $NAME count) - 1 + $(report .lost.ends))) -ge "$(value forks)" ] ||
		die "$(short $NAME count) of $(value forks), $(report '.lost | tostring')"
	[ "$(report .lost.ends)" -gt 0 ] || equal $(($(short $NAME count) - 1)) "$(value forks)" "processes"
}

@test "short processes by fork: who started them, how they ended, how much they had" {
	# how long one lives depends on the machine; it must be less than this
	watch -i 20
	forks 200 fail pages 512
	over
	equal "$(report ".short_lived[] | select(.comm == \"$NAME\" and .parent == \"$NAME\") | .count")" \
		"$(value forks)" "processes"
	equal "$(short $NAME failed)" "$(value failed)" "with a status that is not 0"
	report ".short_lived[] | select(.comm == \"$NAME\" and .parent == \"$NAME\")" >"$TMP/one"
	jq -e '.peak_bytes >= 512 * 4096 and .peak_max_bytes >= .peak_bytes' "$TMP/one"
	# one fault a page, or a huge page
	jq -e '.minor_faults > .count' "$TMP/one"
	jq -e '.life_s > 0 and .life_s <= .life_max_s and .life_max_s < 20' "$TMP/one"
	no_losses
}

@test "a process that lives longer and ends is listed, with its status and its peak" {
	watch
	resident 16 "$TMP/file" 1
	seen "$TARGET"
	# longer than the time between two looks
	sleep 0.3
	kill -TERM "$TARGET"
	finish "$TARGET"
	over
	report ".processes[] | select(.pid == $TARGET)" >"$TMP/one"
	jq -e '.exited and .exit_code == 143 and .rss_peak_bytes >= 16 * 1048576' "$TMP/one"
	equal "$(short resident count)" 0 "short processes of that name"
}

@test "more ends than the ring buffer holds: what was lost and what was counted make the sum" {
	watch -i 1
	kill -STOP "$TRACER"
	forks 50000 vfork
	kill -CONT "$TRACER"
	over
	[ "$(report .lost.ends)" -gt 0 ] || die "nothing was lost"
	# the machine's other processes are among the lost
	local counted
	counted=$(($(short $NAME count) + $(listed $NAME)))
	[ "$counted" -le 50001 ] || die "$counted of 50000"
	[ $((counted + $(report .lost.ends))) -ge 50000 ] || die "$counted and $(report .lost.ends) lost, of 50000"
}

@test "more names than there is room for are one group, and counted" {
	watch -i 5
	forks 4400 vfork names
	over
	[ "$(report .lost.groups_full)" -ge 300 ] || die "lost: $(report '.lost | tostring')"
	equal "$(short '[others]' count)" "$(report .lost.groups_full)" "processes under no name"
	equal "$(report '.short_lived | length')" 4097 "names"
}

@test "ended processes beyond the list's length are counted" {
	local lost

	watch
	mkfifo "$TMP/words"
	cp "$T/forks" "$TMP/$NAME"
	"$TMP/$NAME" 1200 hold <"$TMP/words" 3>&- &
	TARGET=$!
	exec 4>"$TMP/words"
	wait_file "$LEDGER/held.$TARGET"
	wait_line "whole system: 1[2-9][0-9][0-9] processes" "$TMP/out"
	sleep 0.3
	tell go
	finish "$TARGET"
	over
	lost=$(report .lost.ended_unlisted)
	[ "$lost" -gt 0 ] || die "all were listed"
	[ $((lost + $(listed $NAME) + $(short $NAME count))) -ge 1200 ] || die "$lost were not listed"
	[ "$(report '[.processes[] | select(.exited)] | length')" -le 1024 ]
}

@test "a refresh that fails is counted, and the next one works" {
	local limit

	watch
	limit=$(find "/proc/$TRACER/fd" -type l | wc -l)
	prlimit --pid "$TRACER" --nofile="$((limit - 2)):1024"
	wait_line "a refresh failed" "$TMP/err"
	prlimit --pid "$TRACER" --nofile=1024:1024
	over
	[ "$(report .lost.refreshes)" -gt 0 ] || die "none failed"
	[ "$(report '.processes | length')" -gt 5 ] || die "nothing is known any more"
}

# ---- control groups ------------------------------------------------------------------

# make_group NAME LIMIT: a group with a limit, and one in it for processes.
make_group()
{
	mkdir "$GROUP"
	if [ $VERSION = 2 ]; then
		echo +memory >"$HIERARCHY/cgroup.subtree_control"
		echo +memory >"$GROUP/cgroup.subtree_control"
	fi
	mkdir "$GROUP/$1"
	echo "$2" >"$GROUP/$LIMIT"
}

# limit_hits, oom_kills: what the group's files say.
limit_hits()
{
	if [ $VERSION = 1 ]; then
		cat "$GROUP/memory.failcnt"
	else
		awk '$1 == "max" { print $2 }' "$GROUP/memory.events"
	fi
}

oom_kills()
{
	cat "$GROUP/memory.oom_control" "$GROUP/memory.events" 2>/dev/null |
		awk '$1 == "oom_kill" { print $2 }'
}

# in_group PATH PROGRAM ARGS... &: the program takes the place of this shell.
in_group()
{
	local path=$1

	shift
	exec "$BASH" -c 'echo $$ >"$0/cgroup.procs"; exec "$@"' "$path" "$@"
}

group()
{
	report ".containers[] | select(.path == \"$1\")"
}

# usage_agrees DIRECTORY...: each group's usage is what its file says.  That changes by
# itself: a processor hands back what it took beforehand, up to 64 pages; so several tries.
usage_agrees()
{
	local before after directory got tries=20

	while [ $((tries--)) -gt 0 ]; do
		before=$(cat "${@/%//$USAGE}")
		"$MEMSNOOP" --json -d 0.001 >"$REPORT"
		after=$(cat "${@/%//$USAGE}")
		got=$(for directory; do group "/${directory#"$HIERARCHY"/}" | jq .usage_bytes; done)
		[ "$before" != "$after" ] || break
	done
	equal "$before" "$after" "usage, which changes all the time" || return 1
	equal "$got" "$after" "usage"
}

@test "a memory control group agrees with its files, and its parent with its own" {
	local id path

	id=$(printf '%064d' 7)
	path=/${GROUP##*/}/libpod-$id.scope
	make_group "libpod-$id.scope" 256M
	head -c 5M /dev/zero >"$TMP/file"
	in_group "$GROUP/libpod-$id.scope" "$T/resident" 20 "$TMP/file" 7 </dev/null >/dev/null 3>&- &
	TARGET=$!
	wait_file "$LEDGER/ready.$TARGET"
	usage_agrees "$GROUP" "$GROUP/libpod-$id.scope"
	group "$path" >"$TMP/one"
	equal "$(jq .peak_bytes "$TMP/one")" "$(cat "$GROUP/libpod-$id.scope/$PEAK")" "peak"
	equal "$(jq .processes "$TMP/one")" 1 "processes"
	equal "$(jq -r .container "$TMP/one")" "$id" "container"
	equal "$(jq .version "$TMP/one")" $VERSION "version"
	equal "$(jq .limit_bytes "$TMP/one")" 0 "limit"
	equal "$(jq .rss_bytes "$TMP/one")" "$(report ".processes[] | select(.pid == $TARGET) | .rss_bytes")" "RSS"
	equal "$(report ".processes[] | select(.pid == $TARGET) | .cgroup")" "$path" "the process's group"
	equal "$(report ".processes[] | select(.pid == $TARGET) | .container")" "$id" "the process's container"
	group "/${GROUP##*/}" >"$TMP/one"
	equal "$(jq .limit_bytes "$TMP/one")" $((256 << 20)) "limit of the parent"
	equal "$(jq .processes "$TMP/one")" 1 "processes of the parent"
	no_losses
	kill "$TARGET"
	finish "$TARGET"
}

@test "a control group that reaches its limit, and what is killed in it" {
	make_group inner 24M
	watch
	in_group "$GROUP/inner" "$T/resident" 64 /dev/null 0 </dev/null >/dev/null 2>&1 3>&- &
	finish $!
	equal "$status" 137 "the target's status"
	# somebody must be in it for it to be shown
	in_group "$GROUP/inner" sleep 1000 3>&- &
	TARGET=$!
	wait_until "the process to be in it" grep -qx "$TARGET" "$GROUP/inner/cgroup.procs"
	over
	group "/${GROUP##*/}" >"$TMP/one"
	equal "$(jq .limit_hits "$TMP/one")" "$(limit_hits)" "limit hits"
	[ "$(jq .limit_hits "$TMP/one")" -gt 0 ]
	equal "$(jq .oom_kills "$TMP/one")" "$(oom_kills)" "OOM kills"
	kill "$TARGET"
	finish "$TARGET"
}

@test "growth of a control group is that of its usage" {
	make_group inner 256M
	mkfifo "$TMP/words"
	in_group "$GROUP/inner" "$T/resident" 4 /dev/null 0 <"$TMP/words" >/dev/null 3>&- &
	TARGET=$!
	exec 4>"$TMP/words"
	wait_file "$LEDGER/ready.$TARGET"
	watch -i 1000
	tell 32
	wait_file "$LEDGER/grown.$TARGET"
	over
	group "/${GROUP##*/}/inner" >"$TMP/one"
	# 32 MiB, their page tables, and what processors take beforehand
	jq -e '.growth_bytes >= 32 * 1048576 - 1e6 and .growth_bytes < 33 * 1048576 + 1e6' "$TMP/one"
	jq -e '.growth_per_s > 0' "$TMP/one"
	kill "$TARGET"
	finish "$TARGET"
}

@test "control groups whose file system is not there are counted" {
	make_group inner 256M
	in_group "$GROUP/inner" sleep 1000 3>&- &
	TARGET=$!
	wait_until "the process to be in it" grep -qx "$TARGET" "$GROUP/inner/cgroup.procs"
	unshare -m sh -c 'umount -l "$1" && exec "$0" --json -d 0.001' "$MEMSNOOP" "$HIERARCHY" >"$REPORT"
	[ "$(report .lost.cgroups_unnamed)" -gt 0 ] || die "none was counted"
	report ".processes[] | select(.pid == $TARGET) | .cgroup" | grep -q '^\[cgroup [0-9]*\]$'
	kill "$TARGET"
	finish "$TARGET"
}

# ---- the machine ------------------------------------------------------------------------

@test "the header is /proc/meminfo, and memory pressure" {
	cat >"$TMP/meminfo" <<-'EOF'
		MemTotal:       1000001 kB
		MemFree:         200002 kB
		MemAvailable:    300003 kB
		Buffers:          40004 kB
		Cached:          500005 kB
		SwapCached:          11 kB
		SwapTotal:       600006 kB
		SwapFree:        700007 kB
		AnonPages:        80008 kB
		Shmem:            90009 kB
		Slab:             10010 kB
		PageTables:       11011 kB
	EOF
	unshare -m sh -c 'mount --bind "$1" /proc/meminfo && exec "$0" --json -d 0.001' \
		"$MEMSNOOP" "$TMP/meminfo" >"$REPORT"
	equal "$(report '.system | [.total_bytes, .free_bytes, .available_bytes, .buffers_bytes, .cached_bytes,
		.swap_total_bytes, .swap_free_bytes, .anon_bytes, .shmem_bytes, .slab_bytes, .page_table_bytes]
		| map(. / 1024) | join(" ")')" \
		"1000001 200002 300003 40004 500005 600006 700007 80008 90009 10010 11011" "the header"
	"$MEMSNOOP" --json -d 0.001 >"$REPORT"
	equal "$(report .system.total_bytes)" $(($(awk '/^MemTotal:/ { print $2 }' /proc/meminfo) * 1024)) \
		"the machine's memory"
	if [ -r /proc/pressure/memory ] && grep -q some /proc/pressure/memory; then
		report .system.pressure.some.avg300 | grep -q '^[0-9.]*$'
	else
		equal "$(report .system.pressure)" null "memory pressure"
	fi
}

# ---- the table ----------------------------------------------------------------------------

# rows FILE: pid and the number of a column of the processes' table, in its order.
order_of()
{
	"$MEMSNOOP" -i 0.2 -d 0.5 --sort "$1" --top 1000 -o "$REPORT" >"$TMP/out"
	awk '$1 == "PID" { on = 1; next } !NF || /^ *and / || /short process/ { on = 0 } on { print $1 }' "$TMP/out" |
		awk 'seen[$1]++ { exit } { print }' >"$TMP/order"
}

@test "--sort: each order is that of the column" {
	local column

	resident 64 "$TMP/file" 1
	for column in rss mapped tables oom; do
		order_of "$column"
		[ "$(wc -l <"$TMP/order")" -gt 5 ] || die "$column: no rows"
		echo "$column: $(head -n 5 "$TMP/order" | paste -sd ' ')"
	done
	# the largest of the processes that stand still comes before the smaller ones
	order_of rss
	local big small
	big=$(grep -nx "$TARGET" "$TMP/order" | cut -d: -f1)
	sleep 1000 3>&- &
	small=$!
	order_of rss
	big=$(grep -nx "$TARGET" "$TMP/order" | cut -d: -f1)
	small=$(grep -nx "$small" "$TMP/order" | cut -d: -f1)
	[ "$big" -lt "$small" ] || die "64 MiB come after a sleep"
	grep -q '↓RSS' "$TMP/out"
}

@test "the plain table has every column, control groups, and how to look closer" {
	"$MEMSNOOP" -i 0.2 -d 0.5 --top 3 >"$TMP/out" 2>"$TMP/err"
	grep -Eq 'PID +COMMAND +RSS +↓GROWTH/s +MINOR/s +MAJOR/s +MAPPED +SWAP +TABLES +OOM +CONTAINER' "$TMP/out"
	grep -Eq '^memory [0-9.]+ [KMGT]iB: .* available' "$TMP/out"
	grep -Eq 'memsnoop -p [0-9]+' "$TMP/out"
	grep -Eq 'and [0-9]+ more process' "$TMP/out"
	grep -q '^memsnoop: the whole system' "$TMP/out"
	grep -q 'no losses' "$TMP/out"
	equal "$(wc -c <"$TMP/err")" 0 "bytes on stderr"
}

@test "the summary after Ctrl-C says what grew" {
	resident 4 "$TMP/file" 1
	"$MEMSNOOP" -v -i 0.2 >"$TMP/out" 2>"$TMP/err" </dev/null 3>&- &
	TRACER=$!
	wait_line "watching the whole system" "$TMP/err"
	tell 48
	wait_file "$LEDGER/grown.$TARGET"
	over
	sed -n '/^Processes that grew most/,/^$/p' "$TMP/out" >"$TMP/grown"
	grep -Eq "^ *\+48(\.[0-9]+)? MiB .* $TARGET  resident" "$TMP/grown"
}

@test "on a terminal: the table is drawn, keys sort it, q ends it" {
	SERVER=memsnoop-system-$$
	resident 64 "$TMP/file" 1
	tmux -L "$SERVER" -f /dev/null new-session -d -x 140 -y 30 "$MEMSNOOP -i 0.2 --top 3; exec sleep 1000" 3>&-
	wait_until "the table" screen_has '↓GROWTH/s'
	screen_has 'keys: q quit; sort by'
	tmux -L "$SERVER" send-keys r
	wait_until "the order by RSS" screen_has '↓RSS'
	tmux -L "$SERVER" send-keys o
	wait_until "the order by OOM score" screen_has '↓OOM'
	tmux -L "$SERVER" send-keys q
	wait_until "the summary" screen_has 'memsnoop: the whole system'
}

screen_has()
{
	tmux -L "$SERVER" capture-pane -p | grep -q -e "$1"
}

@test "a process's name cannot write to the terminal" {
	bash -c 'printf "a\033[31mb" >/proc/self/comm; sleep 1000 & wait' 3>&- &
	TARGET=$!
	wait_until "the name" grep -q 'a.\[31mb' "/proc/$TARGET/comm"
	"$MEMSNOOP" -i 0.2 -d 0.5 --sort rss --top 1000 >"$TMP/out"
	grep -q 'a\\x1b\[31mb' "$TMP/out"
	! grep -q "$(printf '\033')" "$TMP/out" || die "an escape sequence came through"
	pkill -P "$TARGET"
}

# ---- mistakes -------------------------------------------------------------------------------

@test "options that need a target are refused, in one line" {
	bare --probe 'libx.so:f kind=free ptr=arg1'
	refused 2 '--probe: say what to trace'
	bare --plot x.svg
	refused 2 '--plot: say what to trace'
	bare -o x.svg
	refused 2 '-o x.svg: say what to trace'
	bare --max-blocks 5
	refused 2 '--max-blocks: say what to trace'
	bare --sort size
	refused 2 "'size' is not one of rss, growth, minor, major, mapped, swap, tables, oom"
	bare --sort rss -p 1
	refused 2 '--sort'
	bare -o /nowhere/x.json
	refused 1 'cannot write /nowhere/x.json'
}

@test "not root: one line that says what is missing" {
	local program=$TMP/memsnoop

	cp "$MEMSNOOP" "$program"
	chmod 755 "$program"
	exec 5<"$program"
	status=0
	setpriv --reuid=65534 --regid=65534 --clear-groups /proc/self/fd/5 -d 0.1 \
		>"$TMP/out" 2>"$TMP/err" </dev/null || status=$?
	refused 1 'needs CAP_BPF'
}
