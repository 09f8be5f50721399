#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# `memsnoop fit`: from trainings that differ in their batch size, the peak of another one.

load helper

bats_require_minimum_version 1.5.0

# measure BATCH: a training of ResNet-18; its report is $TMP/BATCH.json.
measure()
{
	"$MEMSNOOP" -q --layers tensor -o "$TMP/$1.json" -- "$PYTHON" \
		"$REPO/tests/targets/train.py" resnet18 momentum batch="$1" side=96
}

peak_of()
{
	jq '[.processes[].layers.tensor.peak_bytes] | max' "$TMP/$1.json"
}

# within GOT WANTED PERCENT
within()
{
	jq -n "($1 - $2) * 100 / $2 | fabs <= $3" | grep -q true || die "$1 is not near $2"
}

@test "a batch size that was held back, and the largest that fits" {
	local held

	measure 4
	measure 8
	measure 20
	held=$(peak_of 20)
	# The device is as large as the third run's peak, and a little.
	bare fit "$TMP/4.json" "$TMP/8.json" --device "$((held + held / 100))" --json
	equal "$status" 0 "exit status"
	within "$(jq .largest_batch "$TMP/out")" 20 8
	within "$(jq "[.stages[] | .fixed_bytes + 20 * .bytes_each] | max" "$TMP/out")" "$held" 3
	bare fit "$TMP/4.json" "$TMP/8.json" "$TMP/20.json" --device 8G
	equal "$status" 0 "exit status"
	grep -q "^largest batch that fits 8.00 GiB: [0-9]*, with a peak of .*, give or take" \
		"$TMP/out" || die "no answer: $(cat "$TMP/out")"
	grep -q "^  parameters  *44.6 MiB  *0 B" "$TMP/out"
	bare fit "$TMP/4.json" "$TMP/8.json" --device 10M
	grep -q "not even a batch of 1 fits 10.0 MiB" "$TMP/out"
	# The same size twice is no line; another size can be said.
	bare fit "$TMP/4.json" "$TMP/4.json"
	refused 2 "all runs have a batch of 4"
	bare fit "$TMP/4.json=5" "$TMP/4.json"
	equal "$status" 0 "exit status"
}

@test "what fit cannot read" {
	echo '{"schema":1,"processes":[]}' >"$TMP/none.json"
	echo 'no JSON' >"$TMP/broken.json"
	bare fit
	refused 2 "two reports or more"
	bare fit "$TMP/none.json" "$TMP/none.json"
	refused 2 "none.json: has no tensors"
	bare fit "$TMP/broken.json" "$TMP/none.json"
	refused 2 "broken.json: is no report"
	bare fit "$TMP/missing.json" "$TMP/none.json"
	refused 1 "missing.json: No such file"
	bare fit "$TMP/none.json=x" "$TMP/none.json"
	refused 2 "'x' is not a batch size"
	bare fit a b --device much
	refused 2 "'much' is not a size"
	bare --device 8G -- true
	refused 2 "there is no option '--device'"
}
