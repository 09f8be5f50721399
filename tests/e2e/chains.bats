#!/usr/bin/env bats
# Stacks are what the program says they are: every build of the chain target, whose
# functions write down who called them, compared frame by frame (chains.py).

load helper
load chains

@test "the comparison finds what is wrong" {
	"$PYTHON" "$BATS_TEST_DIRNAME/chains_test.py"
}

# ---- builds ---------------------------------------------------------------------

@test "frame pointers everywhere" {
	chains pointers
}

@test "gcc -O0" {
	chains gcc-O0
}

@test "gcc -O2" {
	chains gcc-O2
}

@test "gcc -O3 -fomit-frame-pointer" {
	chains gcc-O3
}

@test "gcc -O2 -flto" {
	chains gcc-lto
}

@test "gcc -O2 -no-pie" {
	chains gcc-no-pie
}

@test "gcc -O2 -static" {
	chains gcc-static
}

@test "gcc -O2 -static-pie" {
	chains gcc-static-pie
}

@test "clang -O0" {
	chains clang-O0
}

@test "clang -O2" {
	chains clang-O2
}

@test "clang -O3 -fomit-frame-pointer" {
	chains clang-O3
}

@test "clang -O2 -flto" {
	chains clang-lto
}

@test "clang -O2 -static" {
	chains clang-static
}

@test "half of the functions with frame pointers, half without" {
	chains mixed
}

@test "half of the functions without rows: found by frame pointer" {
	chains half-rows
}

@test ".debug_frame only" {
	chains debug-frame
}

# musl itself has no rows, so the last frame is one of its own
@test "musl, dynamic: whole from main on" {
	chains musl -- --root no_rows,root
}

@test "musl, static: whole from main on" {
	chains musl-static -- --root no_rows,root
}

@test "stripped" {
	chains stripped -- --no-inlines --symbols "$C/stripped/chain=$C/gcc-O2/chain" \
		--symbols "$C/stripped/libchain.so=$C/gcc-O2/libchain.so" \
		--symbols "$C/stripped/libgone.so=$C/gcc-O2/libgone.so"
}

# ---- what is not the same in every build ---------------------------------------------

@test "deeper than the limit: the innermost 127 frames, counted" {
	for build in gcc-O2 pointers; do
		chains "$build" deep recursion
	done
}

@test "in the PLT, and at every place of the dynamic linker's resolver" {
	for build in gcc-O2 clang-O2; do
		chains "$build" signal_resolver
	done
}

@test "every frame of these builds has rows: none is found by frame pointer" {
	for build in gcc-O2 clang-O2; do
		chains "$build" -- --all-rows
	done
}

@test "a frame found by frame pointer is said to be, where rows are missing" {
	CHAIN_GONE="$C/half-rows/libgone.so" trace -q --call-sites -- "$C/half-rows/chain" plain mutual
	compare
	equal "$(query '[.stacks[] | select(any(.frames[]; .function == "half_plain"
		or .function == "half_pong")) | .by_pointer > 0] | unique | tostring')" \
		'[true]' "by_pointer"
}

# The functions in the middle of chains whose return addresses others change.
HIJACKED=(run recurse half_pong plain_middle compare half_pressure thread_alloc)

# hijacked COMMAND...: the chain target, traced by us while COMMAND has return probes on
# those functions; PID in it is the target.  Both are in before the target begins.
hijacked()
{
	mkfifo "$TMP/go"
	CHAIN_GONE="$C/gcc-O2/libgone.so" "$C/gcc-O2/chain" wait plain recursion mutual sorting \
		threads <"$TMP/go" >"$TMP/out.target" 2>"$TMP/said" 3>&- &
	TARGET=$!
	exec 4>"$TMP/go"
	wait_line ready "$TMP/said"
	"${@//PID/$TARGET}" >"$TMP/other" 2>&1 </dev/null 3>&- 4>&- &
	OTHER=$!
	wait_until "the other tracer's probes" are_probed
	kill -0 "$OTHER"
	launch --call-sites -p "$TARGET"
	wait_tracing "$TARGET"
	echo go >&4
	exec 4>&-
	finish "$TARGET"
	equal "$status" 0 "exit status of the target"
	finish "$TRACER"
	equal "$status" 0 "exit status of memsnoop"
	kill -INT "$OTHER" 2>/dev/null || true
	finish "$OTHER"
	# its constructor ran before it was traced
	sed '/"constructor"/d' "$TMP/out.target" >"$TMP/out"
	compare
}

# Every one of them has a breakpoint in the target's code, or the tracer is gone.
are_probed()
{
	if ! kill -0 "$OTHER" 2>/dev/null; then
		cat "$TMP/other"
		return 0
	fi
	is_changed "$TARGET" &&
		[ "$(grep -c "in $C/gcc-O2/chain$" "$TMP/text")" -ge ${#HIJACKED[@]} ]
}

@test "return addresses hijacked by another memsnoop" {
	local options=()
	for function in "${HIJACKED[@]}"; do
		options+=(--probe "chain:$function kind=alloc size=arg1 ptr=ret")
	done
	# sessions would leave nested calls alone
	hijacked "$MEMSNOOP" -q -o "$TMP/other.json" --no-feature session "${options[@]}" -p PID
}

@test "return addresses hijacked by bpftrace" {
	local program=''
	for function in "${HIJACKED[@]}"; do
		program+="uretprobe:$C/gcc-O2/chain:$function { @ = count(); } "
	done
	hijacked bpftrace -p PID -e "$program"
}

# ---- C++ and Rust -----------------------------------------------------------------------

@test "C++: exceptions, virtual calls, lambdas, std::function; g++ and clang++" {
	for build in gcc-O0 gcc-O2 clang-O2 gcc-static; do
		trace -q --call-sites -- "$C/$build/chain_cxx"
		equal "$status" 0 "exit status"
		compare
	done
}

# Debian's rustc is not among what the tests need: where there is one, it counts.
@test "Rust: closures, panics, threads, traits" {
	if [ ! -x "$C/rust/chain" ]; then
		echo "# no rustc here: nothing to trace" >&3
		return 0
	fi
	trace -q --call-sites -- "$C/rust/chain"
	equal "$status" 0 "exit status"
	compare
}
