/* SPDX-License-Identifier: GPL-2.0 */
/* Of a kernel structure that a test made up, a plain read. */
#ifndef MS_STUB_BPF_CORE_READ_H
#define MS_STUB_BPF_CORE_READ_H

#define STUB_READ_1(from, a) ((from)->a)
#define STUB_READ_2(from, a, b) ((from)->a ? (from)->a->b : 0)
#define STUB_PICK(_1, _2, name, ...) name
#define BPF_CORE_READ(from, ...) STUB_PICK(__VA_ARGS__, STUB_READ_2, STUB_READ_1)(from, __VA_ARGS__)
#define bpf_core_field_exists(field) 1

#endif
