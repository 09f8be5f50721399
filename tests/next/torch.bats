#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# Optimizers that have come since PyTorch 2.6.

load ../e2e/helper
load ../e2e/training

bats_require_minimum_version 1.5.0

@test "Muon, Adafactor: their state" {
	train_13 mlp Muon+Adafactor
	judge_13
}

@test "Muon, Adafactor: their state, attached to" {
	late_13 mlp Muon+Adafactor
	judge --late
}
