#!/usr/bin/env python3
"""A thread that never runs Python: it is malloc() that is started, with a size."""

import ctypes

LIBC = ctypes.CDLL(None)


def start(size):
    thread = ctypes.c_ulong()
    assert LIBC.pthread_create(ctypes.byref(thread), None, LIBC.malloc, ctypes.c_void_p(size)) == 0
    assert LIBC.pthread_join(thread, None) == 0


def outer():
    start(54321)


outer()
