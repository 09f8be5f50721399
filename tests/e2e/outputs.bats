#!/usr/bin/env bats
# The files and texts that a run leaves.

load helper

# The sum of a folded file's values.
folded_sum()
{
	awk '{ sum += $NF } END { printf "%d\n", sum }' "$1"
}

@test "--json, -o: every key of the schema, sums that agree" {
	trace -- "$T/scripted" 1 2000 10
	equal "$status" 0 "exit status"
	verify --peak
	equal "$(query .tool)" "$("$MEMSNOOP" --version)" "tool"
	equal "$(query '.processes[0].comm')" scripted "comm"
	equal "$(query '.processes[0].rss_peak_bytes > 100000')" true "rss_peak_bytes"
}

@test ".folded: the values' sum is the peak" {
	trace -o "$TMP/x.folded" -- "$T/scripted" 1 2000 10
	equal "$(folded_sum "$TMP/x.folded")" "$(query '[.processes[].layers.heap.peak_bytes] | add')" \
		"sum of the folded stacks"
	grep -q '^scripted;.*main.*;step;ledger_malloc;malloc [0-9]*$' "$TMP/x.folded"
}

@test "--metric: live, alloc and count" {
	local metric key

	for metric in live:live_bytes alloc:alloc_bytes count:allocs; do
		key=${metric#*:}
		metric=${metric%:*}
		trace --metric "$metric" -o "$TMP/x.folded" -- "$T/scripted" 1 2000 10
		equal "$(folded_sum "$TMP/x.folded")" "$(query "[.processes[].layers.heap.$key] | add")" \
			"sum of the folded stacks, $metric"
	done
}

# self_contained FILE: XML that loads nothing from elsewhere.
self_contained()
{
	xmllint --noout --nonet "$1"
	if grep -Eo '(href|src)="[^"#][^"]*"|url\([^)#]|@import' "$1" | grep -v '="data:'; then
		die "$1 refers to something outside"
	fi
}

@test ".svg: a flame graph that stands alone" {
	trace -o "$TMP/x.svg" -- "$T/scripted" 1 2000 10
	self_contained "$TMP/x.svg"
	grep -q ledger_malloc "$TMP/x.svg"
	grep -q 'scripted' "$TMP/x.svg"
	grep -Eq '[0-9] ?(KiB|MiB)' "$TMP/x.svg"
}

@test "--plot: a timeline that stands alone, the peak marked" {
	trace --plot "$TMP/t.svg" -- "$T/lives" 300
	self_contained "$TMP/t.svg"
	grep -qi 'peak' "$TMP/t.svg"
	grep -q 'RSS' "$TMP/t.svg"
	grep -Eq '[0-9] ?MiB' "$TMP/t.svg"
}

@test "a command that lives 300 ms has 30 points" {
	trace -- "$T/lives" 300
	verify
	local points
	points=$(query '.timeline | length')
	[ "$points" -ge 30 ] || die "$points points"
	equal "$(query '[.timeline[].t_s] | . == sort')" true "points in order of time"
	equal "$(query '[.timeline[].rss_bytes] | max > 1000000')" true "RSS was seen"
	equal "$(query '([.timeline[].heap_bytes] | max) <= ([.processes[].layers.heap.peak_bytes] | max)')" \
		true "no point is above the peak"
}

@test "several -o in one run" {
	trace -o "$TMP/a.folded" -o "$TMP/a.svg" --plot "$TMP/b.svg" -- "$T/image"
	equal "$status" 0 "exit status"
	[ -s "$TMP/a.folded" ] && [ -s "$TMP/a.svg" ] && [ -s "$TMP/b.svg" ] && [ -s "$REPORT" ]
}

@test "the summary: on stderr with a command, with functions and totals" {
	trace -- "$T/scripted" 1 2000 10
	[ ! -s "$TMP/out" ] || die "stdout: $(cat "$TMP/out")"
	grep -q ledger_malloc "$TMP/err"
	grep -qi peak "$TMP/err"
}

@test "-q: nothing but what was asked for" {
	trace -q -- "$T/image"
	equal "$status" 0 "exit status"
	[ ! -s "$TMP/err" ] || die "stderr: $(cat "$TMP/err")"
	verify
}

@test "a hostile name reaches no terminal and no XML" {
	local name=$'evil\033[31m<&"\001name;\''

	cp "$T/image" "$TMP/$name"
	trace -o "$TMP/x.svg" -o "$TMP/x.folded" --plot "$TMP/t.svg" -- "$TMP/$name" $'an\nargument\033[2J\xff'
	equal "$status" 0 "exit status"
	verify
	self_contained "$TMP/x.svg"
	self_contained "$TMP/t.svg"
	if LC_ALL=C grep -n $'[\001-\010\013-\037]' "$TMP/err" "$TMP/x.svg" "$TMP/t.svg"; then
		die "a control character came through"
	fi
	# one line a stack, and nothing else
	equal "$(grep -vc ' [0-9]*$' "$TMP/x.folded")" 0 "folded lines without a value"
}
