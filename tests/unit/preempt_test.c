/* SPDX-License-Identifier: GPL-2.0 */
/* What a kernel says of itself, and whether its threads can be preempted in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "probe/preempt.h"

/* Lines of uname -rv and of sched/preempt as kernels of Debian have them. */
static const struct kernel {
	const char *release, *version, *modes;
	bool preempted;
} kernels[] = {
    {"6.1.0-50-cloud-amd64", "#1 SMP PREEMPT_DYNAMIC Debian 6.1.176-1", "none (voluntary) full ",
     false},
    {"6.12.117", "#1 SMP PREEMPT_DYNAMIC Debian", "none voluntary (full) ", true},
    {"6.18.4", "#1 SMP PREEMPT_DYNAMIC", "(none) voluntary full lazy ", false},
    {"7.2.13+deb14-cloud-amd64", "#1 SMP PREEMPT_DYNAMIC Debian 7.2.13-1", "full (lazy) ", true},
    /* no list */
    {"7.2.13", "#1 SMP PREEMPT_DYNAMIC", NULL, true},
    {"6.18.4", "#1 SMP PREEMPT_DYNAMIC", NULL, false},
    {"6.1.0-50-rt-amd64", "#1 SMP PREEMPT_RT Debian 6.1.176-1", NULL, true},
    {"5.17.0", "#1 SMP PREEMPT Mon", NULL, true},
    {"5.17.0", "#1 SMP Mon", NULL, false},
    {"7.2.0", "#1 SMP Mon", NULL, false},
};

static void test_kernels(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(kernels) / sizeof(kernels[0]); i++)
		assert_int_equal(
		    preempt_judge(kernels[i].release, kernels[i].version, kernels[i].modes),
		    kernels[i].preempted);
}

/* Whatever it is here: the list, if there is one, has one mode in brackets and agrees. */
static void test_this_kernel(void **state)
{
	char modes[128];
	bool possible = preempt_possible(modes, sizeof(modes));

	(void)state;
	assert_int_equal(possible, preempt_possible(NULL, 0));
	if (!*modes)
		return;
	assert_non_null(strchr(modes, '('));
	assert_int_equal(possible, preempt_judge("", "", modes));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_kernels),
					   cmocka_unit_test(test_this_kernel)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
