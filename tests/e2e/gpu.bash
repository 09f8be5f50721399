# SPDX-License-Identifier: GPL-2.0
# What the tests of the gpu layer share.
# shellcheck disable=SC2154  # status: set by trace and finish

G=$T/gpu

# gpu OPTION... -- PROGRAM ARGS...: traced with the gpu layer, the doubles in place of drivers;
# those of $OTHER_DOUBLES before the others.
gpu()
{
	LD_LIBRARY_PATH=${OTHER_DOUBLES:+$OTHER_DOUBLES:}$G trace --layers gpu "$@"
	equal "$status" 0 "exit status"
}

# verify_gpu OPTION...: the report agrees with the ledger, to the byte (gpu.py).
verify_gpu()
{
	local ledgers=()

	mapfile -t ledgers < <(find "$LEDGER" -type f -size +0 ! -name '.*')
	"$PYTHON" "$REPO/tests/e2e/gpu.py" "$REPORT" "${ledgers[@]}" "$@"
}

# stacks FILTER: of the gpu layer.
stacks()
{
	query_layer gpu ".stacks | $1"
}

# waiting PROGRAM ARGS...: a GPU program that says `ready` and waits for a line on fd 4.
waiting()
{
	LD_LIBRARY_PATH=$G listening "$G/$1" "${@:2}"
}
