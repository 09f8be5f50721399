#!/usr/bin/env bats
# The gpu layer on doubles of CUDA's driver and runtime: every number is the program's own.

load helper
load gpu.bash

@test "CUDA's driver: every function, failures, refused frees, contexts that end, two devices" {
	gpu -- "$G/cuda_calls"
	verify_gpu
}

@test "CUDA: memory by handle, by references and mappings" {
	gpu -- "$G/cuda_mapped"
	verify_gpu
}

@test "the CUDA runtime: a call that ends in the driver counts once, its name is in the stack" {
	gpu -- "$G/cuda_runtime"
	verify_gpu
	equal "$(stacks '[.[] | select(any(.frames[]; .function == "cudaMalloc"))
		| .frames[-1].function] | unique | join(" ")')" cuMemAlloc_v2 "what cudaMalloc() ends in"
}

@test "the CUDA runtime, linked in" {
	gpu -- "$G/cuda_static"
	verify_gpu
}

@test "HIP: its calls end in HSA, and count there, once" {
	gpu -- "$G/hip_calls"
	verify_gpu
	equal "$(stacks '[.[] | select(any(.frames[]; .function == "hipMalloc"))
		| .frames[-1].function] | unique | join(" ")')" \
		hsa_amd_memory_pool_allocate "what hipMalloc() ends in"
}

@test "Level Zero: devices by number, memory by handle, images" {
	gpu -- "$G/ze_calls"
	verify_gpu
}

@test "OpenCL on PoCL, a real implementation: references, parts, images, SVM" {
	gpu -- "$G/opencl_calls"
	verify_gpu
	# what the implementation allocates for it is another layer
	equal "$(stacks '[.[].frames[-1].function | startswith("cl")] | all')" true "the calls"
}

@test "8 threads on two devices, blocks freed by others" {
	gpu -- "$G/cuda_calls" threads 8 4000
	verify_gpu --no-peak
	equal "$(query .lost.missed_frees)" 0 "addresses handed out again while they were freed"
}

@test "CUDA, attached in every way there is" {
	for refused in "" "--no-feature session" "--no-feature session --no-feature multi"; do
		rm -f "$LEDGER"/*
		# shellcheck disable=SC2086  # options, or none
		gpu $refused -- "$G/cuda_calls"
		verify_gpu
		rm -f "$LEDGER"/*
		# shellcheck disable=SC2086
		gpu $refused -- "$G/cuda_runtime"
		verify_gpu
	done
}

@test "a failed call has its stack and what was asked for" {
	gpu -- "$G/cuda_runtime"
	equal "$(jq -c '[.frames as $f | .failures[] | [.bytes, ([$f[.frames[]].function]
		| any(. == "cudaMalloc"))]]' "$REPORT")" \
		"[[1099511627776,true],[1099511627776,true]]" "failures"
	grep -q "2 calls returned no memory" "$TMP/err"
}

@test "with -p: what was there before is unknown; the device is asked for" {
	waiting cuda_calls attach asks
	launch --layers gpu -p "$TARGET"
	wait_tracing "$TARGET"
	goes_on
	finish "$TRACER"
	verify_gpu
	grep -q "device is not known" "$TMP/out" && die "a device is not known"
	equal "$(stacks '[.[].device] | unique | join(" ")')" cuda:1 "devices"
}

@test "with -p: a device that nobody asked for is said to be unknown" {
	waiting cuda_calls attach
	launch --layers gpu -p "$TARGET"
	wait_tracing "$TARGET"
	goes_on
	finish "$TRACER"
	verify_gpu
	grep -q "device is not known.*: 2" "$TMP/out"
}

@test "calls that were not told are counted" {
	waiting cuda_calls flood 20000
	launch --layers gpu -p "$TARGET"
	wait_tracing "$TARGET"
	# nobody reads the ring buffer now
	kill -STOP "$TRACER"
	goes_on
	kill -CONT "$TRACER"
	finish "$TRACER"
	[ "$(query .lost.gpu_events)" -gt 0 ] || die "no call was lost"
	# all that a pair of calls can be: an allocation, a free begun, a free
	local told
	told=$(query '.processes[0].layers.gpu | .allocs + 2 * (.frees + .unknown_frees)')
	[ $((told + $(query .lost.gpu_events))) -ge 60000 ] || die "$told calls were told"
}

@test "blocks that one call frees, more of them than can be told: counted" {
	gpu -- "$G/opencl_calls" list
	equal "$(query '.processes[-1].layers.gpu | [.allocs, .frees] | @csv')" 12,10 "blocks"
	equal "$(query .lost.gpu_unread)" 1 "calls that were not told whole"
	grep -q "GPU calls whose blocks or sizes could not be told" "$TMP/err"
}

@test "--probe: functions of one's own in the gpu layer" {
	# the programs' own interface to the driver, in place of the driver's
	gpu --probe 'libcuda.so.1:cuMemAddressReserve kind=alloc size=arg2 ptr=*arg1 layer=gpu' \
		--probe 'libcuda.so.1:cuMemAddressFree kind=free ptr=arg1 layer=gpu' \
		-- "$G/cuda_mapped"
	equal "$(query_layer gpu '.processes[-1].layers.gpu.devices[] | select(.device == "gpu")
		| [.allocs, .frees, .alloc_bytes] | @csv')" "5,1,335544320" "addresses reserved"
}

@test "--layers without gpu: no call of it is seen" {
	LD_LIBRARY_PATH=$G trace --layers heap -- "$G/cuda_calls"
	equal "$(stacks length)" 0 "stacks"
}

# ---- advice --------------------------------------------------------------------------

# advised: what is said of pinned memory, "" if nothing.
advised()
{
	jq -r '.insights[] | select(.kind == "pinned") | .text' "$REPORT"
}

@test "pinned memory: half of the machine's is said" {
	gpu -- "$G/cuda_pinned" half
	verify_gpu
	[[ "$(advised)" =~ ^.*' of host memory were pinned at most and 4.00 KiB are registered, 50 % of the machine'.*$ ]] ||
		die "said is: $(advised)"
	[[ "$(advised)" = *"most is from cuda_pinned.c:"*" (pin)"* ]] || die "not said by whom: $(advised)"
}

@test "pinned memory: a little is not said" {
	gpu -- "$G/cuda_pinned" little
	verify_gpu
	equal "$(advised)" "" "advice"
}

@test "pinned memory: a data loader's thread is named" {
	gpu -- "$G/cuda_pinned" loader
	verify_gpu
	[[ "$(advised)" = '256 MiB of host memory were pinned by the data loader'* ]] ||
		die "said is: $(advised)"
}
