# shellcheck shell=bash
# Traces a build of the chain target and compares each stack with what the program says.

C=$T/chain

# chains BUILD [SCENARIO...] -- OPTION...: traces that build; its records in $TMP/out.
chains()
{
	local build=$1 scenarios=() options=()

	shift
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		scenarios+=("$1")
		shift
	done
	options=("${@:2}")
	CHAIN_GONE="$C/$build/libgone.so" trace -q --layers heap --call-sites -- "$C/$build/chain" "${scenarios[@]:-all}"
	# shellcheck disable=SC2154  # set by trace() and finish()
	equal "$status" 0 "exit status" || return 1
	compare "${options[@]}"
}

compare()
{
	"$PYTHON" "$REPO/tests/e2e/chains.py" "$REPORT" "$TMP/out" "$@"
}
