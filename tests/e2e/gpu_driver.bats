#!/usr/bin/env bats
# What the driver says a process has of its devices, beside what was counted: doubles of NVML.
# shellcheck disable=SC2154  # status: set by trace and finish

load helper
load gpu.bash

CONTEXT=$((311 << 20)) # DRIVER_CONTEXT_BYTES of tests/targets/gpu/driver.h

# driven OPTION... -- PROGRAM ARGS...: with a driver that keeps accounts.
driven()
{
	export GPU_DOUBLE_DRIVER=$TMP/driver
	mkdir -p "$GPU_DOUBLE_DRIVER"
	gpu "$@"
	verify_gpu --driver
}

# told DEVICE KEY
told()
{
	jq -r ".processes[-1].layers.gpu.devices[] | select(.device == \"$1\") | .$2" "$REPORT"
}

# other DEVICE BYTES: the driver has so much beside what is counted and held.
other()
{
	equal "$(told "$1" driver_counted_bytes)" "$(told "$1" live_bytes)" "$1, counted when asked"
	equal "$(told "$1" driver_bytes)" $(($(told "$1" live_bytes) + $2)) "$1, by the driver"
	equal "$(told "$1" other_bytes)" "$2" "$1, other"
}

@test "a context on each device: what the driver has beside what was counted" {
	driven -- "$G/cuda_driver"
	other cuda:0 $CONTEXT
	other cuda:1 $CONTEXT
	[ "$(told cuda:0 live_bytes)" != "$(told cuda:1 live_bytes)" ]
	equal "$(told host-pinned driver_bytes)" null "the host's memory, by the driver"
	equal "$(told host-pinned other_bytes)" null "the host's memory, other"
	grep -Eq 'cuda:0 .* 375 MiB +311 MiB$' "$TMP/err"
	grep -Eq 'cuda:1 .* 343 MiB +311 MiB$' "$TMP/err"
	grep -Eq 'host-pinned .* - +-$' "$TMP/err"
}

@test "devices in another order: CUDA_VISIBLE_DEVICES" {
	CUDA_VISIBLE_DEVICES=1,0 driven -- "$G/cuda_driver"
	other cuda:0 $CONTEXT
	other cuda:1 $CONTEXT
	[ "$(told cuda:0 live_bytes)" -gt "$(told cuda:1 live_bytes)" ]
	rm -f "$LEDGER"/* "$TMP/driver"/*
	driven -- env CUDA_VISIBLE_DEVICES=1,0 "$G/cuda_driver" # memsnoop itself sees them all
	other cuda:0 $CONTEXT
	other cuda:1 $CONTEXT
}

@test "an older NVML, whose answers are of another form; and one that has more processes than room" {
	mkdir "$TMP/driver"
	for i in {1..100}; do
		echo "0 $i" >"$TMP/driver/$((1 << 23 | i))"
	done
	OTHER_DOUBLES=$G/old driven -- "$G/cuda_driver"
	other cuda:0 $CONTEXT
	rm -f "$LEDGER"/*
	driven -- "$G/cuda_driver"
	other cuda:0 $CONTEXT
}

@test "a device with a context and nothing in it has a line of its own" {
	driven -- "$G/cuda_driver" bare
	equal "$(told cuda:1 allocs)" 0 "allocations"
	other cuda:1 $CONTEXT
	other cuda:0 $CONTEXT
}

@test "a driver that says less than was counted: no other, and a line that says so" {
	driven -- "$G/cuda_driver" less
	equal "$(told cuda:0 other_bytes)" 0 "other"
	[ "$(told cuda:0 driver_bytes)" -lt "$(told cuda:0 driver_counted_bytes)" ]
	grep -q "the driver says 3.70 GiB less than the 4.06 GiB that were counted" "$TMP/err"
}

@test "with -p: what was there before is the driver's alone" {
	export GPU_DOUBLE_DRIVER=$TMP/driver
	mkdir -p "$GPU_DOUBLE_DRIVER"
	waiting cuda_driver attach
	LD_LIBRARY_PATH=$G launch --layers gpu -p "$TARGET"
	wait_tracing "$TARGET"
	echo go >&4
	wait_file "$LEDGER/done.$TARGET"
	kill -INT "$TRACER"
	finish "$TRACER"
	goes_on
	rm "$LEDGER/done.$TARGET"
	verify_gpu
	other cuda:0 $((CONTEXT + (33 << 20)))
}

@test "a driver that does not say how much; one that is not loaded; none: said once, nothing lost" {
	GPU_DOUBLE_NVML=silent driven -- "$G/cuda_driver"
	equal "$(told cuda:0 driver_bytes)" null "by the driver"
	equal "$(grep -c "does not say it of each process" "$TMP/err")" 1 "notes"
	rm -f "$LEDGER"/*
	unset GPU_DOUBLE_DRIVER
	gpu -- "$G/cuda_calls"
	verify_gpu
	equal "$(grep -c "libnvidia-ml.so.1: Driver Not Loaded" "$TMP/err")" 1 "notes"
	rm -f "$LEDGER"/*
	trace --layers gpu -- env LD_LIBRARY_PATH="$G" "$G/cuda_calls"
	verify_gpu
	equal "$(grep -c "libnvidia-ml.so.1 is not installed" "$TMP/err")" 1 "notes"
}

@test "a driver that hangs harms nothing, and is waited for once" {
	GPU_DOUBLE_NVML=hangs driven -- "$G/cuda_driver"
	equal "$(told cuda:0 driver_bytes)" null "by the driver"
	equal "$(grep -c "NVML does not answer" "$TMP/err")" 1 "notes"
}

@test "no GPU is used: no driver is asked" {
	GPU_DOUBLE_NVML=hangs LD_LIBRARY_PATH=$G trace --layers heap,gpu -- "$T/lives"
	equal "$(jq -c '[.notes[] | select(contains("NVML"))]' "$REPORT")" "[]" "notes"
}
