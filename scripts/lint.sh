#!/bin/bash
# Layout and static checks; every finding is an error.
#
#   lint.sh CFLAGS...    how user/ is compiled, for clang-tidy
set -euo pipefail
cd "$(dirname "$0")/.."

mapfile -t c_files < <(find bpf user tests -name '*.[ch]' -o -name '*.[ch]pp' | sort)
mapfile -t user_files < <(find user -name '*.c' | sort)
mapfile -t scripts < <(find scripts .ci tests -type f \
	\( -name '*.sh' -o -name '*.bash' -o -name '*.bats' -o -path .ci/run -o -path scripts/gpu-check \) | sort)
status=0

step()
{
	echo "== $1"
	"$@" || status=1
}

# Several at a time; what it says on stderr beside the findings is a count of
# those in system headers.
tidy()
{
	printf '%s\n' "${user_files[@]}" |
		xargs -P "$(nproc)" -I{} clang-tidy --quiet {} -- "$@" 2> >(grep -v ' generated\.$')
}

echo "== clang-tidy"
tidy "$@" || status=1
step clang-format --dry-run -Werror "${c_files[@]}"
# readdirCalled: readdir_r() is what glibc advises against
step cppcheck --quiet -D__x86_64__ --suppress=readdirCalled --error-exitcode=1 --std=c11 --enable=warning,performance,portability \
	--library=posix,gnu -D'LIBBPF_OPTS(type,name,...)=struct type name={__VA_ARGS__}' \
	-D'RB_GENERATE_INTERNAL(name,type,field,cmp,attr)=' \
	-Iuser -Ibpf "${user_files[@]}"
# SC2016: expressions for jq, awk and inner shells stand in single quotes on purpose;
# SC2030, SC2031: each test of bats is a subshell, which is what keeps tests apart
step shellcheck --external-sources --source-path=SCRIPTDIR --exclude=SC2016,SC2030,SC2031 \
	"${scripts[@]}"
[ $status -eq 0 ] && echo "lint: clean"
exit $status
