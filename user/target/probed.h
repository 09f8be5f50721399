/* SPDX-License-Identifier: GPL-2.0 */
/* The files of one process that are probed. */
#ifndef MS_PROBED_H
#define MS_PROBED_H

#include "probe/closer.h"
#include "target/module.h"

struct probed {
	struct probed_file {
		uint32_t module;
		bool failed;                     /* it could not be probed */
		struct attach *groups[GROUP_NR]; /* NULL: out, or none */
	} * files;
	size_t count;
};

bool probed_has(const struct probed *probed, uint32_t module);
/*
 * Puts in the probes of a module, but of those that are for later.  0 or a negative errno: -ESRCH
 * if the process is gone.  After any other error than -ESRCH and -ENOMEM the module counts as
 * probed, so that nothing is tried, or said, twice.
 */
int probed_add(struct probed *probed, struct kernel *kernel, pid_t pid, const struct module *module,
	       const struct probe_table *table);
/* Puts the probes of a group in, or hands them to the closer.  0 or a negative errno. */
int probed_tell(struct probed *probed, struct kernel *kernel, pid_t pid,
		const struct modules *modules, enum probe_group group, bool wanted,
		struct closer *closer);
/* Hands all probes to the closer. */
void probed_close(struct probed *probed, struct closer *closer);

#endif
