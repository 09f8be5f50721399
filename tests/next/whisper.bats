#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# The real whisper.cpp, of Debian testing, on a small model of random weights: the same.

load ../e2e/helper
load ggml

# said WHAT: what whisper.cpp prints of its buffers, by size.
said()
{
	sed -n "s/^whisper_init_state: $1.* = *\\([0-9.]*\\) MB\$/\\1/p" "$TMP/err" | sort -n
}

# seen FILTER: sizes of what was seen, as it prints them.
seen()
{
	jq -r ".tensors[] | select($1) | .peak_bytes / 1e6" "$REPORT" | LC_ALL=C xargs -n 1 printf '%.2f\n' |
		sort -n
}

@test "whisper.cpp: weights, caches, compute buffers" {
	ggml_trace random_whisper.py LC_ALL=C whisper-bench -m /srv/model -t 2
	equal "$(at_peak cpu parameters)" "$(model weights)" "weights"
	equal "$(seen '.category == "KV cache"')" "$(said kv)" "caches"
	# with its own books of the graph, which lie on the heap and are as large for each
	paste <(seen '.category == "workspace" and .peak_bytes > 1e5') <(said "compute buffer") |
		awk '{ more = $2 - $1 } NR == 1 { first = more }
			more < first - 0.011 || more > first + 0.011 { exit 1 }
			END { exit NR != 4 }' || die "other compute buffers"
	# it decodes 256 tokens one by one
	stages_are_told 257
}
