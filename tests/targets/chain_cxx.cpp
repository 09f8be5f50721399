/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Call chains of C++, see chain.h: exceptions, virtual calls, lambdas, std::function.
 *
 *   chain_cxx    prints its records
 */
#include "chain.h"

#include <cstdlib>
#include <exception>
#include <functional>
#include <new>
#include <string>

namespace
{

/* Takes names off the chain when an exception passes, as the stack does its frames. */
struct Frame {
	explicit Frame(const char *name) : depth(chain.nr)
	{
		chain.names[chain.nr++] = name;
		BARRIER();
	}
	~Frame()
	{
		BARRIER();
		chain.nr = depth;
	}
	int depth;
};

size_t note(const char *call)
{
	struct chain_note what = {};

	what.call = call;
	return chain_note(&what);
}

/* ---- calls that only run time decides ----------------------------------------------- */

struct Shape {
	virtual ~Shape() = default;
	virtual void grow(int by) = 0;
};

struct Circle : Shape {
	FN void grow(int by) override
	{
		Frame frame("(anonymous namespace)::Circle::grow");

		if (by > 1)
			grow(by - 1);
		else
			ALLOC();
	}
};

FN void use_shape(Shape &shape)
{
	Frame frame("(anonymous namespace)::use_shape");

	shape.grow(3);
}

FN void call_function(const std::function<void(int)> &function)
{
	Frame frame("(anonymous namespace)::call_function");

	function(7);
}

FN void from_function(int)
{
	Frame runtime("*std");
	Frame frame("(anonymous namespace)::from_function");

	ALLOC();
}

FN void functions()
{
	Frame frame("(anonymous namespace)::functions");

	call_function(from_function);
}

/* Its lambda is inlined; DWARF says where. */
FN void lambdas()
{
	Frame frame("(anonymous namespace)::lambdas");
	auto inner = [](int n) __attribute__((always_inline))
	{
		Frame frame("~(anonymous namespace)::lambdas::{lambda}::operator()");

		ALLOC();
		return n;
	};

	inner(1);
}

/* ---- operator new -------------------------------------------------------------------- */

FN void operators()
{
	Frame frame("(anonymous namespace)::operators");
	Frame runtime("+new");
	char *block = new char[note("malloc")];

	USE(block);
	delete[] block;
}

/* ---- exceptions ------------------------------------------------------------------------ */

struct Failure {
	FN Failure()
	{
		Frame frame("(anonymous namespace)::Failure::Failure");

		ALLOC();
	}
	char more[300] = {};
};

/* Its destructor runs while an exception passes: what was called from there is gone. */
struct Guard {
	FN ~Guard()
	{
		Frame frame("(anonymous namespace)::Guard::~Guard");

		ALLOC();
	}
};

FN void thrower()
{
	Frame frame("(anonymous namespace)::thrower");

	throw Failure();
}

FN void guarded(int depth)
{
	Frame frame("(anonymous namespace)::guarded");
	Guard guard;

	if (depth)
		guarded(depth - 1);
	else
		thrower();
}

FN void rethrower()
{
	Frame frame("(anonymous namespace)::rethrower");

	try {
		guarded(2);
	} catch (const Failure &) {
		ALLOC();
		throw;
	}
}

FN void catcher()
{
	Frame frame("(anonymous namespace)::catcher");

	try {
		rethrower();
	} catch (...) {
		ALLOC();
	}
	/* and once more after all that */
	ALLOC();
}

/* Called by the runtime, in the middle of looking for who catches. */
FN void in_terminate()
{
#ifdef __clang__
	LEAVE();
#endif
	Frame runtime("+c++");
	Frame frame("(anonymous namespace)::in_terminate");

	ALLOC();
	chain_flush();
	_Exit(0);
}

/*
 * Nothing to clean up, so it is still there when nobody is found; but clang++
 * catches what may not leave end(), and only then terminates.
 */
FN void last_thrower()
{
	ENTER_AS("(anonymous namespace)::last_thrower");
	throw Failure();
}

FN void run()
{
	Circle circle;
	Frame frame("(anonymous namespace)::run");

	chain_scenario = "virtual";
	use_shape(circle);
	chain_scenario = "function";
	functions();
	chain_scenario = "lambda";
	lambdas();
	chain_scenario = "new";
	operators();
	chain_scenario = "exception";
	catcher();
}

FN void end() noexcept
{
	ENTER_AS("(anonymous namespace)::end");
	chain_scenario = "terminate";
	std::set_terminate(in_terminate);
	last_thrower();
}

} // namespace

int main()
{
	Frame frame("main");

	run();
	end();
}
