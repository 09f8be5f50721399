#!/bin/bash
# Fuzzes the readers of ELF files and of call frame information.
#
#   fuzz.sh SECONDS    for each of the fuzzers that `make fuzz` has built
#
# The first files to mutate are small ones of this system.  What is found lies in
# $OUT/fuzz: crash-*, and in corpus/ what reached new code.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly OUT=${OUT:-.output}
readonly SECONDS_EACH=${1:?seconds}
readonly SEEDS=$OUT/fuzz/seeds
readonly SEEDS_MAX=60

rm -rf "$SEEDS"
mkdir -p "$SEEDS"/{elf,cfi} "$OUT"/fuzz/corpus/{elf,cfi}

# An ELF file of at most 40 KiB; with `flag`, a byte before the bytes of a section.
seed_from()
{
	local file=$1 name section flag

	name=$(basename "$file")
	cp "$file" "$SEEDS/elf/$name"
	for section in .eh_frame:0 .debug_frame:1; do
		flag=${section#*:}
		section=${section%:*}
		if objcopy --dump-section "$section=$SEEDS/section" "$file" /dev/null 2>/dev/null &&
			[ -s "$SEEDS/section" ]; then
			printf '%b' "\\x0$flag" | cat - "$SEEDS/section" >"$SEEDS/cfi/$name$section"
		fi
		rm -f "$SEEDS/section"
	done
}

mapfile -t files < <(find -L /usr/bin /usr/lib/x86_64-linux-gnu -maxdepth 1 -type f -size -40k \
	-perm -u+r 2>/dev/null | sort)
count=0
for file in "${files[@]}"; do
	[ "$(head -c 4 "$file" | tr '\0' .)" = $'\x7fELF' ] || continue
	seed_from "$file"
	count=$((count + 1))
	[ $count -lt $SEEDS_MAX ] || break
done
# Small files with what system ones lack: only .debug_frame, compressed or not.
for option in none zlib; do
	printf '%s\n' '.cfi_sections .debug_frame' '.globl _start' '_start: .cfi_startproc' \
		'push %rbp' '.cfi_def_cfa_offset 16' '.cfi_offset %rbp, -16' 'ret' '.cfi_endproc' |
		gcc -nostdlib -static -x assembler "-Wl,--compress-debug-sections=$option" \
			-o "$SEEDS/debug_$option" -
	seed_from "$SEEDS/debug_$option"
	rm "$SEEDS/debug_$option"
done
# And a tracepoint that is one of ours.
printf '%s\n' '.globl _start' '_start: nop' 'ret' '.section .probes, "aw"' '.balign 2' 'word: .short 0' \
	'.section .stapsdt.base, "a"' 'base: .byte 0' '.section .note.stapsdt, "", "note"' \
	'.4byte 8, 2f-1f, 3' '.asciz "stapsdt"' '1: .8byte _start, base, word' \
	'.asciz "pytorch"' '.asciz "malloc"' '.asciz "8@%rax -1@%dl 8@-8(%rbp) -8@$1"' \
	'2: .balign 4' | gcc -nostdlib -static -x assembler -o "$SEEDS/elf/tracepoint" -

status=0
for name in cfi elf; do
	echo "== ${name}_fuzz, $SECONDS_EACH s"
	"$OUT/fuzz/${name}_fuzz" -max_total_time="$SECONDS_EACH" -max_len=65536 -timeout=10 \
		-rss_limit_mb=4096 -print_final_stats=1 -verbosity=0 \
		-artifact_prefix="$OUT/fuzz/" "$OUT/fuzz/corpus/$name" "$SEEDS/$name" 2>&1 |
		sed '/Recommended dictionary/,/End of recommended dictionary/d' || status=1
done
exit $status
