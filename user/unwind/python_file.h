/* SPDX-License-Identifier: GPL-2.0 */
/* What a file tells of the CPython in it, before any process runs it. */
#ifndef MS_PYTHON_FILE_H
#define MS_PYTHON_FILE_H

struct python_file {
	unsigned minor;   /* of version 3; 0 if it is older, or no interpreter */
	char why[128];    /* why its frames cannot be shown, one line */
	char library[64]; /* the libpython it asks for, where it has no interpreter; "" */
};

/*
 * Whether the Python frames of processes that map the file open at `fd` can be
 * shown, as far as the file tells.  0; -ENOTSUP with `why`; -ENOENT if there is no
 * interpreter in it; -ENOEXEC, -ENOMEM.
 */
int python_file_check(int fd, struct python_file *out);

#endif
