#!/usr/bin/env bats
# Ranges of NVTX become stages: a double of its library, and the real one.

load helper
load gpu.bash

WANTED=$(sort <<'EOT'
2 1 epoch 200000
2 1 prefetch 1000
12 3  0
6 2 batch 50000
2 2 update 200000
EOT
)

# nvtx OPTION... -- PROGRAM: traced, with nothing lost.
nvtx()
{
	trace -q --layers tensor "$@"
	equal "$status" 0 "exit status"
	equal "$(jq '[.lost[]] | add' "$REPORT")" 0 "losses"
}

# The ranges that were seen, a line for each kind: times, depth, name, peak.
ranges()
{
	jq -r '[.stages[] | select(.depth > 0)] | group_by([.depth, .name])[]
		| "\(length) \(.[0].depth) \(.[0].name) \([.[].peak_bytes] | max)"' "$REPORT" | sort
}

@test "ranges, one in another, of two threads, of names that nobody has read before" {
	export LD_LIBRARY_PATH=$G
	nvtx -- "$G/nvtx_calls"
	equal "$(ranges)" "$WANTED" "ranges"
	# each batch is inside of an epoch, each epoch ends after its update
	equal "$(jq '[.stages[] | select(.name == "epoch")] as $epochs | [.stages[]
		| select(.name == "batch" or .name == "update") | . as $one
		| any($epochs[]; .start_s <= $one.start_s and $one.end_s <= .end_s)] | all' \
		"$REPORT")" true "ranges are inside"
}

@test "a range that a stage of one's own is known by has its name" {
	export LD_LIBRARY_PATH=$G
	nvtx --stage 'work=^batch$' -- "$G/nvtx_calls"
	equal "$(ranges | grep -c "^6 2 work 50000")" 1 "stages of that name"
}

@test "the real library" {
	LD_LIBRARY_PATH=$("$REPO/scripts/gpu_libraries.sh")
	export LD_LIBRARY_PATH
	nvtx -- "$G/nvtx_calls"
	equal "$(ranges)" "$WANTED" "ranges"
}
