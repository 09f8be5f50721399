#!/usr/bin/env bats
# Stacks on another processor: builds of the chain target by the cross compiler.

load ../e2e/helper
load ../e2e/chains

@test "frame pointers everywhere" {
	chains cross-pointers
}

@test "clang -O2 -fomit-frame-pointer" {
	chains cross-O2
}

@test "clang -O2 -static" {
	chains cross-static
}

@test "signed return addresses" {
	grep -qw paca /proc/cpuinfo
	chains cross-signed
}
