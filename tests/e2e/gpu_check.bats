#!/usr/bin/env bats
# scripts/gpu-check, as far as there is no GPU: on the doubles, and how it judges.

load helper
load gpu.bash

# on_doubles: the script, with the doubles in place of the driver.
on_doubles()
{
	export GPU_DOUBLE_DRIVER=$TMP/driver
	mkdir -p "$GPU_DOUBLE_DRIVER" "$TMP/bin"
	status=0
	(cd / && PATH=$TMP/bin:$PATH PYTHON=${TORCH:-$PYTHON} "$REPO/scripts/gpu-check" --no-build \
		--libcuda "$G" >"$TMP/out" 2>"$TMP/err") || status=$?
	cat "$TMP/out" "$TMP/err"
}

# nvidia_smi AWK: a double, which says of each process what the expression makes of its bytes.
nvidia_smi()
{
	mkdir -p "$TMP/bin"
	cat >"$TMP/bin/nvidia-smi" <<-END
		#!/bin/sh
		cd "\$GPU_DOUBLE_DRIVER" && for pid in *; do
			awk -v pid="\$pid" '\$1 == 0 { print pid ", " int($1) }' "\$pid"
		done
	END
	chmod +x "$TMP/bin/nvidia-smi"
}

@test "without a GPU it says so, and ends well" {
	! compgen -G '/proc/driver/nvidia/gpus/*' >/dev/null || skip "there is one"
	"$REPO/scripts/gpu-check" >"$TMP/out"
	grep -q '^1\.\.0 # SKIP no NVIDIA GPU' "$TMP/out"
	grep -q '^0 passed, 0 failed$' "$TMP/out"
}

@test "on the doubles: every ledger, and what the driver has" {
	# shellcheck disable=SC2016  # awk's
	nvidia_smi '$2 / 1048576'
	on_doubles
	equal "$status" 0 "exit status"
	equal "$(grep -c '^ok [1-4] ' "$TMP/out")" 4 "checks"
	grep -q '^ok 4 what the driver has' "$TMP/out"
	# this Python has no CUDA, if it has PyTorch at all
	grep -q '^ok 5 ResNet-18 in PyTorch # SKIP ' "$TMP/out"
	grep -q '^4 passed, 0 failed, 1 skipped$' "$TMP/out"
	grep -q '^1\.\.5$' "$TMP/out"
}

@test "a driver that says something else is a failure" {
	# shellcheck disable=SC2016
	nvidia_smi '$2 / 1048576 + 1'
	on_doubles
	equal "$status" 1 "exit status"
	grep -q '^not ok 4 what the driver has' "$TMP/out"
	grep -q '^3 passed, 1 failed, 1 skipped$' "$TMP/out"
}

# What memsnoop says of a training, as train_cuda.py's ledger should have it.
@test "how a training is judged" {
	cat >"$TMP/report.json" <<-'END'
		{"frames": [{"module": "/x/libc10_cuda.so"}, {"module": null}], "tensors": [],
		 "stacks": [{"pid": 7, "device": "cuda:0", "layer": "tensor", "frames": [1], "live_bytes": 100},
			{"pid": 7, "device": "cpu", "layer": "tensor", "frames": [1], "live_bytes": 9},
			{"pid": 7, "device": "cuda:0", "layer": "gpu", "frames": [0, 1], "live_bytes": 200},
			{"pid": 7, "device": "cuda:0", "layer": "gpu", "frames": [1], "live_bytes": 30}],
		 "categories": [{"pid": 7, "device": "cuda:0", "bytes_at_peak": 150},
			{"pid": 7, "device": "cuda:0", "bytes_at_peak": 5}],
		 "processes": [{"pid": 7, "exited": true, "layers": {"gpu": {"devices": [
			{"device": "cuda:0", "driver_bytes": 5242880}]}}}]}
	END
	echo '{"pid": 7, "torch": "2.6", "allocated_current": 100, "allocated_peak": 155,
		"reserved_current": 200, "reserved_peak": 200, "driver_mib": 5}' >"$TMP/ledger.json"
	"$PYTHON" "$REPO/tests/e2e/gpu_torch.py" "$TMP/report.json" "$TMP/ledger.json" 3 >"$TMP/tap"
	equal "$(grep -c '^ok [3-7] ' "$TMP/tap")" 5 "checks"
	for key in allocated_current allocated_peak reserved_current reserved_peak driver_mib; do
		jq ".$key += 1" "$TMP/ledger.json" >"$TMP/wrong.json"
		status=0
		"$PYTHON" "$REPO/tests/e2e/gpu_torch.py" "$TMP/report.json" "$TMP/wrong.json" >"$TMP/tap" ||
			status=$?
		equal "$status" 1 "exit status, $key"
		equal "$(grep -c '^not ok' "$TMP/tap")" 1 "failures, $key"
	done
}

@test "the training runs, on the processor" {
	"$PYTHON" "$REPO/tests/targets/train_cuda.py" "$TMP/ledger.json" cpu
	equal "$(jq .driver_mib "$TMP/ledger.json")" null "by the driver"
}
