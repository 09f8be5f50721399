#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# What has come since PyTorch 2.6, and what needs a Python that it is made for.

load ../e2e/helper
load ../e2e/training

bats_require_minimum_version 1.5.0

@test "Muon, Adafactor: their state" {
	train_13 mlp Muon+Adafactor
	judge_13
}

@test "Muon, Adafactor: their state, attached to" {
	late_13 mlp Muon+Adafactor
	judge --late
}

@test "torch.compile(): what a compiled model has, by the same rules" {
	local root

	root=$(debian_root)
	trace -q --layers tensor -- unshare --mount --pid --fork --mount-proc="$root/proc" sh -c '
		mount --bind "$1" "$3/mnt" && mount --bind "$2" "$3/srv" &&
		exec chroot "$3" /usr/bin/python3 /mnt/compiled.py /srv/compiled.json' \
		- "$REPO/tests/next" "$LEDGER" "$root"
	equal "$status" 0 "exit status"
	for name in parameters gradients "optimizer state" buffers; do
		equal "$(jq --arg name "$name" '[.categories[] | select(.name == $name) | .bytes_at_end] | add' \
			"$REPORT")" "$(jq --arg name "$name" '.[$name]' "$LEDGER/compiled.json")" "$name"
	done
	equal "$(jq '[.stages[] | select(.name == "optimizer step")] | length' "$REPORT")" \
		"$(jq .steps "$LEDGER/compiled.json")" "steps"
	# compiling goes through both passes once, besides
	[ "$(jq '[.stages[] | select(.name == "backward")] | length' "$REPORT")" -ge \
		"$(jq .steps "$LEDGER/compiled.json")" ] || die "backward passes are missing"
	equal "$(jq '[.lost | to_entries[] | select(.key != "stacks_truncated") | .value] | add' "$REPORT")" \
		0 "losses"
}
