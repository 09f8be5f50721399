#!/usr/bin/env bats
# How tracing ends: by signals, by force; the terminal; the target goes on.

load helper

# The target is whole: no probe left in its code, its blocks undamaged, exit 0.
unharmed()
{
	kill -0 "$TARGET"
	wait_until "the probes to be gone" is_intact "$TARGET"
	kill -USR1 "$TARGET"
	finish "$TARGET"
	equal "$status" 0 "the target's exit status"
	grep -qx damage=0 "$LEDGER/load.$TARGET"
}

# ends_by SIGNAL: a report and exit 0.
ends_by()
{
	target load 2 1000
	launch -p "$TARGET"
	wait_tracing "$TARGET"
	is_changed "$TARGET"
	kill "-$1" "$TRACER"
	finish "$TRACER"
	equal "$status" 0 "exit status"
	[ -s "$TMP/out" ] || die "no summary"
	"$PYTHON" "$BATS_TEST_DIRNAME/ledger.py" "$REPORT" --only
	is_intact "$TARGET"
	unharmed
}

@test "SIGINT: detach, report, exit 0" {
	ends_by INT
}

@test "SIGTERM: the same" {
	ends_by TERM
}

@test "two signals: leaves at once, the target unharmed" {
	target load 2 1000
	launch -p "$TARGET"
	wait_tracing "$TARGET"
	# both are there when it runs again: no race for the second
	kill -STOP "$TRACER"
	kill -INT "$TRACER"
	kill -TERM "$TRACER"
	kill -CONT "$TRACER"
	finish "$TRACER"
	unharmed
}

# Whether the tracer has left its loop: it holds SIGINT back no longer.
reporting()
{
	local blocked
	blocked=$(sed -n 's/^SigBlk:[[:space:]]*//p' "/proc/$TRACER/status")
	[ $((0x$blocked & 2)) -eq 0 ]
}

@test "SIGINT while it reports the end of the target: the report is finished" {
	mkfifo "$TMP/slow.json"
	REPORT=$TMP/slow.json
	target load 1 1000
	launch -p "$TARGET"
	wait_tracing "$TARGET"
	kill -KILL "$TARGET"
	# its report now waits for a reader
	wait_until "the report" reporting
	kill -INT "$TRACER"
	cat "$TMP/slow.json" >"$TMP/report.json"
	finish "$TRACER"
	equal "$status" 0 "exit status"
	[ -s "$TMP/out" ] || die "no summary"
	jq -e '.processes | length == 1' "$TMP/report.json"
}

# killed OPTION...: SIGKILL of memsnoop in the middle of a busy target.
killed()
{
	target load 4 0
	launch "$@" -p "$TARGET"
	wait_tracing "$TARGET"
	is_changed "$TARGET"
	kill -KILL "$TRACER"
	finish "$TRACER"
	unharmed
}

@test "SIGKILL under load" {
	killed
}

@test "SIGKILL under load, attached by multi" {
	killed --no-feature session
}

@test "SIGKILL under load, attached by perf" {
	killed --no-feature session --no-feature multi
}

@test "SIGKILL under load of a command that we started" {
	launch -- "$T/load" 2 0
	wait_until "the command" compgen -G "$LEDGER/ready.*" >/dev/null
	TARGET=$(basename "$LEDGER"/ready.*)
	TARGET=${TARGET#ready.}
	wait_until "its probes" is_changed "$TARGET"
	kill -KILL "$TRACER"
	finish "$TRACER"
	wait_until "the probes to be gone" is_intact "$TARGET"
	kill -USR1 "$TARGET"
	# not our child: its ledger is written as its last act
	wait_file "$LEDGER/load.$TARGET"
	grep -qx damage=0 "$LEDGER/load.$TARGET"
}

# ---- the terminal ------------------------------------------------------------------

tmux_do()
{
	tmux -L "$SERVER" "$@"
}

terminal()
{
	SERVER=memsnoop-test-$$
	tmux_do -f /dev/null new-session -d -x 110 -y 30 'exec env -i TERM=screen PATH="$PATH" bash --norc --noprofile' 3>&-
	type_line "stty -a >$TMP/before; clear; echo shell is ready"
	wait_until "the shell" test -s "$TMP/before"
}

type_line()
{
	tmux_do send-keys -l "$1"
	tmux_do send-keys Enter
}

screen()
{
	tmux_do capture-pane -p
}

screen_has()
{
	screen | grep -q -e "$1"
}

# The terminal is as it was: settings, screen, cursor.
restored()
{
	wait_until "the end" screen_has 'status [0-9]'
	type_line "stty -a >$TMP/after; echo restored"
	wait_until "the shell" test -s "$TMP/after"
	diff "$TMP/before" "$TMP/after"
	equal "$(tmux_do display-message -p '#{alternate_on}')" 0 "the alternate screen"
	equal "$(tmux_do display-message -p '#{cursor_flag}')" 1 "the cursor"
}

screen_differs()
{
	[ "$(screen)" != "$1" ]
}

@test "a terminal: the table redraws in place, Ctrl-C restores it" {
	target load 1 1000
	terminal
	type_line "$MEMSNOOP -p $TARGET -i 0.2; echo status \$?"
	wait_until "the table" screen_has ledger_malloc
	local first second
	first=$(screen)
	wait_until "the next table" screen_differs "$first"
	wait_until "the next table" screen_has ledger_malloc
	second=$(screen)
	echo "$second"
	# its first line is there once: the second table took the place of the first
	equal "$(grep -c "$TARGET" <<<"$second")" "$(grep -c "$TARGET" <<<"$first")" "lines with the pid"
	tmux_do send-keys C-c
	restored
	screen_has 'status 0' || die "$(screen)"
	tmux_do kill-server
	unharmed
}

@test "a terminal: Ctrl-C with a command ends both, the terminal is restored" {
	terminal
	type_line "$MEMSNOOP -v -- sh -c 'echo \$\$ >$TMP/pid; exec sleep 1000'; echo status \$?"
	wait_until "the command" test -s "$TMP/pid"
	wait_until "it to become sleep" grep -qsx sleep "/proc/$(cat "$TMP/pid")/comm"
	tmux_do send-keys C-c
	restored
	wait_until "the command's end" test ! -e "/proc/$(cat "$TMP/pid")"
	tmux_do kill-server
}
