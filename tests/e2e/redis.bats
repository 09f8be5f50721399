#!/usr/bin/env bats
# A real server with an allocator of its own.

load helper

redis()
{
	redis-cli -s "$TMP/redis.sock" "$@"
}

is_up()
{
	[ "$(redis ping 2>/dev/null)" = PONG ]
}

# 10,000 values whose strings, with their 6 bytes of header and end, are of a
# size that jemalloc has: used_memory counts what it hands out, memsnoop what
# was asked for.
fill()
{
	awk 'BEGIN {
		value = sprintf("%4090s", "")
		gsub(" ", "x", value)
		for (i = 0; i < 10000; i++)
			printf "SET key:%06d %s\r\n", i, value
	}' | redis --pipe
}

@test "redis-server (jemalloc): used_memory agrees with live bytes within 2 %" {
	launch -- redis-server --port 0 --unixsocket "$TMP/redis.sock" --save '' --appendonly no \
		--dir "$TMP"
	wait_until "the server" is_up
	fill
	local used held
	used=$(redis info memory | tr -d '\r' | sed -n 's/^used_memory://p')
	redis shutdown nosave || true
	finish "$TRACER"
	equal "$status" 0 "exit status"
	"$PYTHON" "$BATS_TEST_DIRNAME/ledger.py" "$REPORT" --only
	held=$(query '[.processes[] | .layers.heap.live_bytes] | max')
	echo "used_memory $used, live bytes $held"
	[ $((used > held ? used - held : held - used)) -le $((used / 50)) ]
}
