#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# What tensors are for, and in which stage, against the ledger of a training: on Debian 12's
# PyTorch 1.13, and on Debian 13's 2.6 in a root of its own.

load helper
load training

bats_require_minimum_version 1.5.0

@test "MLP, SGD" {
	both mlp sgd -- --stages "load,forward,backward,optimizer step"
}

@test "ResNet-18, SGD with momentum" {
	both resnet18 momentum
}

@test "transformer, AdamW" {
	both transformer adamw
}

@test "LSTM, Adam" {
	both lstm adam
}

@test "gradients that are set to zero, not to None" {
	both mlp momentum keep
}

@test "gradients that are accumulated over four batches" {
	both mlp adam accumulate=4
}

@test "checkpoints, reentrant" {
	both mlp adam checkpoint=reentrant
}

@test "checkpoints, by hooks" {
	both mlp adam checkpoint=plain
}

@test "inference: parameters, and no stage of a training" {
	both resnet18 none
	equal "$(query_layer tensor '[.stages[] | select(.depth == 0) | .name] | unique | join(" ")')" \
		"forward load" "stages"
}

@test "two models, trained in turn" {
	both mlp adam twin
}

@test "a data loader with two workers" {
	both mlp momentum loader=2 -- --stages "data loading,forward,backward,optimizer step"
}

# ---- advice --------------------------------------------------------------------------

# advised KINDS: what stands out, but for what the peak consists of.
advised()
{
	equal "$(jq -r '[.insights[].kind | select(. != "peak")] | sort | join(" ")' "$REPORT")" "$1" \
		"advice"
}

@test "a model that is loaded twice, evaluated and trained; and nothing of it otherwise" {
	both resnet18 momentum load -- --stages "load,evaluation,forward,backward,optimizer step"
	advised load
	grep -q '44.6 MiB of tensors read from files' "$REPORT" || die "not said how much"
	train resnet18 momentum
	advised ""
}

@test "Adam's state, gradients that stay, a graph that is kept: each is said of its own" {
	train mlp adam
	advised optimizer
	train mlp sgd keep
	advised gradients
	train mlp momentum leak steps=8
	advised leak
	equal "$(jq -r '.insights[] | select(.kind == "leak") | .text' "$REPORT" |
		grep -c 'train.py:[0-9]* (Mlp.forward)')" 1 "the line that leaks"
}

@test "activations that dominate: the line is said" {
	train resnet18 sgd batch=16 side=128
	advised "activations churn"
	grep -q 'train.py:[0-9]* (ResNet18.forward)' "$REPORT" || die "no line"
}

# ---- others than PyTorch ------------------------------------------------------------

# wanted KEY: a number of the ledger of the target ggml.
wanted()
{
	jq ".[\"$1\"]" "$LEDGER/ggml.json"
}

@test "ggml: weights, cache and compute buffers, on the host and on a device" {
	trace -q --layers tensor -- "$T/ggml"
	equal "$status" 0 "exit status"
	for name in "cpu parameters" "cuda parameters" "cuda KV cache" "cpu workspace"; do
		equal "$(jq --arg name "$name" '.categories[] | select("\(.device) \(.name)" == $name) |
			.bytes_at_end' "$REPORT")" "$(wanted "$name")" "$name"
	done
	equal "$(jq '[.categories[].bytes_at_end] | add' "$REPORT")" \
		"$(jq '.processes[0].layers.tensor.live_bytes' "$REPORT")" "all at the end"
	equal "$(jq '.processes[0].layers.tensor.allocs' "$REPORT")" "$(wanted allocs)" "allocations"
	equal "$(jq '.processes[0].layers.tensor.peak_bytes' "$REPORT")" \
		"$(($(wanted all) + $(wanted scratch)))" "peak"
	equal "$(jq -r '[.stages[].name] | unique | join(" ")' "$REPORT")" "context forward load" \
		"stages"
	equal "$(jq '[.stages[] | select(.name == "forward")] | length' "$REPORT")" \
		"$(wanted calls)" "forward passes"
	equal "$(jq '[.lost[]] | add' "$REPORT")" 0 "losses"
}

# ---- attaching, and losses ------------------------------------------------------------

@test "attached to a training: parameters from before are known" {
	late mlp adam amsgrad
	judge --late
}

@test "attached to a training that keeps its gradients: they are known, too" {
	late mlp sgd keep
	judge --late
}

@test "attached to a training: the state of each of PyTorch's optimizers is known" {
	late mlp momentum+Adadelta+Adagrad+Adamax+ASGD+NAdam+RAdam+RMSprop+Rprop
	judge --late
}

@test "attached to a training that steps all parameters at once: its state is known" {
	late mlp adamw foreach amsgrad
	judge --late
	rm "$LEDGER"/*
	late_13 mlp adamw foreach amsgrad
	judge --late
	rm "$LEDGER"/*
	late_13 mlp adamw fused amsgrad
	judge --late
}

# steps KIND: the same of a program whose library has strings of that kind.
steps()
{
	"$T/torch/$1/steps" </dev/null >/dev/null 3>&- 5>&- &
	TARGET=$!
	wait_file "$LEDGER/ready.$TARGET"
	launch -q --layers tensor -p "$TARGET"
	wait_line "what steps of optimizers change is known" "$TMP/err"
	kill -INT "$TRACER"
	finish "$TRACER"
	equal "$status" 0 "exit status of memsnoop"
	touch "$LEDGER/enough"
	finish "$TARGET"
	equal "$status" 0 "exit status of the target"
	equal "$(jq -c '[.categories[] | {(.name): .bytes_at_end}] | add |
		[.parameters, .gradients, ."optimizer state", .other]' "$REPORT")" \
		"$(jq -c '[.parameters, .gradients, .state, 0]' "$LEDGER/steps.json")" "what was there before"
	equal "$(jq '[.stages[] | select(.name == "optimizer step")] | length > 8' "$REPORT")" true "steps"
	equal "$(jq '[.lost[]] | add' "$REPORT")" 0 "losses"
}

@test "attached to a library with new strings: what was there before is known" {
	steps new_strings
}

@test "attached to a library with old strings: what was there before is known" {
	steps old_strings
}

@test "shapes that are known are no longer told, new ones are" {
	launch -q -i 0.1 --layers tensor -- "$PYTHON" "$REPO/tests/targets/shapes.py" "$LEDGER"
	wait_line "shapes of tensors are known: 2 " "$TMP/err"
	touch "$LEDGER/second"
	wait_line "shapes of tensors are told again" "$TMP/err"
	wait_line "shapes of tensors are known: 3 " "$TMP/err"
	touch "$LEDGER/third"
	touch "$LEDGER/end"
	finish "$TRACER"
	equal "$status" 0 "exit status"
	equal "$(jq -r '[.tensors[] | select(.live > 0) | "\(.live) \(.shape) \(.live_bytes)"] | sort | join("; ")' "$REPORT")" \
		"1  22140; 1  6720; 1 float32[123, 45] 22140; 1 float32[300, 200] 240000; 1 float32[7, 11, 13] 4004" \
		"what is held: of the last ones, made once, nothing was told"
}

@test "events that are lost: the totals stay exact, what lives is looked up" {
	"$PYTHON" "$REPO/tests/targets/tensors_lost.py" </dev/null >/dev/null 3>&- 5>&- &
	TARGET=$!
	wait_file "$LEDGER/ready.$TARGET"
	launch -q --layers tensor -p "$TARGET"
	wait_tracing "$TARGET"
	kill -STOP "$TRACER"
	touch "$LEDGER/go"
	wait_line end "$LEDGER/ready.$TARGET"
	kill -CONT "$TRACER"
	kill -INT "$TRACER"
	finish "$TRACER"
	equal "$status" 0 "exit status of memsnoop"
	touch "$LEDGER/end"
	finish "$TARGET"
	[ "$(query .lost.tensor_events)" -gt 0 ] || die "no event was lost"
	equal "$(jq '.processes[0].layers.tensor | [.allocs, .live, .live_bytes] | join(" ")' "$REPORT")" \
		'"20010 10 80000"' "the layer's totals"
	equal "$(jq '[.categories[].bytes_at_end] | add' "$REPORT")" 80000 "what lives, by category"
	equal "$(jq '[.tensors[].live_bytes] | add' "$REPORT")" 80000 "what lives, by tensor"
}

@test "--stage and --category" {
	trace -q --layers tensor --stage 'middle=checkpointed|Mlp.forward' \
		--category 'first=train.py:[0-9]*$' -- "$PYTHON" "$REPO/tests/targets/train.py" mlp sgd
	equal "$status" 0 "exit status"
	equal "$(jq '[.stages[] | select(.name == "middle" and .depth > 0)] | length > 0' "$REPORT")" \
		true "the stage is there"
	equal "$(jq '[.categories[] | select(.name == "first") | .bytes_at_peak] | add > 0' "$REPORT")" \
		true "the category is there"
	bare --stage x -- true
	refused 2 "'x': is not NAME=REGEX"
	bare --category 'x=(' -- true
	refused 2 "is no regular expression"
}

# ---- where ranges are called ------------------------------------------------------------

# stages_are NAME COUNT
stages_are()
{
	equal "$(jq --arg name "$1" '[.stages[] | select(.name == $name)] | length' "$REPORT")" "$2" \
		"ranges named '$1'"
}

# told KEY: a number of the ledger of the target ranges.
told()
{
	jq ".$1" "$LEDGER/ranges.json"
}

# Whether the target has begun such ranges: it says so only at the end, but the file is old by then.
forgot_some()
{
	[ -n "$(find "$LEDGER/forget" ! -newermt '-1 second')" ]
}

# ranges_end: the target is told that it is enough, and all its ranges are there, in order.
ranges_end()
{
	touch "$LEDGER/enough"
	finish "$TRACER"
	equal "$status" 0 "exit status"
	stages_are outer "$(told steps)"
	stages_are inner "$(told steps)"
	stages_are forgotten "$(told forgotten)"
	equal "$(jq '[.stages[] | select(.name == "outer" or .name == "inner")] | sort_by(.start_s)
		| [range(0; length; 2) as $i | .[$i].name == "outer" and .[$i + 1].name == "inner"
		and .[$i + 1].end_s <= .[$i].end_s and .[$i].depth == 1 and .[$i + 1].depth == 2]
		| all' "$REPORT")" true "each inner one is in an outer one"
	equal "$(jq '[.lost[]] | add' "$REPORT")" 0 "losses"
}

@test "ranges are seen where they are called, and those of a library that comes later" {
	launch -q -i 0.1 --layers tensor -- "$T/torch/new_strings/ranges"
	wait_line "ranges are seen where they are called: 2 places" "$TMP/err"
	touch "$LEDGER/late"
	wait_line "ranges are seen in their functions again" "$TMP/err"
	wait_line "ranges are seen where they are called: 4 places" "$TMP/err"
	ranges_end
	[ "$(told late)" -gt 0 ] || die "the library had none"
	stages_are "" "$(told late)"
}

@test "ranges that only their destructor ends are over with what they are in" {
	launch -q -i 0.1 --layers tensor --no-feature session --no-feature multi \
		-- "$T/torch/new_strings/ranges"
	wait_line "ranges are seen where they are called: 2 places" "$TMP/err"
	touch "$LEDGER/forget"
	wait_until "some of them" forgot_some
	ranges_end
}
