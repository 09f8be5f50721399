/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A training on the double of libtorch_cpu.so, as far as its ranges go: in each step a few that
 * are the program's, ended as PyTorch does by a jump at the end of what is called by a pointer, and
 * many record functions of operations, which are none.  Words are files: `late` loads a library
 * that has ranges, too, `forget` begins some that are only destroyed.  Its ledger,
 * $LEDGER/ranges.json, says how many there were.
 */
#include <cstdio>
#include <cstdlib>
#include <dlfcn.h>
#include <string>
#include <unistd.h>

#include "autograd.h"
extern "C" {
#include "c10.h"
}
#include "ranges.h"

using namespace torch::autograd;

constexpr int OPERATIONS = 100;
constexpr useconds_t PACE_US = 5000;

static std::string ledger(const std::string &name)
{
	return std::string(std::getenv("LEDGER")) + "/" + name;
}

static bool is_told(const char *word)
{
	return !access(ledger(word).c_str(), F_OK);
}

static profiler::Record enter(const char *name)
{
	return profiler::record_function_enter_new(name, c10::optional<std::string>());
}

/* What PyTorch's dispatcher finds for its operator. */
__attribute__((optimize("optimize-sibling-calls"))) static void leave(at::RecordFunction *record)
{
	record->end();
}

static void (*volatile leave_called)(at::RecordFunction *) = leave;

static void operations()
{
	for (int i = 0; i < OPERATIONS; i++)
		at::RecordFunction record(at::RecordScope::FUNCTION);
}

/* What a stage has is only told if there are tensors. */
static void tensor()
{
	void *block = std::malloc(5000);

	c10_reporter_new(nullptr, block, 5000);
	c10_reporter_delete(nullptr, block);
	std::free(block);
}

struct Counts {
	unsigned steps = 0, late = 0, forgotten = 0;
};

static void step(Counts &counts, void (*late)())
{
	auto outer = enter("outer");

	{
		auto inner = enter("inner");

		tensor();
		leave_called(inner.get());
	}
	if (is_told("forget")) {
		enter("forgotten");
		counts.forgotten++;
	}
	leave_called(outer.get());
	if (late) {
		late();
		counts.late++;
	}
	operations();
	counts.steps++;
}

int main()
{
	void (*late)() = nullptr;
	Counts counts;
	FILE *out;

	while (!is_told("enough")) {
		if (!late && is_told("late")) {
			void *library = dlopen("libranges_late.so", RTLD_NOW);

			if (library)
				late = reinterpret_cast<void (*)()>(dlsym(library, "ranges_late"));
			if (!late)
				std::abort();
		}
		step(counts, late);
		usleep(PACE_US);
	}
	out = std::fopen(ledger("ranges.json").c_str(), "w");
	if (!out ||
	    std::fprintf(out, "{\"steps\":%u,\"late\":%u,\"forgotten\":%u}\n", counts.steps,
			 counts.late, counts.forgotten) < 0 ||
	    std::fclose(out))
		std::abort();
	return 0;
}
