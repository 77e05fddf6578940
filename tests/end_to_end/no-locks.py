"""Becomes a program for which file locks fail: no-locks.py ERRNO PROGRAM ARGUMENT..."""

import ctypes
import errno
import os
import struct
import sys

# linux/filter.h, linux/seccomp.h, and the numbers of x86_64.
LOAD, EQUAL, RETURN = 0x20, 0x15, 6
ALLOW, ERRNO = 0x7FFF0000, 0x50000
FCNTL, FLOCK = 72, 73
LOCKS = (5, 6, 7, 37, 38)  # F_GETLK, F_SETLK, F_SETLKW, F_OFD_SETLK, F_OFD_SETLKW

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, MODE_FILTER = 38, 22, 2


def instruction(code, value, if_true=0, if_false=0):
    return struct.pack("HBBI", code, if_true, if_false, value)


class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]


refuse = instruction(RETURN, ERRNO | getattr(errno, sys.argv[1]))
lines = [
    instruction(LOAD, 0),
    instruction(EQUAL, FLOCK, 0, 1),
    refuse,
    instruction(EQUAL, FCNTL, 0, len(LOCKS) + 3),
    instruction(LOAD, 24),
    *(instruction(EQUAL, command, len(LOCKS) - at, 0) for at, command in enumerate(LOCKS)),
    instruction(RETURN, ALLOW),
    refuse,
    instruction(RETURN, ALLOW),
]
code = ctypes.create_string_buffer(b"".join(lines))
program = Program(len(lines), ctypes.addressof(code))
libc = ctypes.CDLL(None, use_errno=True)
for arguments in ((PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), (PR_SET_SECCOMP, MODE_FILTER, ctypes.byref(program))):
    if libc.prctl(*arguments) != 0:
        sys.exit(os.strerror(ctypes.get_errno()))
os.execvp(sys.argv[2], sys.argv[2:])
