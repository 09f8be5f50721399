#!/usr/bin/env bats
# Real libraries of GPU vendors, on a machine without a GPU: their symbols, and calls that are refused.

load helper
load gpu.bash

setup_file()
{
	REAL=$("$BATS_TEST_DIRNAME/../../scripts/gpu_libraries.sh")
	NODE=/dev/nvidiactl
	[ ! -e "$NODE" ] || NODE=
	export REAL NODE
}

# What the real libraries make for want of a driver, when root calls them.
teardown_file()
{
	[ -z "$NODE" ] || rm -f "$NODE"
}

@test "each row of the probe table has its function in the real library" {
	GPU_LIBRARIES=$REAL CMOCKA_MESSAGE_OUTPUT=TAP \
		"$T/../tests/unit/gpu_libraries_test" 2>&1 | tee "$TMP/rows"
	equal "$(grep -c '^ok.*fetched' "$TMP/rows")" 7 "libraries"
	if grep -q '^not ok\|^ok.*fetched.*SKIP' "$TMP/rows"; then
		die "not all rows were looked up"
	fi
}

@test "PyTorch's real allocator of CUDA reports by the functions that have rows, and has the tracepoint" {
	local library=$REAL/libc10_cuda.so.2.6.0

	# read, never loaded: see gpu_libraries.sh
	[ ! -x "$library" ] || die "it may be executed"
	equal "$(nm -D --undefined-only "$library" | grep -c \
		'_ZN3c1027report\(MemoryUsage\|OutOfMemory\)ToProfilerE\(Pvl\|l\)mmNS_6DeviceE')" 2 "reports"
	equal "$(readelf -n "$library" | grep -A1 'Provider: pytorch' | grep -c 'Name: malloc')" 1 \
		"tracepoints of what was asked for"
}

@test "CUDA's real driver: calls that it refuses are failures, and no memory" {
	LD_LIBRARY_PATH=$REAL trace --layers gpu -- "$G/cuda_real"
	equal "$status" 0 "exit status"
	verify_gpu
	# without a device there is none of it
	if ! [ -e /proc/driver/nvidia ]; then
		equal "$(query .processes[-1].layers.gpu.live_bytes)" 0 "bytes"
		equal "$(query .processes[-1].layers.gpu.failed)" 9 "refused calls"
	fi
	# by name, and by the pointer that the driver's own linker gives
	equal "$(jq -r '.frames as $f | [.failures[] | select($f[.frames[-1]].function == "cuMemAlloc_v2")
		| .bytes] | sort | join(" ")' "$REPORT")" "3145728 5242880" "what was asked for"
}

@test "CUDA's real driver, attached in every way there is" {
	for refused in "--no-feature session" "--no-feature session --no-feature multi"; do
		rm -f "$LEDGER"/*
		# shellcheck disable=SC2086  # options
		LD_LIBRARY_PATH=$REAL trace --layers gpu $refused -- "$G/cuda_real"
		equal "$status" 0 "exit status"
		verify_gpu
	done
}

@test "the real NVML, where it has no driver to ask: said once" {
	[ ! -e /proc/driver/nvidia ] || skip "there is a driver"
	mkdir "$TMP/nvml"
	ln -s "$REAL/libnvidia-ml.so.1" "$TMP/nvml/"
	OTHER_DOUBLES=$TMP/nvml gpu -- "$G/cuda_calls"
	verify_gpu
	equal "$(grep -c "libnvidia-ml.so.1: Driver Not Loaded" "$TMP/err")" 1 "notes"
}
