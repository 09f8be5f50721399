# shellcheck shell=bash
# Adds up what tests say in TAP.  To be sourced.
passed=0 failed=0 skipped=0

# tap_count NAME STATUS FILE: adds what is in the file, which ended with that status.  A program
# that dies half-way, or reports fewer tests than it announced, has failed once more.
tap_count()
{
	local ok not_ok skip planned

	# a skip is "ok" to bats and "not ok" to cmocka
	skip=$(grep -Eci '^(not )?ok [0-9]+.*# *skip' "$3" || true)
	ok=$(grep -Ei '^ok [0-9]+' "$3" | grep -Evic '# *skip' || true)
	not_ok=$(grep -Ei '^not ok [0-9]+' "$3" | grep -Evic '# *skip' || true)
	planned=$(sed -nE 's/^1\.\.([0-9]+).*/\1/p' "$3" | awk '{ sum += $1 } END { print sum + 0 }')
	if [ $((ok + skip + not_ok)) -ne "$planned" ] || [ "$planned" -eq 0 ] ||
		{ [ "$2" -ne 0 ] && [ "$not_ok" -eq 0 ]; }; then
		echo "$1: ended with status $2 after $((ok + skip + not_ok)) of $planned tests"
		not_ok=$((not_ok + 1))
	fi
	passed=$((passed + ok))
	failed=$((failed + not_ok))
	skipped=$((skipped + skip))
}

# tap_sum: the last line; false unless all went well, and something did.
tap_sum()
{
	if [ $skipped -gt 0 ]; then
		echo "$passed passed, $failed failed, $skipped skipped"
	else
		echo "$passed passed, $failed failed"
	fi
	[ $failed -eq 0 ] && [ $passed -gt 0 ]
}
