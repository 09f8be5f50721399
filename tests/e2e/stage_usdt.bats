#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# Stages of one's own between tracepoints (USDT) of the program, against its ledger.

load helper

STEP=step=usdt:moments:step_begin,moments:step_end
LATE=late=usdt:late:begin,late:end

# as_told NAME SKIP BYTES: each stage of that name is a step of the ledger, but for the first
# SKIP, which came before tracing, as did BYTES.
as_told()
{
	equal "$(jq --slurpfile ledger "$LEDGER/moments.json" --arg name "$1" --argjson skip "$2" \
		--argjson unseen "$3" '
		.began_s as $zero
		| [.stages[] | select(.name == $name)] as $seen
		| [$ledger[0][] | select(.name == $name)][$skip:] as $told
		| ($seen | length) == ($told | length) and ($told | length) > 0 and
		([range($told | length) as $i | $seen[$i] as $s | $told[$i] as $t
			| $t.entry[0] <= $s.start_s + $zero and $s.start_s + $zero <= $t.entry[1] and
			$t.exit[0] <= $s.end_s + $zero and $s.end_s + $zero <= $t.exit[1] and
			$s.entry_bytes == $t.entry_bytes - $unseen and
			$s.exit_bytes == $t.exit_bytes - $unseen and
			$s.peak_bytes == $t.exit_bytes - $unseen + 500000] | all)' "$REPORT")" \
		true "stages $1"
}

nothing_lost()
{
	equal "$status" 0 "exit status"
	equal "$(jq '[.lost[]] | add' "$REPORT")" 0 "losses"
}

@test "a program's tracepoints, and those of a library that it loads" {
	trace -q --layers tensor --stage "$STEP" --stage "$LATE" -- "$T/moments"
	nothing_lost
	as_told step 0 0
	as_told late 0 0
	equal "$(jq '[.notes[] | select(test("--stage"))] | length' "$REPORT")" 0 "remarks"
}

@test "one tracepoint ends a stage and begins another" {
	trace -q --layers tensor --stage "$STEP" --no-feature session --no-feature multi \
		--stage pause=usdt:moments:step_end,moments:step_begin -- "$T/moments"
	nothing_lost
	as_told step 0 0
	equal "$(jq '[.stages[] | select(.name == "step" or .name == "pause")] | sort_by(.start_s)
		| [.[].name] | join(" ")' "$REPORT")" '"step pause step pause step pause"' "order"
	equal "$(jq '[.stages[] | select(.name == "step" or .name == "pause")] | sort_by(.start_s)
		| [range(1; length) as $i | .[$i].start_s == .[$i - 1].end_s] | all' "$REPORT")" true \
		"one begins where the other ends"
}

@test "attached to, in the middle" {
	"$T/moments" wait </dev/null >/dev/null 3>&- 5>&- &
	TARGET=$!
	wait_file "$LEDGER/ready.$TARGET"
	launch -q --layers tensor --stage "$STEP" --stage "$LATE" -p "$TARGET"
	wait_tracing "$TARGET"
	touch "$LEDGER/go"
	finish "$TARGET"
	equal "$status" 0 "exit status of the target"
	finish "$TRACER"
	nothing_lost
	as_told step 1 10000
	as_told late 0 10000
}

@test "a tracepoint that no file has: it is said" {
	trace --layers tensor --stage "$STEP" --stage nothing=usdt:moments:step_begin,moments:gone \
		-- "$T/moments"
	equal "$status" 0 "exit status"
	as_told step 0 0
	grep -q -- "--stage nothing: no file that was loaded has the tracepoint moments:gone" \
		"$TMP/err" || die "not said: $(cat "$TMP/err")"
	equal "$(jq '[.notes[] | select(test("--stage"))] | length' "$REPORT")" 1 "remarks"
}

@test "what is no pair of tracepoints is refused" {
	local wrong

	for wrong in usdt: usdt:a usdt:a:b "usdt:a:b," usdt:a:b,c usdt:a:b,c:d:e usdt::b,a:c; do
		bare --stage "x=$wrong" -- true
		refused 2 "is not NAME=usdt:PROVIDER:BEGIN,PROVIDER:END"
	done
	bare --category x=usdt:a:b,a:c -- true
	refused 2 "tracepoints begin and end stages"
	bare --stage x=usdt:pytorch:malloc,a:c -- true
	refused 2 "pytorch:malloc is what memsnoop itself listens to"
}
