#!/usr/bin/env bats
# Code that a JIT makes: named by what the JIT writes about it.

load helper

readonly COUNT=400
readonly SIZE=1234567

# chains: for each stack of the buffers, its JIT functions among those that the script names.
chains()
{
	query "[.stacks[] | select(.alloc_bytes >= $SIZE and .alloc_bytes % $SIZE == 0)
		| {allocs, frames: [.frames[] | select(.kind == \"jit\") | .function
			| select(test(\"outerLoop|middleStep|innerAllocate\"))]}]"
}

# Every buffer was seen, and all but those of code that was inlined by its whole chain.
chains_are_whole()
{
	chains >"$TMP/chains"
	equal "$(jq '[.[].allocs] | add' "$TMP/chains")" "$COUNT" "buffers"
	equal "$(jq -c '[.[].frames] | map(select(length == 3)) | unique' "$TMP/chains")" \
		"[[\"$1outerLoop\",\"$1middleStep\",\"$1innerAllocate\"]]" "the order of functions"
}

node_script()
{
	command -v node >/dev/null || skip "no node"
	unset NODE_OPTIONS NODE_EXTRA_CA_CERTS
	cp "$REPO/tests/targets/jit_buffers.js" "$TMP/buffers.js"
	cd "$TMP" || return
}

@test "node: functions from a perf map, with file and line" {
	node_script
	# no optimising: inlined functions have no frame
	trace -- node --no-opt --interpreted-frames-native-stack --perf-basic-prof \
		"$TMP/buffers.js" "$COUNT" "$SIZE"
	rm -f "/tmp/perf-$(query '.processes[-1].pid').map"
	equal "$status" 0 "exit status"
	chains_are_whole ""
	equal "$(query '[.stacks[].frames[] | select(.function == "innerAllocate")
		| "\(.file):\(.line)"] | unique | join(" ")')" "$TMP/buffers.js:5" "its place"
}

@test "node: functions from a jitdump" {
	node_script
	trace -- node --no-opt --interpreted-frames-native-stack --perf-prof \
		"$TMP/buffers.js" "$COUNT" "$SIZE"
	equal "$status" 0 "exit status"
	[ -s "$TMP/jit-$(query '.processes[-1].pid').dump" ]
	chains_are_whole ""
}

@test "node: without either, addresses" {
	node_script
	trace -- node --no-opt --interpreted-frames-native-stack "$TMP/buffers.js" "$COUNT" "$SIZE"
	equal "$status" 0 "exit status"
	equal "$(query '[.stacks[].frames[] | select(.kind == "jit")] | length')" 0 "JIT frames"
	[ "$(query '[.stacks[].frames[] | select(.function | startswith("[0x"))] | length')" -gt 0 ]
}

@test "node in a container: the map in its own root, by its own number" {
	node_script
	# the map is on a mount that goes away with the process
	trace -- unshare --mount --pid --fork sh -c 'mount -t tmpfs none /tmp &&
		cat >/tmp/buffers.js <&9 && cd /tmp && exec node --no-opt \
		--interpreted-frames-native-stack --perf-basic-prof /tmp/buffers.js "$@"' \
		sh "$COUNT" "$SIZE" 9<"$TMP/buffers.js"
	equal "$status" 0 "exit status"
	chains_are_whole ""
	[ ! -e /tmp/perf-1.map ]
}

@test "java: the map that the JVM leaves when it exits" {
	command -v java >/dev/null || skip "no java"
	# a name of one syllable has no package: the class is the prefix
	trace -- java -XX:+UnlockDiagnosticVMOptions -XX:+DumpPerfMapAtExit \
		-XX:+PreserveFramePointer -XX:-Inline -XX:TieredStopAtLevel=1 \
		"$REPO/tests/targets/JitBuffers.java" 20000 4321
	equal "$status" 0 "exit status"
	rm -f "/tmp/perf-$(query '.processes[-1].pid').map"
	[ "$(query '[.stacks[].frames | map(select(.kind == "jit") | .function)
		| select(index("JitBuffers.outerLoop") < index("JitBuffers.middleStep") and
			index("JitBuffers.middleStep") < index("JitBuffers.innerAllocate"))]
		| length')" -gt 0 ]
}

# Its calls are walked through code that was made after the program had begun.
maker_is_walked()
{
	trace -- "$T/maker" "$SIZE" "$@"
	equal "$status" 0 "exit status"
	equal "$(query "[.stacks[] | select(.alloc_bytes == 10 * $SIZE) | [.frames[].function
		| select(test(\"^(main|call_made|take|.0x.*)$\")) | sub(\"^.0x.*\"; \"made\")]
		| join(\" \")] | join(\"; \")")" "main call_made made take" "who called"
}

@test "a JIT that nobody knows: its code is noticed" {
	maker_is_walked
}

@test "a JIT that nobody knows: its code is noticed, though it may be written to" {
	maker_is_walked both
}

@test "a JIT that nobody knows, whose code is in a file that is none of a program's" {
	maker_is_walked file
}
