# The test targets: small programs that keep a ledger of their own allocations.
# They are built so that a stack shows what the source says: nothing inlined,
# no call turned into a jump, no malloc/free pair optimised away.

TARGET_DIR := $(OUT)/targets
TARGET_CFLAGS := -g -O1 -fno-inline -fno-optimize-sibling-calls -fno-omit-frame-pointer -fno-builtin \
  -Wall -Wextra -Werror -D_GNU_SOURCE -pthread
TARGET_LIBC := functions threads scripted
TARGETS := $(addprefix $(TARGET_DIR)/, \
  functions threads scripted hold stacks fork image dl custom attach load lives reallocf filtered cxx tiny \
  bits32 \
  libplugin.so libpool.so \
  $(foreach libc,glibc-static musl musl-static,$(addprefix $(libc)/,$(TARGET_LIBC))))

.PHONY: targets
targets: $(TARGETS)

$(TARGET_DIR)/%: tests/targets/%.c tests/targets/ledger.c tests/targets/ledger.h
	$(say) TARGET $@
	$(Q)mkdir -p $(@D)
	$(Q)gcc $(TARGET_CFLAGS) -o $@ $(filter %.c,$^) $(TARGET_LIBS)

$(TARGET_DIR)/custom: tests/targets/pool.c
$(TARGET_DIR)/dl: TARGET_LIBS := -ldl

$(TARGET_DIR)/lib%.so: tests/targets/%.c
	$(say) TARGET $@
	$(Q)mkdir -p $(@D)
	$(Q)gcc $(TARGET_CFLAGS) -fPIC -shared -o $@ $<

# the ledger is C and stays so: its functions' names are looked for
$(TARGET_DIR)/cxx: tests/targets/cxx.cpp tests/targets/ledger.c tests/targets/ledger.h
	$(say) TARGET $@
	$(Q)mkdir -p $(@D)
	$(Q)gcc $(TARGET_CFLAGS) -c -o $@.ledger.o tests/targets/ledger.c
	$(Q)g++ -std=c++17 $(TARGET_CFLAGS) -fsized-deallocation -o $@ $< $@.ledger.o

$(TARGET_DIR)/tiny: tests/targets/tiny.c
	$(say) TARGET $@
	$(Q)mkdir -p $(@D)
	$(Q)gcc $(TARGET_CFLAGS) -static -nostdlib -fno-stack-protector -o $@ $<

# a 32-bit program, to be refused; static, so that no 32-bit libc is needed to run it
$(TARGET_DIR)/bits32: tests/targets/lives.c tests/targets/ledger.c tests/targets/ledger.h
	$(say) TARGET $@
	$(Q)mkdir -p $(@D)
	$(Q)gcc -m32 -static -DLEDGER_STATIC $(TARGET_CFLAGS) -o $@ $(filter %.c,$^)

$(TARGET_DIR)/glibc-static/%: tests/targets/%.c tests/targets/ledger.c tests/targets/ledger.h
	$(say) TARGET $@
	$(Q)mkdir -p $(@D)
	$(Q)gcc -static -DLEDGER_STATIC $(TARGET_CFLAGS) -o $@ $(filter %.c,$^)

$(TARGET_DIR)/musl/%: tests/targets/%.c tests/targets/ledger.c tests/targets/ledger.h
	$(say) TARGET $@
	$(Q)mkdir -p $(@D)
	$(Q)musl-gcc $(TARGET_CFLAGS) -o $@ $(filter %.c,$^)

$(TARGET_DIR)/musl-static/%: tests/targets/%.c tests/targets/ledger.c tests/targets/ledger.h
	$(say) TARGET $@
	$(Q)mkdir -p $(@D)
	$(Q)musl-gcc -static -DLEDGER_STATIC $(TARGET_CFLAGS) -o $@ $(filter %.c,$^)
