#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# The real llama.cpp, of Debian testing, on a small model of random weights: what memsnoop says of
# it is what the model's file holds, and what llama.cpp prints of its own buffers.

load ../e2e/helper

readonly PROMPT=64 GENERATED=16 CELLS=256 # llama.cpp rounds a context up to that

# bench SETTING ARGS...: llama-bench in the root, traced; its report and its words.
bench()
{
	local root

	root=$(debian_root)
	cp "$REPO/tests/next/random_gguf.py" "$LEDGER/"
	# what is mounted is gone with the namespace
	unshare --mount sh -c 'mount --bind "$1" "$2/srv" && exec chroot "$2" /usr/bin/python3 \
		/srv/random_gguf.py /srv/model.gguf /srv/model.json' - "$LEDGER" "$root"
	trace -q --layers tensor -- unshare --mount --pid --fork --mount-proc="$root/proc" sh -c '
		mount --bind "$1" "$2/srv" && root=$2 && setting=$3 && shift 3 &&
		exec env "$setting" chroot "$root" llama-bench -v -m /srv/model.gguf -r 1 -t 2 "$@"' \
		- "$LEDGER" "$root" "$1" -p "$PROMPT" -n "$GENERATED" "${@:2}"
	equal "$status" 0 "exit status"
	rm "$LEDGER/model.gguf"
}

# at_peak DEVICE CATEGORY
at_peak()
{
	jq --arg device "$1" --arg name "$2" \
		'[.categories[] | select(.device == $device and .name == $name) | .bytes_at_peak] | add' \
		"$REPORT"
}

# model KEY: a number of the model's.
model()
{
	jq ".$1" "$LEDGER/model.json"
}

# mib BYTES: as llama.cpp prints them.
mib()
{
	LC_ALL=C printf '%.2f' "$(jq -n "$1 / 1048576")"
}

# Stages: a pass for the prompt, one for each token, and those that it warms up with.
stages_are_told()
{
	equal "$(jq -r '[.stages[].name] | unique | join(" ")' "$REPORT")" "context forward load" "stages"
	[ "$(jq '[.stages[] | select(.name == "forward")] | length' "$REPORT")" -gt "$GENERATED" ] ||
		die "forward passes are missing"
	equal "$(jq '[.lost[]] | add' "$REPORT")" 0 "losses"
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
	stages_are_told
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
	stages_are_told
}
