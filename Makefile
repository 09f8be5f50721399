# memsnoop: `make` builds ./memsnoop; everything else built lies in .output/.
# `make help` lists the targets.

.DELETE_ON_ERROR:
.SUFFIXES:

VERSION := 0.1.0
OUT := .output
PREFIX ?= /usr/local
CC ?= gcc
CLANG ?= clang
BPFTOOL ?= $(shell command -v bpftool || echo /usr/sbin/bpftool)
PKGCONFIG ?= pkg-config
PACKAGES := libbpf libelf libdw capstone jansson ncursesw zlib liblzma

ifeq ($(V),1)
  Q :=
  say = @:
else
  Q := @
  say = @printf '  %-8s %s\n'
  MAKEFLAGS += --no-print-directory
endif

# As many at a time as there are processors, unless make was told.
ifeq ($(MAKELEVEL)$(filter -j%,$(MAKEFLAGS)),0)
  MAKEFLAGS += -j$(shell nproc)
endif

# ARCH=arm64 builds for another machine, with Debian's packages for it (scripts/sysroot.sh)
HOST_ARCH := $(patsubst aarch64,arm64,$(shell uname -m))
ARCH ?= $(HOST_ARCH)
ifeq ($(ARCH),x86_64)
  BPF_ARCH := x86
else ifeq ($(ARCH),arm64)
  BPF_ARCH := arm64
else
  $(error memsnoop runs on x86_64 and arm64 only, not on $(ARCH))
endif
ifneq ($(ARCH),$(HOST_ARCH))
  ifneq ($(ARCH),arm64)
    $(error there is no cross build for $(ARCH))
  endif
  CROSS := aarch64-linux-gnu
  SYSROOT := $(or $(MEMSNOOP_SYSROOT),/var/cache/memsnoop/sysroot-$(ARCH))
  ifeq ($(wildcard $(SYSROOT)/usr/include),)
    $(error a build for $(ARCH) needs Debian's packages for it: scripts/deps.sh build vm, scripts/sysroot.sh $(ARCH))
  endif
  OUT := .output/$(ARCH)
  # clang, as Debian's gcc for arm64 conflicts with the one that tests build for 32 bits with
  CC := $(CLANG) --target=$(CROSS) --sysroot=$(SYSROOT) -Wno-unknown-attributes
  PKGCONFIG := PKG_CONFIG_SYSROOT_DIR=$(SYSROOT) \
    PKG_CONFIG_LIBDIR=$(SYSROOT)/usr/lib/$(CROSS)/pkgconfig:$(SYSROOT)/usr/share/pkgconfig $(PKGCONFIG)
  LDFLAGS += -Wl,-rpath-link,$(SYSROOT)/usr/lib/$(CROSS)
  MULTIARCH := $(CROSS)
  PROGRAM_OUT := $(OUT)/
else
  MULTIARCH := $(shell $(CC) -print-multiarch 2>/dev/null)
endif

WARN := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes
SANITIZE ?=
ifneq ($(SANITIZE),)
  # the sanitized build has a tree of its own
  OUT := .output/$(SANITIZE)
  SANFLAGS := -fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer
endif
CFLAGS ?= -O2 -g
USER_CFLAGS = -std=gnu11 $(CFLAGS) $(WARN) $(SANFLAGS) -D_GNU_SOURCE -DMEMSNOOP_VERSION='"$(VERSION)"' \
  -Iuser -Ibpf -I$(OUT) $(shell $(PKGCONFIG) --cflags $(PACKAGES) 2>/dev/null)
USER_LIBS = $(shell $(PKGCONFIG) --libs $(PACKAGES) 2>/dev/null) -liberty -lm
BPF_CFLAGS = -g -O2 -target bpf -mcpu=v3 -D__TARGET_ARCH_$(BPF_ARCH) $(WARN) \
  -Wno-missing-prototypes -Wno-unused-parameter \
  -Ibpf -Ivmlinux $(if $(MULTIARCH),$(if $(CROSS),-isystem,-idirafter) $(SYSROOT)/usr/include/$(MULTIARCH))

USER_SRC := $(sort $(filter-out user/main.c,$(wildcard user/*.c user/*/*.c)))
USER_OBJ := $(USER_SRC:%.c=$(OUT)/%.o)
BPF_SRC := $(sort $(wildcard bpf/*.bpf.c bpf/*/*.bpf.c))
BPF_OBJ := $(BPF_SRC:%.c=$(OUT)/%.o)
# one object and skeleton for each directory of bpf/, so that what is not used is not loaded
BPF_PARTS := $(sort $(patsubst bpf/%/,%,$(dir $(wildcard bpf/*/*.bpf.c))))
SKEL := $(patsubst %,$(OUT)/%.skel.h,memsnoop $(BPF_PARTS))
LIB := $(OUT)/libmemsnoop.a
ifeq ($(SANITIZE),)
  PROGRAM := $(PROGRAM_OUT)memsnoop
else
  PROGRAM := $(OUT)/memsnoop
endif

UNIT_SRC := $(sort $(wildcard tests/unit/*_test.c))
UNIT_BIN := $(UNIT_SRC:%.c=$(OUT)/%)

.PHONY: all
all: $(PROGRAM)

$(PROGRAM): $(OUT)/user/main.o $(LIB)
	$(say) LINK $@
	$(Q)$(CC) $(CFLAGS) $(SANFLAGS) $(LDFLAGS) -o $@ $^ $(USER_LIBS)

$(LIB): $(USER_OBJ)
	$(say) AR $@
	$(Q)rm -f $@ && ar rcs $@ $^

$(OUT)/user/%.o: user/%.c | $(SKEL)
	$(say) CC $<
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(USER_CFLAGS) -MMD -MP -c -o $@ $<

$(OUT)/bpf/%.bpf.o: bpf/%.bpf.c
	$(say) BPF $<
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -MMD -MP -c -o $@ $<

$(OUT)/memsnoop.bpf.o: $(patsubst %.c,$(OUT)/%.o,$(wildcard bpf/*.bpf.c))
$(foreach part,$(BPF_PARTS),$(eval \
  $(OUT)/$(part).bpf.o: $(patsubst %.c,$(OUT)/%.o,$(wildcard bpf/$(part)/*.bpf.c))))

# what each program and function costs at most, in instructions, is printed at each link
$(SKEL:.skel.h=.bpf.o):
	$(say) BPFLINK $@
	$(Q)$(BPFTOOL) gen object $@ $^
	$(Q)readelf -sW $@ 2>/dev/null | awk '$$4 == "FUNC" { printf "  INSNS    %-20s %d\n", $$8, $$3 / 8 }'

$(SKEL): $(OUT)/%.skel.h: $(OUT)/%.bpf.o
	$(say) SKEL $@
	$(Q)$(BPFTOOL) gen skeleton $< name $*_bpf > $@

# -- tests -----------------------------------------------------------------

$(OUT)/tests/unit/%: tests/unit/%.c $(LIB)
	$(say) TEST $@
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(USER_CFLAGS) -MMD -MP -MF $@.d -o $@ $< $(LIB) $(USER_LIBS) -lcmocka

# what runs in the kernel, compiled for user space
$(OUT)/tests/unit/walk_test $(OUT)/tests/unit/walk_recent_test: USER_CFLAGS += -Wno-unknown-pragmas -Wno-unused-parameter
$(OUT)/tests/unit/walk_test $(OUT)/tests/unit/walk_recent_test: CPPFLAGS := -Itests/stub -Ivmlinux

.PHONY: unit
unit: $(UNIT_BIN)

-include tests/targets.mk scripts/tasks.mk
-include $(USER_OBJ:.o=.d) $(OUT)/user/main.d $(BPF_OBJ:.o=.d) $(UNIT_BIN:%=%.d)
