# The test targets: small programs that keep a ledger of their own allocations.
# They are built so that a stack shows what the source says: nothing inlined,
# no call turned into a jump, no malloc/free pair optimised away.

TARGET_DIR := $(OUT)/targets
TARGET_CFLAGS := -g -O1 -fno-inline -fno-optimize-sibling-calls -fno-omit-frame-pointer -fno-builtin \
  -Wall -Wextra -Werror -D_GNU_SOURCE -pthread
TARGET_LIBC := functions threads scripted
TARGETS := $(addprefix $(TARGET_DIR)/, \
  functions threads scripted hold stacks space touch fork image dl custom attach load lives reallocf filtered cxx tiny \
  resident forks leak ggml moments maker \
  bits32 kernel_memory \
  libplugin.so libpool.so libmoments_late.so \
  $(foreach libc,glibc-static musl musl-static,$(addprefix $(libc)/,$(TARGET_LIBC))))

TARGET_CC := gcc
ifneq ($(CROSS),)
  # what tests/vm runs on another machine
  TARGET_CC := $(CC)
  TARGETS := $(addprefix $(TARGET_DIR)/,functions threads scripted space touch attach)
endif

.PHONY: targets
targets: $(TARGETS)

$(TARGET_DIR)/%: tests/targets/%.c tests/targets/ledger.c tests/targets/ledger.h
	$(say) TARGET $@
	$(Q)mkdir -p $(@D)
	$(Q)$(TARGET_CC) $(TARGET_CFLAGS) -o $@ $(filter %.c,$^) $(TARGET_LIBS)

$(TARGET_DIR)/custom: tests/targets/pool.c
$(TARGET_DIR)/dl $(TARGET_DIR)/moments: TARGET_LIBS := -ldl
# its functions touch no page but their own: nothing is bound when it is first called
$(TARGET_DIR)/touch: TARGET_LIBS := -Wl,-z,now

# its symbols are ggml's, and a library's that it loads
$(TARGET_DIR)/ggml: TARGET_LIBS := -rdynamic -L$(TARGET_DIR) -l:libggml-cuda.so -Wl,-rpath,'$$ORIGIN'
$(TARGET_DIR)/ggml: $(TARGET_DIR)/libggml-cuda.so
$(TARGET_DIR)/ggml $(TARGET_DIR)/libggml-cuda.so: tests/targets/ggml.h
$(TARGET_DIR)/libggml-cuda.so: tests/targets/ggml_device.c
	$(say) TARGET $@
	$(Q)mkdir -p $(@D)
	$(Q)gcc $(TARGET_CFLAGS) -fPIC -shared -o $@ $<

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

# ---- GPU doubles ------------------------------------------------------------
# Drivers of our own (tests/targets/gpu), with the names of the real ones, and programs that
# call them; OpenCL's is a real one.

GPU_DIR := $(TARGET_DIR)/gpu
GPU_LIBS := $(addprefix $(GPU_DIR)/,libcuda.so.1 libcudart.so.12 libhsa-runtime64.so.1 libamdhip64.so.6 \
  libze_loader.so.1 libnvidia-ml.so.1 old/libnvidia-ml.so.1 libnvToolsExt.so.1)
GPU_PROGRAMS := $(addprefix $(GPU_DIR)/,cuda_calls cuda_mapped cuda_pinned cuda_runtime cuda_static cuda_driver cuda_real \
  hip_calls ze_calls opencl_calls nvtx_calls)
targets: $(if $(CROSS),,$(GPU_LIBS) $(GPU_PROGRAMS))
GPU_STORE := tests/targets/gpu/store.c tests/targets/gpu/driver.c
GPU_TALLY := tests/targets/gpu/tally.c
GPU_H := $(wildcard tests/targets/gpu/*.h)

# LD_LIBRARY_PATH goes before where the doubles are: a real library can take a double's place,
# also if it lacks a function that is not called
GPU_LINK := -Wl,--enable-new-dtags,-z,lazy '-Wl,-rpath,$$ORIGIN'

define gpu_lib
	$(say) TARGET $@
	$(Q)mkdir -p $(@D)
	$(Q)gcc $(TARGET_CFLAGS) -fPIC -shared -Wl,-soname,$(@F) -o $@ $(filter %.c %.so.1,$^)
endef
define gpu_program
	$(say) TARGET $@
	$(Q)mkdir -p $(@D)
	$(Q)gcc $(TARGET_CFLAGS) -o $@ $(filter %.c,$^) $(filter %.so.1 %.so.6 %.so.12,$^) $(GPU_LIBS_MORE) $(GPU_LINK)
endef

$(GPU_DIR)/libcuda.so.1: tests/targets/gpu/cuda.c tests/targets/gpu/cuda_vmm.c tests/targets/gpu/cuda_graph.c $(GPU_STORE) $(GPU_H)
	$(gpu_lib)
$(GPU_DIR)/libcudart.so.12: tests/targets/gpu/cudart.c $(GPU_H)
	$(gpu_lib)
$(GPU_DIR)/libhsa-runtime64.so.1: tests/targets/gpu/hsa.c $(GPU_STORE) $(GPU_H)
	$(gpu_lib)
$(GPU_DIR)/libamdhip64.so.6: tests/targets/gpu/hip.c $(GPU_DIR)/libhsa-runtime64.so.1 $(GPU_H)
	$(gpu_lib)
$(GPU_DIR)/libze_loader.so.1: tests/targets/gpu/ze.c $(GPU_STORE) $(GPU_H)
	$(gpu_lib)
$(GPU_DIR)/libnvidia-ml.so.1: tests/targets/gpu/nvml.c $(GPU_H)
	$(gpu_lib)
$(GPU_DIR)/old/libnvidia-ml.so.1: tests/targets/gpu/nvml.c $(GPU_H)
	$(gpu_lib) -DNVML_OLD
$(GPU_DIR)/libnvToolsExt.so.1: tests/targets/gpu/nvtx.c $(GPU_H)
	$(gpu_lib)
$(GPU_DIR)/nvtx_calls: tests/targets/gpu/nvtx_calls.c $(GPU_DIR)/libnvToolsExt.so.1 $(GPU_H)
	$(gpu_program)
$(GPU_DIR)/cuda_%: tests/targets/gpu/cuda_%.c $(GPU_TALLY) $(GPU_DIR)/libcuda.so.1 $(GPU_H)
	$(gpu_program)
# which library it calls is seen when it runs
$(GPU_DIR)/cuda_real: tests/targets/gpu/cuda_real.c $(GPU_TALLY) $(GPU_H)
	$(gpu_program) -ldl
$(GPU_DIR)/cuda_runtime: tests/targets/gpu/cuda_runtime.c $(GPU_TALLY) $(GPU_DIR)/libcudart.so.12 $(GPU_H)
	$(gpu_program)
$(GPU_DIR)/cuda_static: tests/targets/gpu/cuda_runtime.c tests/targets/gpu/cudart.c $(GPU_TALLY) $(GPU_H)
	$(gpu_program)

$(GPU_DIR)/hip_calls: tests/targets/gpu/hip_calls.c $(GPU_TALLY) $(GPU_DIR)/libamdhip64.so.6 \
  $(GPU_DIR)/libhsa-runtime64.so.1 $(GPU_H)
	$(gpu_program)
$(GPU_DIR)/ze_calls: tests/targets/gpu/ze_calls.c $(GPU_TALLY) $(GPU_DIR)/libze_loader.so.1 $(GPU_H)
	$(gpu_program)
$(GPU_DIR)/opencl_calls: GPU_LIBS_MORE := -lOpenCL
$(GPU_DIR)/opencl_calls: tests/targets/gpu/opencl_calls.c $(GPU_TALLY) $(GPU_H)
	$(gpu_program)

# ---- PyTorch's allocators ---------------------------------------------------
# Doubles of libc10.so and libc10_cuda.so, on the double of CUDA's driver, in directories of
# their own: of PyTorch 2.6, of 1.13, and of one whose libc10.so hides the reporter of its blocks.

TORCH_DIR := $(TARGET_DIR)/torch
TORCH_H := $(wildcard tests/targets/torch/*.h) tests/targets/gpu/cuda.h
targets: $(if $(CROSS),,$(foreach version,2.6 1.13,$(TORCH_DIR)/$(version)/cuda_blocks) \
  $(TORCH_DIR)/2.6/cpu_blocks $(TORCH_DIR)/hidden/cpu_blocks \
  $(TORCH_DIR)/new_strings/steps $(TORCH_DIR)/old_strings/steps \
  $(TORCH_DIR)/new_strings/ranges)

# torch_double DIRECTORY,DEFINITIONS
define torch_double
$(TORCH_DIR)/$(1)/libc10.so: tests/targets/torch/c10.c $(TORCH_H)
	$$(say) TARGET $$@
	$$(Q)mkdir -p $$(@D)
	$$(Q)gcc $(TARGET_CFLAGS) $(2) -fPIC -shared -Wl,-soname,libc10.so -o $$@ $$<
$(TORCH_DIR)/$(1)/libc10_cuda.so: tests/targets/torch/caching.c tests/targets/torch/expandable.c $(TORCH_DIR)/$(1)/libc10.so \
  $(GPU_DIR)/libcuda.so.1 $(TORCH_H)
	$$(say) TARGET $$@
	$$(Q)gcc $(TARGET_CFLAGS) $(2) -fPIC -shared -Wl,-soname,libc10_cuda.so -o $$@ \
	  $$(filter %.c %.so %.so.1,$$^) '-Wl,-rpath,$$$$ORIGIN:$$$$ORIGIN/../../gpu'
$(TORCH_DIR)/$(1)/cuda_blocks: tests/targets/torch/cuda_blocks.c $(TORCH_DIR)/$(1)/libc10_cuda.so \
  $(TORCH_DIR)/$(1)/libc10.so $(GPU_DIR)/libcuda.so.1 $(TORCH_H)
	$$(say) TARGET $$@
	$$(Q)gcc $(TARGET_CFLAGS) $(2) -o $$@ $$(filter %.c %.so %.so.1,$$^) \
	  '-Wl,-rpath,$$$$ORIGIN:$$$$ORIGIN/../../gpu'
$(TORCH_DIR)/$(1)/cpu_blocks: tests/targets/torch/cpu_blocks.c $(TORCH_DIR)/$(1)/libc10.so $(TORCH_H)
	$$(say) TARGET $$@
	$$(Q)gcc $(TARGET_CFLAGS) $(2) -o $$@ $$(filter %.c %.so,$$^) '-Wl,-rpath,$$$$ORIGIN'
endef
# autograd_double DIRECTORY,DEFINITIONS: of libtorch_cpu.so
define autograd_double
$(TORCH_DIR)/$(1)/libtorch_cpu.so: tests/targets/torch/autograd.cpp $(TORCH_H)
	$$(say) TARGET $$@
	$$(Q)mkdir -p $$(@D)
	$$(Q)g++ $(TARGET_CFLAGS) -std=c++17 $(2) -fPIC -shared -Wl,-soname,libtorch_cpu.so -o $$@ $$<
$(TORCH_DIR)/$(1)/steps: tests/targets/torch/steps.cpp $(TORCH_DIR)/$(1)/libtorch_cpu.so \
  $(TORCH_DIR)/2.6/libc10.so $(TORCH_H)
	$$(say) TARGET $$@
	$$(Q)g++ $(TARGET_CFLAGS) -std=c++17 $(2) -o $$@ $$(filter %.cpp %.so,$$^) \
	  '-Wl,-rpath,$$$$ORIGIN:$$$$ORIGIN/../2.6'
$(TORCH_DIR)/$(1)/libranges_late.so: tests/targets/torch/ranges_late.cpp $(TORCH_DIR)/$(1)/libtorch_cpu.so $(TORCH_H)
	$$(say) TARGET $$@
	$$(Q)g++ $(TARGET_CFLAGS) -std=c++17 $(2) -fPIC -shared -o $$@ $$(filter %.cpp %.so,$$^) \
	  '-Wl,-rpath,$$$$ORIGIN'
$(TORCH_DIR)/$(1)/ranges: tests/targets/torch/ranges.cpp $(TORCH_DIR)/$(1)/libtorch_cpu.so \
  $(TORCH_DIR)/2.6/libc10.so $(TORCH_H) | $(TORCH_DIR)/$(1)/libranges_late.so
	$$(say) TARGET $$@
	$$(Q)g++ $(TARGET_CFLAGS) -std=c++17 $(2) -o $$@ $$(filter %.cpp %.so,$$^) \
	  '-Wl,-rpath,$$$$ORIGIN:$$$$ORIGIN/../2.6'
endef
$(eval $(call autograd_double,new_strings,-D_GLIBCXX_USE_CXX11_ABI=1))
$(eval $(call autograd_double,old_strings,-D_GLIBCXX_USE_CXX11_ABI=0))
$(eval $(call torch_double,2.6))
$(eval $(call torch_double,1.13,-DTORCH_1_13))
$(eval $(call torch_double,hidden,-DC10_HIDDEN))

# ---- TensorFlow's and ONNX Runtime's arenas -----------------------------------
# Doubles of the libraries that they are in, and a program on each: TensorFlow's in the two
# namespaces that it has been in.

ARENA_DIR := $(TARGET_DIR)/arena
ARENA_H := $(wildcard tests/targets/arena/*.hpp)
targets: $(if $(CROSS),,$(addprefix $(ARENA_DIR)/,tsl/tensorflow_blocks old/tensorflow_blocks \
  ort/onnxruntime_blocks))

# arena_double DIRECTORY,LIBRARY,NAME,DEFINITIONS
define arena_double
$(ARENA_DIR)/$(1)/$(2): tests/targets/arena/$(3).cpp $(ARENA_H)
	$$(say) TARGET $$@
	$$(Q)mkdir -p $$(@D)
	$$(Q)g++ -std=c++17 $(TARGET_CFLAGS) $(4) -fPIC -shared -Wl,-soname,$(2) -o $$@ $$<
$(ARENA_DIR)/$(1)/$(3)_blocks: tests/targets/arena/$(3)_blocks.cpp $(ARENA_DIR)/$(1)/$(2) $(ARENA_H)
	$$(say) TARGET $$@
	$$(Q)g++ -std=c++17 $(TARGET_CFLAGS) $(4) -o $$@ $$< $(ARENA_DIR)/$(1)/$(2) \
	  '-Wl,-rpath,$$$$ORIGIN'
endef
$(eval $(call arena_double,tsl,libtensorflow_framework.so.2,tensorflow,-DSPACE=tsl))
$(eval $(call arena_double,old,libtensorflow_framework.so.2,tensorflow,-DSPACE=tensorflow))
$(eval $(call arena_double,ort,libonnxruntime.so.1,onnxruntime))

# ---- call chains ------------------------------------------------------------
# One source (tests/targets/chain*.c), built in every way that a compiler lays out
# frames and says how; the functions of chain_half.c with flags of their own.

CHAIN_DIR := $(TARGET_DIR)/chain
CHAIN_CFLAGS := -Wall -Wextra -Werror -Wno-missing-field-initializers -D_GNU_SOURCE -pthread
CHAIN_SRC := $(addprefix tests/targets/,chain.c chain_note.c chain_signal.c chain_switch.c chain_asm.S)
CHAIN_HALF := tests/targets/chain_half.c
CHAIN_LIBS := tests/targets/chain_lib.c tests/targets/chain_gone.c
CHAIN_ALL := $(CHAIN_SRC) $(CHAIN_HALF) $(CHAIN_LIBS) tests/targets/chain.h tests/targets/chain_parts.h

# chain_build NAME,COMPILER AND FLAGS,FLAGS OF THE HALF,FLAGS OF THE PROGRAM; with shared libraries
define chain_build
CHAINS += $(CHAIN_DIR)/$(1)/chain
$(CHAIN_DIR)/$(1)/chain: $(CHAIN_ALL)
	$$(say) TARGET $$@
	$$(Q)mkdir -p $$(@D)
	$$(Q)$(2) $(CHAIN_CFLAGS) -fPIC -shared -o $$(@D)/libchain.so tests/targets/chain_lib.c
	$$(Q)$(2) $(CHAIN_CFLAGS) -fPIC -shared -o $$(@D)/libgone.so tests/targets/chain_gone.c
	$$(Q)$(2) $(CHAIN_CFLAGS) $(3) $(4) -c -o $$(@D)/half.o $(CHAIN_HALF)
	$$(Q)$(2) $(CHAIN_CFLAGS) $(4) -rdynamic -o $$@ $(CHAIN_SRC) $$(@D)/half.o \
	  -L$$(@D) -lchain '-Wl,-rpath,$$$$ORIGIN' -ldl
endef

# the same without shared libraries; one of the flags says -static
define chain_build_static
CHAINS += $(CHAIN_DIR)/$(1)/chain
$(CHAIN_DIR)/$(1)/chain: $(CHAIN_ALL)
	$$(say) TARGET $$@
	$$(Q)mkdir -p $$(@D)
	$$(Q)$(2) $(CHAIN_CFLAGS) $(3) $(4) -c -o $$(@D)/half.o $(CHAIN_HALF)
	$$(Q)$(2) $(CHAIN_CFLAGS) $(4) -DCHAIN_STATIC -o $$@ $(CHAIN_SRC) $$(@D)/half.o \
	  tests/targets/chain_lib.c
endef

# chain_stripped NAME,OF: without a symbol, beside the one that has them
define chain_stripped
CHAINS += $(CHAIN_DIR)/$(1)/chain
$(CHAIN_DIR)/$(1)/chain: $(CHAIN_DIR)/$(2)/chain
	$$(say) TARGET $$@
	$$(Q)mkdir -p $$(@D)
	$$(Q)cp $$(<D)/*.so $$(@D)/ 2>/dev/null || true
	$$(Q)for file in $$(@D)/*.so; do ! [ -e $$$$file ] || strip $$$$file; done
	$$(Q)strip -o $$@ $$<
endef

NO_POINTER := -fomit-frame-pointer
NO_TABLES := -DCHAIN_NO_ROWS -g0 -fno-asynchronous-unwind-tables -fno-unwind-tables -fno-omit-frame-pointer
$(eval $(call chain_build,pointers,gcc -g -O1 -fno-omit-frame-pointer))
$(eval $(call chain_build,gcc-O0,gcc -g -O0))
$(eval $(call chain_build,gcc-O2,gcc -g -O2))
$(eval $(call chain_build,gcc-O3,gcc -g -O3 $(NO_POINTER)))
$(eval $(call chain_build,gcc-lto,gcc -g -O2 -flto))
$(eval $(call chain_build,gcc-no-pie,gcc -g -O2,,-no-pie -fno-pie))
$(eval $(call chain_build_static,gcc-static,gcc -g -O2,,-static))
$(eval $(call chain_build_static,gcc-static-pie,gcc -g -O2,,-static-pie -fPIE))
$(eval $(call chain_build,clang-O0,clang -g -O0))
$(eval $(call chain_build,clang-O2,clang -g -O2))
$(eval $(call chain_build,clang-O3,clang -g -O3 $(NO_POINTER)))
$(eval $(call chain_build,clang-lto,clang -g -O2 -flto))
$(eval $(call chain_build_static,clang-static,clang -g -O2,,-static))
$(eval $(call chain_build,mixed,gcc -g -O2 $(NO_POINTER),-fno-omit-frame-pointer))
$(eval $(call chain_build,half-rows,gcc -g -O2 $(NO_POINTER),$(NO_TABLES)))
$(eval $(call chain_build,debug-frame,gcc -g -O2 -fno-asynchronous-unwind-tables))
$(eval $(call chain_build,musl,musl-gcc -g -O2))
$(eval $(call chain_build_static,musl-static,musl-gcc -g -O2,,-static))
$(eval $(call chain_stripped,stripped,gcc-O2))

# chain_cxx NAME,C++ COMPILER,C COMPILER,FLAGS
define chain_cxx
CHAINS += $(CHAIN_DIR)/$(1)/chain_cxx
$(CHAIN_DIR)/$(1)/chain_cxx: tests/targets/chain_cxx.cpp tests/targets/chain_note.c tests/targets/chain.h
	$$(say) TARGET $$@
	$$(Q)mkdir -p $$(@D)
	$$(Q)$(3) $(CHAIN_CFLAGS) $(4) -c -o $$@.note.o tests/targets/chain_note.c
	$$(Q)$(2) -std=c++17 $(CHAIN_CFLAGS) $(4) -o $$@ $$< $$@.note.o
endef
$(eval $(call chain_cxx,gcc-O0,g++,gcc,-g -O0))
$(eval $(call chain_cxx,gcc-O2,g++,gcc,-g -O2))
$(eval $(call chain_cxx,clang-O2,clang++,clang,-g -O2))
$(eval $(call chain_cxx,gcc-static,g++,gcc,-g -O2 -static))

# where there is a Rust compiler
ifneq ($(shell command -v rustc),)
CHAINS += $(CHAIN_DIR)/rust/chain
endif
$(CHAIN_DIR)/rust/chain: tests/targets/chain.rs
	$(say) TARGET $@
	$(Q)mkdir -p $(@D)
	$(Q)rustc --edition 2021 -g -C opt-level=2 -D warnings -o $@ $<

ifneq ($(CROSS),)
  CHAINS :=
  $(eval $(call chain_build,cross-pointers,$(CC) -g -O1 -fno-omit-frame-pointer))
  $(eval $(call chain_build,cross-O2,$(CC) -g -O2 $(NO_POINTER)))
  $(eval $(call chain_build_static,cross-static,$(CC) -g -O2,,-static))
  # return addresses signed (ARMv8.3), in functions that save none, too
  $(eval $(call chain_build,cross-signed,$(CC) -g -O2 $(NO_POINTER) -mbranch-protection=pac-ret+leaf))
endif

.PHONY: chains
chains: $(CHAINS)
targets: chains
