#!/usr/bin/env bats
# Python frames are what Python says they are: chain.py writes down its own call chains,
# compared with the report frame by frame (chains.py).

load helper

PROGRAM=$REPO/tests/targets/chain.py

# python INTERPRETER [SCENARIO...] -- OPTION...
python()
{
	local interpreter=$1 scenarios=()

	shift
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		scenarios+=("$1")
		shift
	done
	trace -q --call-sites -- "$interpreter" "$PROGRAM" "${scenarios[@]}"
	equal "$status" 0 "exit status" || return 1
	compare "${@:2}"
}

# Importing makes stacks of its own: deep ones, and of code that is used once.
compare()
{
	"$PYTHON" "$BATS_TEST_DIRNAME/chains.py" "$REPORT" "$TMP/out" --lost stacks_truncated \
		--lost codes_gone "$@"
}

@test "Debian's Python" {
	python "$PYTHON"
}

@test "deeper than the limit: the innermost calls" {
	python "$PYTHON" deep
}

@test "--native-python keeps the interpreter's own frames" {
	trace -q --call-sites --native-python -- "$PYTHON" "$PROGRAM" nested methods through_c
	equal "$status" 0 "exit status"
	compare --native-python
}

@test "a thread without Python frames says which Python call started it" {
	trace -q -- "$PYTHON" tests/targets/started.py
	equal "$status" 0 "exit status"
	equal "$(query '.stacks[] | select(.alloc_bytes == 54321) | [.frames[].function] |
		.[index("<module>"):] | join(" ")')" \
		"<module> outer start [started this thread] clone3 start_thread malloc" "frames"
}

@test "numpy and torch, in a process that already runs" {
	mkfifo "$TMP/go"
	"$PYTHON" "$PROGRAM" libraries <"$TMP/go" >"$TMP/records" 2>"$TMP/said" 3>&- &
	TARGET=$!
	exec 4>"$TMP/go"
	wait_line ready "$TMP/said"
	launch -q --call-sites -p "$TARGET"
	wait_tracing "$TARGET"
	echo go >&4
	exec 4>&-
	finish "$TARGET"
	equal "$status" 0 "exit status of the target"
	finish "$TRACER"
	equal "$status" 0 "exit status of memsnoop"
	cp "$TMP/records" "$TMP/out"
	compare
}

# ---- other Pythons -----------------------------------------------------------------

# Debian 13's, in a root of its own, as in a container.
@test "Debian 13's Python in a container" {
	local root

	root=$(debian_root)
	# what is mounted is gone with the namespace
	trace -q --call-sites -- unshare --mount --uts --ipc --pid --fork --mount-proc="$root/proc" sh -c '
		mount --bind "$1" "$2/mnt" && exec chroot "$2" /usr/bin/python3 /mnt/chain.py' \
		- "$REPO/tests/targets" "$root"
	equal "$status" 0 "exit status"
	compare --any-pid
}

# Others count where there are some.
others()
{
	local found=0

	for interpreter in "$HOME"/.pyenv/versions/"$1".*/bin/python3; do
		[ -x "$interpreter" ] || continue
		python "$interpreter"
		found=1
	done
	if [ $found = 0 ]; then
		echo "# no Python $1 in ~/.pyenv here: nothing to trace" >&3
	fi
}

@test "Python 3.9" {
	others 3.9
}

@test "Python 3.10" {
	others 3.10
}

@test "Python 3.11" {
	others 3.11
}

@test "Python 3.12" {
	others 3.12
}

@test "Python 3.13" {
	others 3.13
}

@test "Python 3.14" {
	others 3.14
}
