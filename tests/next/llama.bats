#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# The real llama.cpp, of Debian testing, on a small model of random weights: what memsnoop says of
# it is what the model's file holds, and what llama.cpp prints of its own buffers.

load ../e2e/helper
load ggml

readonly PROMPT=64 GENERATED=16 CELLS=256 # llama.cpp rounds a context up to that

# bench SETTING ARGS...
bench()
{
	ggml_trace random_gguf.py "$1" llama-bench -v -m /srv/model -r 1 -t 2 -p "$PROMPT" \
		-n "$GENERATED" "${@:2}"
	# one for the prompt, one for each token, besides those that it warms up with
	stages_are_told $((GENERATED + 1))
}

# mib BYTES: as llama.cpp prints them.
mib()
{
	LC_ALL=C printf '%.2f' "$(jq -n "$1 / 1048576")"
}

# on_the_host MODE: how weights are loaded.
on_the_host()
{
	bench LC_ALL=C -lm "$1"
	equal "$(at_peak cpu parameters)" "$(model weights)" "weights"
	equal "$(at_peak cpu "KV cache")" $(($(model token_cache) * CELLS)) "cache"
	grep -q "CPU.* model buffer size = *$(mib "$(model weights)") MiB" "$TMP/err" ||
		die "llama.cpp has other weights"
	grep -q "CPU compute buffer size = *$(mib "$(jq '[.tensors[] |
		select(.category == "workspace") | .peak_bytes] | max' "$REPORT")") MiB" "$TMP/err" ||
		die "llama.cpp has another compute buffer"
}

@test "llama.cpp: weights that are read" {
	on_the_host none
}

@test "llama.cpp: weights that are mapped" {
	on_the_host mmap
}

# Mesa's Vulkan for processors, which llama.cpp takes when told to.
@test "llama.cpp: on a device" {
	bench GGML_VK_VISIBLE_DEVICES=0 -lm none -ngl 99
	equal "$(at_peak vulkan parameters)" $(($(model weights) - $(model tokens))) "weights there"
	equal "$(at_peak cpu parameters)" "$(model tokens)" "weights on the host"
	equal "$(at_peak vulkan "KV cache")" $(($(model token_cache) * CELLS)) "cache"
	equal "$(at_peak cpu "KV cache")" 0 "no cache on the host"
}
