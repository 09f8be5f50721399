# shellcheck shell=bash
# What the tests of mapped and of resident memory share: comparing a report with ledgers.

# verify_space: the vm layer against the ledgers of target `space`.
verify_space()
{
	"$PYTHON" "$REPO/tests/e2e/space.py" "$REPORT" "$LEDGER"/space.* "$LEDGER"/child.*
}

# verify_rss [OPTION...]: the rss layer against the ledgers of target `touch`.
verify_rss()
{
	local ledgers=()

	mapfile -t ledgers < <(find "$LEDGER" -type f ! -name '.*' -size +0 | sort)
	"$PYTHON" "$REPO/tests/e2e/rss.py" "$@" "$REPORT" "${ledgers[@]}"
}

no_losses()
{
	equal "$(query '[.lost[]] | add')" 0 "losses"
}

# staying OPTION...: `touch hold` traced from its first instruction, until it is done, and
# its child; then memsnoop ends.
staying()
{
	launch "$@"
	wait_until "the target and its child" both_ready
	end_tracer
}

both_ready()
{
	[ "$(find "$LEDGER" -name 'ready.*' | wc -l)" -ge 2 ] || ! kill -0 "$TRACER" 2>/dev/null
}

end_tracer()
{
	kill -INT "$TRACER"
	finish "$TRACER"
	# shellcheck disable=SC2154  # set by trace() and finish()
	equal "$status" 0 "exit status"
}
