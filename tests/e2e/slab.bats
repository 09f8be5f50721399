#!/usr/bin/env bats
# --slab: the kernel's memory by call site.  The truth is the target's own ledger of what
# it made the kernel allocate, and /proc/slabinfo.  Other processes allocate meanwhile, in
# other places of the kernel; only a second copy of these tests would do it in the same.

load helper

# One copy at a time on a machine.
alone()
{
	exec 5>/run/lock/memsnoop-slab-tests
	flock 5
}

# trace_kernel OPTION...: in the background, until it counts.
trace_kernel()
{
	launch -q --slab "$@"
	wait_line "tracing the kernel" "$TMP/err"
}

# end_trace: as Ctrl-C does; then there is a report.
end_trace()
{
	kill -INT "$TRACER"
	finish "$TRACER"
	equal "$status" 0 "exit status of memsnoop"
}

# The target that obeys words.
begin()
{
	alone
	mkfifo "$TMP/words"
	: >"$TMP/answers"
	"$T/kernel_memory" <"$TMP/words" >"$TMP/answers" 3>&- 5>&- &
	TARGET=$!
	exec 4>"$TMP/words"
	wait_file "$LEDGER/ready.$TARGET"
}

answers()
{
	[ "$(wc -l <"$TMP/answers")" -ge "$1" ]
}

# ask WORDS...: says it to the target and waits until it is done.
ask()
{
	local wanted=$(($(wc -l <"$TMP/answers") + 1))

	echo "$*" >&4
	wait_until "an answer to '$*'" answers "$wanted"
}

# did KEY: what the target has done in all.
did()
{
	tail -n 1 "$TMP/answers" | tr ' ' '\n' | sed -n "s/^$1=//p"
}

# query FILTER: one value of the report, with the stacks of both layers.
query()
{
	jq -r ".frames as \$table | .stacks[].frames |= map(\$table[.]) | $1" "$REPORT"
}

# seen LAYER FUNCTION KEY: the sum over stacks that lead through FUNCTION, a pattern.
seen()
{
	query "[.stacks[] | select(.layer == \"$1\") | select(any(.frames[];
		.function | test(\"^($2)\$\"))) | .$3] | add // 0"
}

# messages KEY: of stacks in which one of these two calls the allocator.
messages()
{
	query "[.stacks[] | select(.layer == \"slab\" and (.frames | length > 1)) |
		select(.frames[-2].function | test(\"^(load_msg|alloc_msg)\$\")) | .$1] | add // 0"
}

lost()
{
	query ".lost.$1"
}

# The report agrees with itself: every layer is the sum of its stacks.
agrees()
{
	local layer key

	for layer in slab pages; do
		for key in allocs alloc_bytes frees freed_bytes live live_bytes; do
			equal "$(query "[.stacks[] | select(.layer == \"$layer\") | .$key] | add // 0")" \
				"$(query ".processes[0].layers.$layer.$key")" "sum of the stacks' $key, $layer" ||
				return 1
		done
		equal "$(query "[.stacks[] | select(.layer == \"$layer\") | .peak_bytes] | add // 0")" \
			"$(query ".processes[0].layers.$layer | .peak_bytes - .in_flight_bytes")" \
			"sum of the shares of the peak, $layer" || return 1
		equal "$(query ".processes[0].layers.$layer | .allocs - .frees == .live and
			.alloc_bytes - .freed_bytes == .live_bytes")" true "what is live, $layer" ||
			return 1
	done
	equal "$(query '.stacks | map(select(.allocs - .frees != .live or
		.alloc_bytes - .freed_bytes != .live_bytes)) | length')" 0 "stacks that do not add up"
}

# Nothing was lost that default tables have room for.
nothing_lost()
{
	local key

	for key in live_full live_full_bytes stacks_full totals_full caches_full stacks_unread \
		stacks_truncated peak_races; do
		equal "$(lost $key)" 0 "lost.$key" || return 1
	done
}

# objects CACHE: of a cache, by the kernel's own count.
objects()
{
	awk -v cache="$1" '$1 == cache { print $2 }' /proc/slabinfo
}

@test "messages sent and received: count and bytes of their kmallocs are the ledger's" {
	begin
	trace_kernel
	ask send 1000 4096
	ask send 700 64
	ask send 300 4048
	ask receive 1200
	end_trace
	local key
	for key in allocs alloc_bytes frees freed_bytes; do
		equal "$(messages $key)" "$(did $key)" "messages: $key"
	done
	equal "$(messages live)" $(($(did allocs) - $(did frees))) "messages: blocks held"
	equal "$(messages live_bytes)" $(($(did alloc_bytes) - $(did freed_bytes))) "messages: bytes held"
	agrees
	nothing_lost
}

@test "messages that were all received: nothing is held" {
	begin
	trace_kernel
	ask send 1500 4096
	ask receive 1500
	end_trace
	equal "$(messages allocs)" 3000 "messages: allocs"
	equal "$(messages frees)" 3000 "messages: frees"
	equal "$(messages live)" 0 "messages: blocks held"
	equal "$(messages live_bytes)" 0 "messages: bytes held"
	[ "$(messages peak_bytes)" -ge 0 ]
	agrees
	nothing_lost
}

@test "messages from before are unknown when they are freed, not negative" {
	begin
	ask send 1000 1000
	trace_kernel
	ask receive 1000
	end_trace
	equal "$(messages allocs)" 0 "messages: allocs"
	equal "$(messages frees)" 0 "messages: frees"
	[ "$(query .processes[0].layers.slab.unknown_frees)" -ge 1000 ]
	agrees
}

@test "what blocks take beyond what was asked for" {
	begin
	trace_kernel
	ask send 400 52 # 100 bytes with the header, in blocks of 128
	end_trace
	equal "$(query '[.stacks[] | select(.frames[-2].function | test("^(load_msg|alloc_msg)$")) |
		.frames[-1].function] | unique | join(",")')" "kmalloc 128" "what was called"
	equal "$(messages live_bytes)" 40000 "bytes asked for"
	equal "$(messages rounding_bytes)" 11200 "bytes beyond"
	equal "$(query '[.stacks[] | select(.layer == "slab") | .rounding_bytes] | add')" \
		"$(query .processes[0].layers.slab.rounding_bytes)" "sum of the stacks' rounding"
}

# userfaults KEY: of stacks that allocate from that cache
userfaults()
{
	query "[.stacks[] | select(.frames[-1].function == \"kmem_cache_alloc userfaultfd_ctx_cache\") |
		.$1] | add // 0"
}

@test "objects of a cache: as many as the ledger has, and /proc/slabinfo agrees" {
	begin
	trace_kernel
	local before after slack
	before=$(objects userfaultfd_ctx_cache)
	ask userfaults 4000
	after=$(objects userfaultfd_ctx_cache)
	end_trace
	equal "$(userfaults live)" "$(did userfaults)" "objects held"
	# it counts free objects in each CPU's own slabs as used, too
	slack=$((before + 100 * $(nproc)))
	[ "$after" -ge 4000 ] && [ "$after" -le $((4000 + slack)) ] ||
		die "/proc/slabinfo: $before, then $after"
	agrees
	nothing_lost
}

@test "objects of a cache that are freed: nothing is held" {
	begin
	trace_kernel
	ask userfaults 3000
	ask close
	end_trace
	equal "$(userfaults allocs)" 3000 "objects made"
	equal "$(userfaults frees)" 3000 "objects freed"
	equal "$(userfaults live_bytes)" 0 "bytes held"
	agrees
}

@test "pages of rings of sockets: as many as asked for, none once they are closed" {
	begin
	trace_kernel
	ask rings 50 8
	end_trace
	equal "$(seen pages packet_set_ring live)" "$(did blocks)" "blocks held"
	equal "$(seen pages packet_set_ring live_bytes)" $((400 * 4 * 4096)) "bytes held"
	equal "$(query '[.stacks[] | select(any(.frames[]; .function == "packet_set_ring")) |
		select(.layer == "pages") | .frames[-1].function] | unique | join(",")')" \
		"alloc_pages order 2" "what was called"
	nothing_lost
	ask close
	trace_kernel
	ask rings 50 8
	ask close
	end_trace
	equal "$(seen pages packet_set_ring allocs)" 400 "blocks allocated"
	equal "$(seen pages packet_set_ring live)" 0 "blocks held"
	agrees
}

@test "memory of processes is no kernel memory" {
	begin
	trace_kernel
	python3 -c 'b = bytearray(256 << 20)'
	end_trace
	# page tables for it, and objects that keep account of it
	local bytes
	bytes=$(seen pages 'do_anonymous_page|handle_mm_fault' alloc_bytes)
	[ "$bytes" -gt 0 ] || die "no page tables"
	[ "$bytes" -lt $((128 << 20)) ] || die "$bytes bytes"
	[ "$(seen pages 'pte_alloc_one|__pte_alloc' allocs)" -ge 100 ] || die "too few page tables"
}

@test "--max-blocks too small: what is not tracked is counted, and adds up" {
	begin
	trace_kernel --max-blocks 1000
	ask send 5000 64
	end_trace
	local held missing
	held=$(messages allocs)
	missing=$(($(did allocs) - held))
	[ "$missing" -gt 0 ] || die "nothing was lost"
	# the rest of the loss is other processes'
	[ "$(lost live_full)" -ge "$missing" ] || die "$missing are missing, $(lost live_full) lost"
	[ "$(lost live_full_bytes)" -ge $((missing * 112)) ] || die "too few bytes lost"
	equal "$(messages alloc_bytes)" $((held * 112)) "bytes of those tracked"
	[ $(($(query .processes[0].layers.slab.live) + $(query .processes[0].layers.pages.live))) -le 1000 ]
	agrees
}

@test "--max-stacks too small: counted, and the sums stay exact" {
	begin
	trace_kernel --max-stacks 8
	ask send 1000 64
	ask rings 20 4
	end_trace
	[ $(($(lost stacks_full) + $(lost totals_full))) -gt 0 ] || die "nothing was lost"
	equal "$(lost live_full)" 0 "blocks not tracked"
	[ "$(query '[.stacks[] | select(.frames[0].function == "[no stack]") | .allocs] | add // 0')" -gt 0 ] ||
		die "no stack stands for those without one"
	[ "$(query .processes[0].layers.slab.allocs)" -ge "$(did allocs)" ]
	agrees
}

@test "allocations in interrupts that hit an allocation: seen by a second program, or counted" {
	begin
	trace_kernel
	ask interrupt 3
	end_trace
	local signals again
	signals=$(seen slab '__send_signal_locked|__send_signal' allocs)
	again=$(sed -nE 's/.* ([0-9]+) of them were seen by a second program.*/\1/p' "$TMP/err")
	echo "$(did signals) signals, $signals seen, $again events by a second program, $(lost nested) lost"
	[ "$again" -gt 0 ] || die "no interrupt hit an allocation"
	[ $((signals + $(lost nested))) -ge "$(did signals)" ]
	[ "$(lost nested)" -lt "$(did signals)" ]
	agrees
}

@test "stacks have the kernel's functions, from the system call on" {
	begin
	trace_kernel
	ask send 100 64
	end_trace
	equal "$(query '[.stacks[] | select(.frames[-2].function == "load_msg")][0] |
		[.frames[].function] | index("do_syscall_64") < index("do_msgsnd") and
		index("do_msgsnd") < index("load_msg")')" true "the order of the frames"
	equal "$(query '[.stacks[] | .frames[].kind] | unique | join(",")')" kernel "kinds of frames"
	equal "$(query '.processes | length')" 1 "processes"
	equal "$(query '.processes[0] | "\(.pid) \(.comm)"')" "0 kernel" "the process"
	equal "$(query '[.stacks[].frames[] | select(.function | test("^(bpf_trace_run|__traceiter)"))]
		| length')" 0 "frames of the tracing itself"
}

@test "hidden addresses: one line says so, frames are addresses, the numbers hold" {
	begin
	sed 's/^[0-9a-f]*/0000000000000000/' /proc/kallsyms >"$TMP/kallsyms"
	unshare -m sh -c 'mount --bind "$0" /proc/kallsyms && exec "$@"' "$TMP/kallsyms" \
		"$MEMSNOOP" -v -q -o "$REPORT" --slab >"$TMP/out" 2>"$TMP/err" </dev/null 3>&- 5>&- &
	TRACER=$!
	wait_line "tracing the kernel" "$TMP/err"
	ask send 500 64
	end_trace
	equal "$(grep -c kptr_restrict "$TMP/err")" 1 "lines about kptr_restrict"
	equal "$(query '[.stacks[].frames[:-1][].function | select(test("^\\[0x[0-9a-f]+\\]$") | not)] |
		length')" 0 "frames with a name"
	[ "$(query '[.stacks[] | select(.live == 500) | select(.frames[-1].function == "kmalloc 128")] |
		length')" -ge 1 ] || die "no stack holds the messages"
	agrees
}

@test "table, summary, folded and pictures" {
	begin
	"$MEMSNOOP" -v --slab -i 0.2 -o "$TMP/k.folded" -o "$TMP/k.pages.folded" -o "$TMP/k.svg" \
		--plot "$TMP/plot.svg" >"$TMP/out" 2>"$TMP/err" </dev/null 3>&- 5>&- &
	TRACER=$!
	wait_line "tracing the kernel" "$TMP/err"
	ask send 2000 4048
	wait_line "load_msg" "$TMP/out"
	end_trace
	grep -q "PID .*COMMAND .*LAYER .*LIVE" "$TMP/out"
	grep -q " kernel  *slab " "$TMP/out"
	grep -q "ROUNDING" "$TMP/out"
	grep -q "^kernel (pid 0)$" "$TMP/out"
	grep -q "^Top .* at the peak, slab" "$TMP/out"
	grep -q "^Top .* at the peak, pages" "$TMP/out"
	grep -q "what was there before is in no stack" "$TMP/out"
	if grep -q "RSS" "$TMP/out"; then
		die "it has what it should not: ""RSS"
	fi
	# objects unless the name says pages: they are never summed
	grep -q '^kernel;.*;do_msgsnd;load_msg;kmalloc 4096 8192000$' "$TMP/k.folded"
	if grep -q 'alloc_pages order' "$TMP/k.folded"; then
		die "it has what it should not: "'alloc_pages order'
	fi
	grep -q '^kernel;.*;alloc_pages order 0 [0-9]*$' "$TMP/k.pages.folded"
	if grep -q 'load_msg;kmalloc' "$TMP/k.pages.folded"; then
		die "it has what it should not: "'load_msg;kmalloc'
	fi
	xmllint --noout "$TMP/k.svg" "$TMP/plot.svg"
	grep -q load_msg "$TMP/k.svg"
	grep -q "slab" "$TMP/plot.svg"
}

@test "--json: one document on stdout, and -d ends it" {
	bare --slab -d 0.5 --json
	equal "$status" 0 "exit status"
	equal "$(jq -r '.processes[0].layers.slab.allocs > 0 and .processes[0].layers.pages != null and
		(.timeline | length) > 1 and .timeline[0].slab_bytes != null' "$TMP/out")" true "the document"
}

@test "a trace of a process has no kernel layers" {
	trace -- true
	equal "$(query '.processes[0].layers | "\(.slab) \(.pages)"')" "null null" "layers"
}

@test "--slab with a process or a command is refused" {
	bare --slab -p 1
	refused 2 "neither -p nor a command"
	bare --slab -- true
	refused 2 "neither -p nor a command"
}

@test "--slab without root: one line" {
	status=0
	setpriv --reuid 65534 --clear-groups "$MEMSNOOP" --slab >"$TMP/out" 2>"$TMP/err" </dev/null ||
		status=$?
	refused 1 "CAP_BPF"
}
