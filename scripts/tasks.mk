# Jobs around the program.  Those that need packages install them first and then
# start make anew: what make found out about the compiler may have changed.

.PHONY: help
help:
	@echo 'make            builds ./memsnoop'
	@echo 'make demo       traces a PyTorch model: installs, builds, runs; needs root'
	@echo 'make check      installs, builds, runs every test; needs root'
	@echo 'make check-kernels  the BPF tests on older and newer kernels, in QEMU; needs root'
	@echo 'make check-next  the tests with PyTorch and Python, llama.cpp and whisper.cpp of Debian testing; needs root'
	@echo 'make bench      what tracing costs, beside its peers; needs root'
	@echo 'make stacks     how complete the stacks of a training run are; needs root'
	@echo 'scripts/gpu-check   its numbers on an NVIDIA GPU, against ledgers, PyTorch and nvidia-smi; needs root'
	@echo 'make lint       layout and static checks'
	@echo 'make fuzz       [FUZZ_SECONDS=20] the readers of ELF files, each for so long'
	@echo 'make install    [DESTDIR=] [PREFIX=/usr/local]'
	@echo 'make format     lays the C files out'
	@echo 'make clean      removes what was built'
	@echo 'ARCH=arm64 builds .output/arm64/memsnoop; scripts/sysroot.sh arm64 fetches what that needs'
	@echo 'V=1 shows commands; SANITIZE=address,undefined builds with sanitizers'

.PHONY: demo
demo:
	$(Q)scripts/deps.sh build demo
	$(Q)$(MAKE) all
	$(Q)scripts/demo.sh

.PHONY: check
check:
	$(Q)scripts/deps.sh build test
	$(Q)$(MAKE) all unit targets
	$(Q)$(MAKE) SANITIZE=address,undefined all unit
	$(Q)OUT=$(OUT) MEMSNOOP=$(abspath $(PROGRAM)) scripts/check.sh

# What has come since Debian 13: not a part of `check`, as it goes on changing.
.PHONY: check-next
check-next:
	$(Q)scripts/deps.sh build test
	$(Q)$(MAKE) all targets
	$(Q)DEBIAN_ROOT=$$(scripts/debian_root.sh testing) OUT=$(OUT) MEMSNOOP=$(abspath $(PROGRAM)) \
	  scripts/check.sh tests/e2e/tensors.bats tests/e2e/python.bats tests/next/*.bats

# KERNELS='6.1 sid' runs only these
KERNELS ?=
.PHONY: check-kernels
check-kernels:
	$(Q)scripts/deps.sh build test vm
	$(Q)$(MAKE) all targets
	$(Q)scripts/sysroot.sh arm64 >/dev/null
	$(Q)$(MAKE) ARCH=arm64 all targets
	$(Q)tests/vm/check.sh $(KERNELS)

.PHONY: bench
bench:
	$(Q)scripts/deps.sh build bench
	$(Q)$(MAKE) all $(OUT)/bench/pair $(OUT)/bench/fault $(OUT)/bench/kernel_pair
	$(Q)OUT=$(OUT) scripts/bench.sh

# how complete the stacks of a training run are, and where the others end
.PHONY: stacks
stacks:
	$(Q)scripts/deps.sh build demo
	$(Q)$(MAKE) all
	$(Q)/usr/bin/python3 tests/bench/stacks.py

.PHONY: lint
lint:
	$(Q)scripts/deps.sh build lint
	$(Q)$(MAKE) lint-now

# Apart, because the skeletons and the flags need the packages.  The skeletons are
# generated code, not ours to judge: clang-tidy is told so in copies.
.PHONY: lint-now
lint-now: $(SKEL)
	$(Q)mkdir -p $(OUT)/lint
	$(Q)for file in $(SKEL); do \
	  (echo '// NOLINTBEGIN'; cat $$file; echo '// NOLINTEND') > $(OUT)/lint/$${file##*/}; done
	$(Q)scripts/lint.sh $(patsubst -I$(OUT),-isystem $(OUT)/lint,$(USER_CFLAGS))

.PHONY: format
format:
	$(Q)find bpf user tests -name '*.[ch]' -o -name '*.cpp' | xargs clang-format -i

.PHONY: install
install: $(PROGRAM)
	$(say) INSTALL $(DESTDIR)$(PREFIX)/bin/memsnoop
	$(Q)install -D -m 755 $(PROGRAM) $(DESTDIR)$(PREFIX)/bin/memsnoop

.PHONY: clean
clean:
	$(say) CLEAN
	$(Q)rm -rf .output memsnoop

# the loops of the benchmark: frame pointers, so that every tool sees the same stack
$(OUT)/bench/%: tests/bench/%.c
	$(say) BENCH $@
	$(Q)mkdir -p $(@D)
	$(Q)gcc -g -O1 -fno-inline -fno-optimize-sibling-calls -fno-omit-frame-pointer -fno-builtin \
	  -Wall -Wextra -Werror -o $@ $<

# the fuzzers: a tree of its own, compiled by clang; gcc's noclone it does not know
FUZZ_SECONDS ?= 20
FUZZ_OBJ := $(USER_SRC:%.c=$(OUT)/fuzz/%.o)
FUZZ_BIN := $(OUT)/fuzz/cfi_fuzz $(OUT)/fuzz/elf_fuzz
FUZZ_CFLAGS := -Wno-unknown-attributes -fsanitize=fuzzer-no-link,address,undefined \
  -fno-sanitize-recover=all

$(OUT)/fuzz/user/%.o: user/%.c | $(SKEL)
	$(say) CC $@
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(USER_CFLAGS) $(FUZZ_CFLAGS) -MMD -MP -c -o $@ $<

$(OUT)/fuzz/%_fuzz: tests/fuzz/%_fuzz.c $(FUZZ_OBJ)
	$(say) FUZZ $@
	$(Q)$(CLANG) $(USER_CFLAGS) $(FUZZ_CFLAGS) -fsanitize=fuzzer -o $@ $^ $(USER_LIBS)

-include $(FUZZ_OBJ:.o=.d)
.SECONDARY: $(FUZZ_OBJ)

.PHONY: fuzz fuzz-now
fuzz:
	$(Q)scripts/deps.sh build fuzz
	$(Q)$(MAKE) fuzz-now
fuzz-now: $(FUZZ_BIN)
	$(Q)OUT=$(OUT) scripts/fuzz.sh $(FUZZ_SECONDS)

# an unwind table, to be read
$(OUT)/tools/unwind_dump: tests/tools/unwind_dump.c $(LIB)
	$(say) TOOL $@
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(USER_CFLAGS) -o $@ $< $(LIB) $(USER_LIBS)
