#!/usr/bin/env bats
# Libraries that come and go, other allocators, C++, --probe.

load helper

@test "dlopen: a library's calls keep their names after dlclose" {
	trace -- "$T/dl" plugin
	equal "$status" 0 "exit status"
	verify
	equal "$(query '[.stacks[] | select(.frames[-2].function == "plugin_take")
		| .frames[-2].module | endswith("/libplugin.so")] | all')" true "the module's name"
}

@test "dlopen and dlclose 20 times" {
	trace -- "$T/dl" again
	equal "$status" 0 "exit status"
	verify
}

@test "dlopen: an allocator that comes late is probed when it is mapped" {
	trace --probe 'libpool.so:pool_alloc kind=alloc size=arg1 ptr=ret' \
		--probe 'libpool.so:pool_free kind=free ptr=arg1' -- "$T/dl" pool
	equal "$status" 0 "exit status"
	verify
}

# ---- --probe ----------------------------------------------------------------------

@test "--probe: alloc, product, out-pointer, realloc, free, and one that calls malloc" {
	trace --probe 'custom:pool_alloc kind=alloc size=arg1 ptr=ret' \
		--probe 'custom:pool_product kind=alloc size=arg2*arg3 ptr=ret' \
		--probe 'custom:pool_out kind=alloc size=arg2 ptr=*arg1' \
		--probe 'custom:pool_nested kind=alloc size=arg1 ptr=ret' \
		--probe 'custom:pool_resize kind=realloc old=arg1 size=arg2 ptr=ret' \
		--probe 'custom:pool_free kind=free ptr=arg1' \
		--probe 'custom:pool_free_nested kind=free ptr=arg1' -- "$T/custom"
	equal "$status" 0 "exit status"
	verify
}

@test "--probe: any file" {
	trace --probe '*:pool_alloc kind=alloc size=arg1 ptr=ret' \
		--probe '*:pool_free kind=free ptr=arg1' -- "$T/dl" pool
	verify
}

# ---- other allocators ---------------------------------------------------------------

# preloaded LIBRARY: the same ledgers, with another allocator underneath.
preloaded()
{
	local library=$1
	local with=(env "LD_PRELOAD=$library")

	ldconfig -p | grep -q "$library" || die "$library is not installed: scripts/deps.sh test"
	trace -- "${with[@]}" "$T/functions"
	equal "$status" 0 "exit status"
	verify
	equal "$(query "[.stacks[] | select(.frames[-2].function == \"ledger_malloc\")
		| .frames[-1].module | contains(\"${library%%.so*}\")] | all")" true "the allocator's name"
	rm -f "$LEDGER"/*
	trace -- "${with[@]}" "$T/threads" 4 20000
	verify --unknown any
	rm -f "$LEDGER"/*
	trace -- "${with[@]}" "$T/scripted" 3 5000 9
	verify --peak
	rm -f "$LEDGER"/*
	trace -- "${with[@]}" "$T/cxx"
	equal "$status" 0 "exit status"
	verify
}

@test "jemalloc, preloaded" {
	preloaded libjemalloc.so.2
}

@test "tcmalloc, preloaded" {
	preloaded libtcmalloc_minimal.so.4
}

@test "mimalloc, preloaded" {
	preloaded libmimalloc.so.2
}

@test "C++: every operator new and delete" {
	trace -- "$T/cxx"
	equal "$status" 0 "exit status"
	verify
}

@test "C++: exceptions find their way while another memsnoop traces the same library" {
	LD_PRELOAD=libgcc_s.so.1:libstdc++.so.6 obedient
	launch --layers heap -p "$TARGET"
	wait_tracing "$TARGET"
	# shellcheck disable=SC2034  # what verify reads
	REPORT=$TMP/own.json
	trace -- "$T/cxx" throw
	equal "$status" 0 "exit status"
	kill -INT "$TRACER"
	finish "$TRACER"
	equal "$status" 0 "the other's exit status"
}

@test "C++: an operator new that throws, 50 times" {
	trace -- "$T/cxx" throw
	equal "$status" 0 "exit status"
	verify
}

# The operator is in the probed library itself, so it is a probed call that never returns.
@test "C++: jemalloc's operator new throws, 50 times" {
	trace -- env LD_PRELOAD=libjemalloc.so.2 "$T/cxx" throw
	equal "$status" 0 "exit status"
	verify --lost abandoned --lost abandoned_bytes
}

@test "C++: tcmalloc's operator new throws, 50 times" {
	trace -- env LD_PRELOAD=libtcmalloc_minimal.so.4 "$T/cxx" throw
	equal "$status" 0 "exit status"
	verify --lost abandoned --lost abandoned_bytes
}
