# deny-calls.py NAME[,NAME...] COMMAND [ARGUMENT...]: executes it under a filter that answers these system calls with EPERM.
import ctypes
import os
import struct
import sys

NUMBERS = {
    "x86_64": {"clone": 56, "sched_setaffinity": 203, "clone3": 435},
    "aarch64": {"clone": 220, "sched_setaffinity": 122, "clone3": 435},
}
SECCOMP_RET_ERRNO, SECCOMP_RET_ALLOW = 0x00050000, 0x7FFF0000
PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS, SECCOMP_MODE_FILTER = 22, 38, 2
EPERM = 1

machine = NUMBERS[os.uname().machine]
program = [(0x20, 0, 0, 0)]  # the number, offset 0 of struct seccomp_data
for name in sys.argv[1].split(","):
    program += [(0x15, 0, 1, machine[name]), (0x06, 0, 0, SECCOMP_RET_ERRNO | EPERM)]
program.append((0x06, 0, 0, SECCOMP_RET_ALLOW))

code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *each) for each in program))
header = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", len(program), ctypes.addressof(code)))
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
assert libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, header, 0, 0) == 0, os.strerror(ctypes.get_errno())
os.execv(sys.argv[2], sys.argv[2:])
