/* SPDX-License-Identifier: GPL-2.0 */
/* Fixture of the symboliser's test: C++ names, as a flame graph's reader writes them. */
#include "symbol_report.h"

namespace shapes
{

struct Circle {
	Circle();
	virtual ~Circle();
	int area(int scale) const;
	int operator+(int more) const;
};

__attribute__((noinline)) Circle::Circle()
{
	REPORT("shapes::Circle::Circle");
}

__attribute__((noinline)) Circle::~Circle()
{
	REPORT("shapes::Circle::~Circle");
}

__attribute__((noinline)) int Circle::area(int scale) const
{
	REPORT("shapes::Circle::area");
	return scale;
}

__attribute__((noinline)) int Circle::operator+(int more) const
{
	REPORT("shapes::Circle::operator+");
	return more;
}

template <typename T, int N> __attribute__((noinline)) T scale(T value)
{
	REPORT("shapes::scale<int, 3>");
	return value * N;
}

namespace
{
/* Internal linkage: nothing but scopes in DWARF tells these their full names. */
__attribute__((noinline)) int secret(int value)
{
	REPORT("shapes::(anonymous namespace)::secret");
	return value;
}

struct Local {
	__attribute__((noinline)) static int method(int value)
	{
		REPORT("shapes::(anonymous namespace)::Local::method");
		return value;
	}
};

__attribute__((always_inline)) inline int whisper(unsigned caller)
{
	char rest[64];

	snprintf(rest, sizeof(rest), ";shapes::aloud:%u", caller);
	report("shapes::(anonymous namespace)::whisper", __LINE__, rest);
	STAY();
	return 1;
}
} // namespace

__attribute__((noinline)) int aloud()
{
	int value = whisper(__LINE__);

	STAY();
	return value;
}

static __attribute__((noinline)) int internal(int value)
{
	REPORT("shapes::internal");
	return value;
}

int all()
{
	return secret(1) + Local::method(2) + internal(3) + aloud();
}

} // namespace shapes

extern "C" __attribute__((noinline)) void plain_c(void)
{
	REPORT("plain_c");
}

/* Compilers have names of their own for a lambda's type; "*": parameters, or none. */
#ifdef __clang__
#define LAMBDA "main::$_0::operator()"
#else
#define LAMBDA "main::{lambda*}::operator()"
#endif

template <typename F> __attribute__((noinline)) static int apply(F f)
{
	return f(1);
}

int main()
{
	shapes::Circle circle;
	auto lambda = [](int value) __attribute__((noinline))
	{
		REPORT(LAMBDA);
		return value;
	};

	plain_c();
	REPORT("main");
	return (circle.area(2) + shapes::scale<int, 3>(1) + (circle + 3) + shapes::all() +
		apply(lambda)) == 0;
}
