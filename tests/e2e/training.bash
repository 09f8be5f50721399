# shellcheck shell=bash
# What the tests of trainings share: a training of tests/targets/train.py, traced from its start
# or attached to, against its ledger; on Debian 12's PyTorch, and on that of a later Debian's root.

# judge [OPTION...]: see tensors.py.
judge()
{
	"$PYTHON" "$REPO/tests/e2e/tensors.py" "$REPORT" "$LEDGER/train.json" "$@"
}

# train ARGS...: under memsnoop, the tensor layer alone, on Debian 12's PyTorch.
train()
{
	trace -q --layers tensor -- "$PYTHON" "$REPO/tests/targets/train.py" "$@"
	# shellcheck disable=SC2154  # set by trace() and finish()
	equal "$status" 0 "exit status"
}

# train_13 ARGS...: the same on Debian 13's.
train_13()
{
	local root

	root=$(debian_root)
	# what is mounted is gone with the namespace
	trace -q --layers tensor -- unshare --mount --uts --ipc --pid --fork \
		--mount-proc="$root/proc" sh -c '
		mount --bind "$1" "$2/mnt" && mount --bind "$3" "$2/srv" && shift 1 && root=$1 &&
		shift 2 && exec env LEDGER=/srv chroot "$root" /usr/bin/python3 /mnt/train.py "$@"' \
		- "$REPO/tests/targets" "$root" "$LEDGER" "$@"
	equal "$status" 0 "exit status"
}

# Of a process that knows itself by another number: the one that has tensors.
judge_13()
{
	judge --pid "$(jq -r '[.processes[] | select(.layers.tensor.allocs > 0) | .pid][0]' \
		"$REPORT")" "$@"
}

# both NAME ARGS... [-- OPTION...]: on both.
both()
{
	local arguments=() options=()

	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		arguments+=("$1")
		shift
	done
	[ $# -eq 0 ] || options=("${@:2}")
	train "${arguments[@]}"
	judge "${options[@]}"
	train_13 "${arguments[@]}"
	judge_13 "${options[@]}"
}

# ---- attaching -----------------------------------------------------------------------

# late ARGS...: attached between the first step and the others, of which there are as many as
# memsnoop needs.
late()
{
	"$PYTHON" "$REPO/tests/targets/train.py" "$@" wait on </dev/null >/dev/null 3>&- 5>&- &
	TARGET=$!
	wait_file "$LEDGER/ready.$TARGET"
	late_from_here
}

late_13()
{
	local root

	root=$(debian_root)
	unshare --mount sh -c '
		mount --bind "$1" "$2/mnt" && mount --bind "$3" "$2/srv" && shift 1 && root=$1 &&
		shift 2 && exec env LEDGER=/srv chroot "$root" /usr/bin/python3 /mnt/train.py "$@"' \
		- "$REPO/tests/targets" "$root" "$LEDGER" "$@" wait on </dev/null >/dev/null 3>&- 5>&- &
	TARGET=$!
	wait_file "$LEDGER/ready.$TARGET"
	late_from_here
}

late_from_here()
{
	launch -q --layers tensor -p "$TARGET"
	wait_tracing "$TARGET"
	touch "$LEDGER/go"
	wait_line "what steps of optimizers change is known" "$TMP/err"
	touch "$LEDGER/enough"
	wait_line end "$LEDGER/ready.$TARGET"
	kill -INT "$TRACER"
	finish "$TRACER"
	equal "$status" 0 "exit status of memsnoop"
	touch "$LEDGER/end"
	finish "$TARGET"
	equal "$status" 0 "exit status of the target"
}
