# shellcheck shell=bash
# What the tests of llama.cpp and whisper.cpp share: programs of ggml in a later Debian's root, on
# models of random weights.

# ggml_trace SCRIPT SETTING PROGRAM ARGS...: makes a model by a script of this directory, as /srv/model
# there, and runs the program on it, traced; `setting` is one of its environment.
ggml_trace()
{
	local root script=$1

	root=$(debian_root)
	cp "$BATS_TEST_DIRNAME/$script" "$LEDGER/"
	# what is mounted is gone with the namespace
	unshare --mount sh -c 'mount --bind "$1" "$2/srv" && exec chroot "$2" /usr/bin/python3 \
		"/srv/$3" /srv/model /srv/model.json' - "$LEDGER" "$root" "$script"
	trace -q --layers tensor -- unshare --mount --pid --fork --mount-proc="$root/proc" sh -c '
		mount --bind "$1" "$2/srv" && root=$2 && setting=$3 && shift 3 &&
		exec env "$setting" chroot "$root" "$@"' - "$LEDGER" "$root" "${@:2}"
	# shellcheck disable=SC2154  # set by trace()
	equal "$status" 0 "exit status"
	rm "$LEDGER/model"
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

# stages_are_told N: all there are, and N forward passes at least; nothing was lost.
stages_are_told()
{
	equal "$(jq -r '[.stages[].name] | unique | join(" ")' "$REPORT")" "context forward load" "stages"
	[ "$(jq '[.stages[] | select(.name == "forward")] | length' "$REPORT")" -ge "$1" ] ||
		die "forward passes are missing"
	equal "$(jq '[.lost[]] | add' "$REPORT")" 0 "losses"
}
