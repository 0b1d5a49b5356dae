# socweave. `make help` lists the targets; V=1 shows the commands.
# CC, CXX, CFLAGS, CXXFLAGS, CPPFLAGS, LDFLAGS, PREFIX, DESTDIR belong to the user.

BUILD   ?= build
PREFIX  ?= /usr/local
WERROR  ?= -Werror
DEPS    ?= auto
CFLAGS  ?= -O2 -g
CXXFLAGS ?= -O2 -g

VERSION := $(shell cat VERSION)

# Debian 12 packages: to build, and to lint and look at reports in the tests.
PACKAGES      := build-essential pkg-config libsystemc-dev libjansson-dev nettle-dev libsqlite3-dev zlib1g-dev \
                 protobuf-compiler protobuf-c-compiler libprotobuf-c-dev libonnx-dev
LINT_PACKAGES := clang-format
TEST_PACKAGES := libonnx-testdata
FUZZ_PACKAGES := clang
VALGRIND_PACKAGES := valgrind

FOLDERS := core frontends cost ga mapper sweep sim intrinsics backends backends/cpu backends/cuda exec \
           reports cli
C_SRC   := $(wildcard $(addsuffix /*.c,$(FOLDERS)))
CXX_SRC := $(wildcard $(addsuffix /*.cpp,$(FOLDERS)))

# sweep spreads over machines where MPI is there; MPI=0 leaves it out.
MPI     ?= $(if $(shell command -v mpicc),1,0)
MPI_SRC := sweep/mpi/$(if $(filter 1,$(MPI)),mpi,stub).c
C_SRC   += $(MPI_SRC)
ifeq ($(MPI),1)
  MPI_CFLAGS := $(patsubst -I%,-isystem %,$(filter -I% -D%,$(shell mpicc -show)))
  MPI_LIBS   := $(filter -L% -l% -Wl%,$(shell mpicc -show))
endif
comma := ,
# The kernels are built where nvcc is (a minute); CUDA=0, or no nvcc: a stub that says so.
NVCC       ?= $(firstword $(wildcard /usr/local/cuda/bin/nvcc) nvcc)
CUDA       ?= $(if $(shell command -v $(NVCC)),1,0)
CUDA_HOME  ?= $(patsubst %/bin/nvcc,%,$(NVCC))
CUDA_ARCHS ?= 80 89 90a
ifeq ($(CUDA),1)
  C_SRC    := $(filter-out backends/cuda/stub.c,$(C_SRC)) $(wildcard backends/cuda/device/*.c)
  CU_SRC   := $(wildcard backends/cuda/kernels/*.cu)
  # Machine code for each, and PTX of the last one for what comes after; wgmma is for sm_90a alone.
  CU_PLAIN := $(patsubst %a,%,$(CUDA_ARCHS))
  CU_FLAGS := -std=c++17 -O3 -Xptxas -v $(foreach a,$(CU_PLAIN),-gencode arch=compute_$(a),code=sm_$(a)) \
              -gencode arch=compute_$(lastword $(CU_PLAIN)),code=compute_$(lastword $(CU_PLAIN))
  CU_WGMMA := -std=c++17 -O3 -Xptxas -v $(if $(filter 90a,$(CUDA_ARCHS)),-gencode \
              arch=compute_90a$(comma)code=sm_90a,-DCUDA_WITHOUT_WGMMA)
  CU_LIBS  := -L$(CUDA_HOME)/lib64 -lcudart_static -lpthread -ldl -lrt
endif
TEST_SRC  := $(wildcard tests/*.c tests/unit/*.c tests/model/*.c) bench/handout/simulate.c
# oneDNN, only for the bench: left out where its header is not found.
DNNL := $(wildcard /usr/include/dnnl.hpp)
BENCH_SRC := $(filter-out bench/peer_cuda%,$(wildcard bench/*.c)) tests/model/twin.c \
             bench/peer_cuda$(if $(filter 1,$(CUDA)),,_stub).c $(if $(DNNL),bench/peer_dnnl.cpp)

HANDOUT_SRC := $(wildcard bench/handout/*.c)

ONNX_PROTO ?= /usr/include/onnx/onnx.proto
ONNX_PB    := $(BUILD)/frontends/onnx/onnx.pb-c

object  = $(patsubst %,$(BUILD)/%.o,$(1))
LIB_OBJ   := $(call object,$(filter-out cli/main.c,$(C_SRC)) $(CXX_SRC) $(CU_SRC)) $(ONNX_PB).c.o
MAIN_OBJ  := $(call object,cli/main.c)
TEST_OBJ  := $(call object,$(TEST_SRC))
BENCH_OBJ := $(call object,$(BENCH_SRC))
HANDOUT_OBJ := $(call object,$(HANDOUT_SRC))

PKG := jansson systemc nettle sqlite3 zlib libprotobuf-c
PKG_CFLAGS = $(shell pkg-config --cflags $(PKG) 2>/dev/null)
PKG_LIBS   = $(shell pkg-config --libs $(PKG) 2>/dev/null)

WARN     := -Wall -Wextra -Wshadow -Wvla -Wundef -Wpointer-arith -Wwrite-strings -Wno-missing-field-initializers $(WERROR)
WARN_C   := -Wstrict-prototypes -Wmissing-prototypes
INCLUDES  = -I. -I$(BUILD) $(PKG_CFLAGS) -D_GNU_SOURCE -DSOCWEAVE_VERSION='"$(VERSION)"'
OPENMP   ?= -fopenmp
ALL_CFLAGS   = -std=c11 $(OPENMP) $(WARN) $(WARN_C) $(CFLAGS)
ALL_CXXFLAGS = -std=c++17 -fopenmp $(WARN) $(CXXFLAGS)
LIBS = -Wl,--as-needed $(PKG_LIBS) $(MPI_LIBS) -lm

V ?= 0
ifeq ($(V),0)
  say = @printf '  %-6s %s\n' $(1) $(2);
endif

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all deps demo check check-cuda check-unit check-cli asan valgrind fuzz bench handout lint format format-check trace update-golden \
        install uninstall clean help

## all: build/socweave (default)
all: $(BUILD)/socweave

# A change of flags rebuilds everything, one of what is linked (MPI=, CUDA=, a file that came or went) links
# again; missing packages are named before the first compile.
FLAGS_NOW = $(CC) $(CXX) $(ALL_CFLAGS) $(ALL_CXXFLAGS) $(INCLUDES) $(CPPFLAGS) $(LDFLAGS)
LINK_NOW  = MPI=$(MPI) $(MPI_CFLAGS) CUDA=$(CUDA) $(NVCC) $(CU_FLAGS) $(LIBS) $(CU_LIBS) $(LIB_OBJ)
stamp     = @mkdir -p $(@D); echo '$(subst ','\'',$(1))' | cmp -s - $@ || echo '$(subst ','\'',$(1))' > $@
$(BUILD)/flags: FORCE
	@pkg-config --exists $(PKG) || { echo "missing: $(PKG) (pkg-config); run 'make deps'" >&2; exit 1; }
	$(call stamp,$(FLAGS_NOW))
$(BUILD)/flags-cuda: FORCE
	$(call stamp,$(NVCC) $(CU_FLAGS) $(CU_WGMMA))
$(BUILD)/linked: FORCE
	$(call stamp,$(LINK_NOW))
.PHONY: FORCE
FORCE:

$(BUILD)/%.c.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<) $(CC) $(ALL_CFLAGS) $(INCLUDES) $(CPPFLAGS) -MMD -MP -c -o $@ $<
$(BUILD)/%.cpp.o: %.cpp $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CXX,$<) $(CXX) $(ALL_CXXFLAGS) $(INCLUDES) $(CPPFLAGS) -MMD -MP -c -o $@ $<

# Plain loops over rows of numbers: for the vectoriser.
$(call object,backends/evaluate.c): ALL_CFLAGS += -O3
$(call object,backends/cpu/engine_data.c): ALL_CFLAGS += -O3
$(call object,exec/exec_step.c): ALL_CFLAGS += -O3

$(call object,sweep/mpi/mpi.c): INCLUDES += $(MPI_CFLAGS)
$(call object,sweep/mpi/mpi.c backends/cuda/device/device.c): $(BUILD)/linked

# Instruction sets of kernels, which nobody calls before machine.c has looked.
# gcc 12 moves sums to and fro around an asm statement unless it may rename registers.
AVX512 := -mavx512f -mavx512bw -mavx512vl -mavx512dq -mprefer-vector-width=512 \
    $(shell $(CC) -Werror -frename-registers -E -x c /dev/null >/dev/null 2>&1 && echo -frename-registers)
$(call object,$(wildcard backends/cpu/kernel_*avx512vnni.c)): ALL_CFLAGS += $(AVX512) -mavx512vnni
$(call object,backends/cpu/kernel_finish_avx512.c): ALL_CFLAGS += $(AVX512)
$(call object,backends/cpu/kernel_avxvnni.c): ALL_CFLAGS += -mavx2 -mavxvnni
$(call object,backends/cpu/kernel_avx2.c): ALL_CFLAGS += -mavx2
$(call object,backends/cpu/kernel_avx512bf16.c): ALL_CFLAGS += $(AVX512) -mavx512bf16

$(call object,bench/bench_cpu.c): INCLUDES += $(if $(DNNL),-DBENCH_DNNL)
$(BUILD)/bench_socweave: LIBS += $(if $(DNNL),-ldnnl)

# What ptxas says of every kernel stays beside the object, for tests/cli/cuda.sh.
$(BUILD)/%.cu.o: %.cu $(BUILD)/flags-cuda
	@mkdir -p $(@D)
	$(call say,NVCC,$<) $(filter ccache,$(CC)) $(NVCC) $(CU_FLAGS) -I. -MMD -MP -c -o $@ $< 2>$@.log || \
	    { cat $@.log >&2; exit 1; }
$(BUILD)/backends/cuda/kernels/wgmma_%.cu.o: private CU_FLAGS = $(CU_WGMMA)
$(BUILD)/backends/cuda/device/%.o: INCLUDES += -isystem $(CUDA_HOME)/include

# The messages of an ONNX file: generated, and compiled without our warnings.
$(ONNX_PB).c $(ONNX_PB).h &: $(ONNX_PROTO)
	@mkdir -p $(@D)
	$(call say,PROTO,$<) protoc-c --c_out=$(BUILD)/frontends -I$(patsubst %/onnx/onnx.proto,%,$<) $<
$(ONNX_PB).c.o: $(ONNX_PB).c $(BUILD)/flags
	$(call say,CC,$<) $(CC) -std=c11 $(CFLAGS) -I$(BUILD)/frontends $(PKG_CFLAGS) $(CPPFLAGS) -c -o $@ $<
$(call object,$(wildcard frontends/*.c)): | $(ONNX_PB).h

# Style and script of report.html as C string literals.
$(BUILD)/reports/%.inc: reports/%
	@mkdir -p $(@D)
	@sed 's/[\\"]/\\&/g; s/.*/"&\\n"/' $< > $@
$(BUILD)/reports/report_html.c.o: $(BUILD)/reports/report_style.css.inc $(BUILD)/reports/report_script.js.inc
$(BUILD)/reports/compare_html.c.o: $(BUILD)/reports/report_style.css.inc $(BUILD)/reports/compare_style.css.inc
$(BUILD)/reports/validation_html.c.o: $(BUILD)/reports/report_style.css.inc
$(BUILD)/reports/sweep_html.c.o: $(BUILD)/reports/report_style.css.inc $(BUILD)/reports/sweep_style.css.inc

$(BUILD)/socweave: $(MAIN_OBJ) $(LIB_OBJ)
$(BUILD)/test_socweave: $(TEST_OBJ) $(LIB_OBJ)
$(BUILD)/bench_socweave: $(BENCH_OBJ) $(LIB_OBJ)
$(BUILD)/handout: $(HANDOUT_OBJ) $(LIB_OBJ)
$(BUILD)/socweave $(BUILD)/test_socweave $(BUILD)/bench_socweave $(BUILD)/handout: $(BUILD)/linked
	$(call say,LINK,$@) $(CXX) -fopenmp $(CXXFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(LIBS) $(CU_LIBS)

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)

## deps: install what is missing with apt-get (DEPS=skip forbids it)
deps:
	@DEPS=$(DEPS) tests/tools/deps $(PACKAGES)

## demo: set up, build, explore comb-small-low x mixed-light, say where the report is
demo: deps
	@$(MAKE) --no-print-directory all
	@$(BUILD)/socweave explore --soc soc-configs/comb-small-low.json \
	    --workload dnn-graphs/workloads/mixed-light.json --out out/demo

## check: set up, build, run every test; the last line is "N passed, N failed, N skipped"
check: deps
	@DEPS=$(DEPS) tests/tools/deps $(TEST_PACKAGES)
	@$(MAKE) --no-print-directory all $(BUILD)/test_socweave
	@BUILD=$(BUILD) tests/run

## check-cuda: build the CUDA kernels, run the backend's tests; with a GPU random cases, compute-sanitizer, networks
check-cuda: deps
	@$(MAKE) --no-print-directory CUDA=1 BUILD=$(BUILD)-cuda all $(BUILD)-cuda/test_socweave
	@BUILD=$(BUILD)-cuda tests/tools/check-cuda

## asan: the tests under AddressSanitizer and UndefinedBehaviorSanitizer
asan: deps
	@$(MAKE) --no-print-directory BUILD=build-asan CUDA=0 CFLAGS='-O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer' \
	    CXXFLAGS='-O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -DSC_INCLUDE_DYNAMIC_PROCESSES=0' \
	    build-asan/socweave build-asan/test_socweave
	@BUILD=build-asan tests/run --sanitized

## valgrind: the CPU backend's tests under memcheck, which has no AVX-512: the AVX2 and portable kernels
VALGRIND_TESTS ?= cpu__ cpu_work exec_ backend_
valgrind: deps
	@DEPS=$(DEPS) tests/tools/deps $(VALGRIND_PACKAGES)
	@$(MAKE) --no-print-directory $(BUILD)/test_socweave
	@valgrind -q --error-exitcode=1 --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite \
	    $(BUILD)/test_socweave $(VALGRIND_TESTS)

## fuzz: libFuzzer on the importer and on each kind of file, FUZZ_SECONDS (30) each; FUZZ="onnx soc" for some
FUZZ         ?= onnx dnn soc workload mapping splits space intrinsic machine validation result rows
FUZZ_SECONDS ?= 30
FUZZ_OBJ = $(call object,$(wildcard $(patsubst %,%/*.c,core frontends cost sim intrinsics sweep reports))) $(ONNX_PB).c.o
FUZZ_SANITIZE = address,undefined
$(BUILD)/fuzz.a: $(FUZZ_OBJ)
	$(call say,AR,$@) rm -f $@ && $(AR) rc $@ $^
$(BUILD)/fuzz-%: $(BUILD)/tests/fuzz/fuzz_%.c.o $(BUILD)/fuzz.a
	$(call say,LINK,$@) $(CC) -fsanitize=fuzzer,$(FUZZ_SANITIZE) -o $@ $^ $(LIBS)
fuzz: deps
	@DEPS=$(DEPS) tests/tools/deps $(FUZZ_PACKAGES)
	@$(MAKE) --no-print-directory BUILD=build-fuzz CC=clang OPENMP= WERROR= \
	    CFLAGS='-O1 -g -fsanitize=fuzzer-no-link,$(FUZZ_SANITIZE) -fno-sanitize-recover=all' $(addprefix build-fuzz/fuzz-,$(FUZZ))
	@BUILD=build-fuzz SECONDS_EACH=$(FUZZ_SECONDS) tests/fuzz/run $(FUZZ)

## bench: figures as JSON lines {"bench": …, "value": …, "unit": …}
bench: deps
	@$(MAKE) --no-print-directory all $(BUILD)/bench_socweave
	@$(BUILD)/bench_socweave

## handout: what limits a sweep on many machines, measured and simulated (docs/scaling.md)
handout: $(BUILD)/handout
	@bench/handout/study

## lint: include direction, symbol prefixes, headers that compile alone, formatting
lint: deps
	@DEPS=$(DEPS) tests/tools/deps $(LINT_PACKAGES)
	@$(MAKE) --no-print-directory all
	@tests/tools/check-layers && tests/tools/check-layers --self-test
	@BUILD=$(BUILD) tests/tools/check-symbols && BUILD=$(BUILD) tests/tools/check-symbols --self-test
	@CC='$(CC)' FLAGS='$(INCLUDES)' tests/tools/check-headers
	@tests/tools/trace
	@$(MAKE) --no-print-directory format-check

FORMATTED = $(wildcard $(foreach f,$(FOLDERS) tests tests/unit tests/model tests/fuzz bench bench/handout,$(f)/*.[ch] $(f)/*.cpp $(f)/*.hpp))
## format: clang-format over the tree      format-check: say what it would change
format:
	@clang-format -i $(FORMATTED)
format-check:
	@clang-format --dry-run --Werror $(FORMATTED)

## trace: equation tags in the code that docs/model.md lacks, and the other way round
trace:
	@tests/tools/trace

## update-golden: rewrite tests/golden from what the program prints now
update-golden: all
	@BUILD=$(BUILD) tests/golden/run --update

## install: program, man page, completion, configs under $(DESTDIR)$(PREFIX); uninstall removes them
install: all
	install -D -m 755 $(BUILD)/socweave $(DESTDIR)$(PREFIX)/bin/socweave
	install -D -m 644 docs/socweave.1 $(DESTDIR)$(PREFIX)/share/man/man1/socweave.1
	install -D -m 644 cli/completion.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/socweave
	for f in soc-configs/*.json soc-configs/spaces/*.json dnn-graphs/*.json dnn-graphs/workloads/*.json; do \
	    install -D -m 644 $$f $(DESTDIR)$(PREFIX)/share/socweave/$$f || exit 1; done
uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/socweave $(DESTDIR)$(PREFIX)/share/man/man1/socweave.1 \
	    $(DESTDIR)$(PREFIX)/share/bash-completion/completions/socweave
	rm -rf $(DESTDIR)$(PREFIX)/share/socweave

## clean: remove build folders
clean:
	rm -rf build build-cuda build-asan build-tsan build-clang build-fuzz

## help: this list
help:
	@sed -n 's/^## //p' Makefile
