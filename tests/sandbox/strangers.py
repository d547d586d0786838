"""Hostile programs that talk: to strangers, to siblings, to the supervisor in a node's name.

The third table of attacks, with the words of `hostile.py`. Who sends and who listens are programs
of their own, so that a listener that hears something prints REACHED.
"""

# ruff: noqa: E501 - a program a line

from __future__ import annotations

from bench.sandbox import Status
from tests.sandbox.attack import ANY, ENDED, LIBC, PROCESS, Attack, reach
from tests.sandbox.hostile import FORGED_OK, FRAMES

FUTEX = LIBC + (
    "import os, struct\nnumber = 98 if os.uname().machine == 'aarch64' else 202\nlibc.mmap.restype = ctypes.c_void_p\n"
    "libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t] + [ctypes.c_int] * 3 + [ctypes.c_long]\n"
    "page = libc.mmap(None, 4096, 1, 1, os.open(os.__file__, 0), 0)\n"
)
HEARS_THE_CALL = FORGED_OK + "flags, word = struct.unpack('!BI', os.read(3, 5))\n"

ATTACKS = (
    # Descriptors 0 to 2, and what is set of them.
    Attack(
        "sets flags of open files",
        "import fcntl, os\nfor fd in (0, 1, 2):\n  try: fcntl.fcntl(fd, fcntl.F_SETFL, fcntl.fcntl(fd, fcntl.F_GETFL) | os.O_NONBLOCK); print('REACHED')\n  except OSError: pass",
    ),
    Attack(
        "sets flags of open files, where it may",
        "import fcntl, os\nfor fd in (0, 1, 2):\n  try: fcntl.fcntl(fd, fcntl.F_SETFL, fcntl.fcntl(fd, fcntl.F_GETFL) | os.O_NONBLOCK)\n  except OSError: pass",
        PROCESS,
    ),
    Attack(
        "looks for a stranger's flags",
        "import fcntl, os, time\ntime.sleep(0.4)\nif any(fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_NONBLOCK for fd in (0, 1, 2)): print('REACHED')",
        PROCESS,
    ),
    Attack(
        "a file at descriptor 0",
        "import os\nfd = os.open(os.__file__, os.O_RDONLY)\nos.dup2(fd, 0)\nos.close(fd)",
        PROCESS,
        (Status.OK,),
    ),
    Attack(
        "moves the offset of descriptor 0",
        "import os\nif len(os.read(0, 1000)) != 1000: print('REACHED')",
        PROCESS,
        parent="a file at descriptor 0",
    ),
    Attack(
        "looks at the offset of descriptor 0",
        "import os, time\ntime.sleep(0.4)\nif os.lseek(0, 0, 1): print('REACHED')",
        PROCESS,
        parent="a file at descriptor 0",
    ),
    Attack("no descriptor 2", "import os\nos.close(2)\nprint('kept')", PROCESS, prints="kept\n"),
    Attack(
        "a child's descriptor 2",
        "import os\ntry: os.fstat(2); print('REACHED')\nexcept OSError: print('closed, as it was left')",
        PROCESS,
        parent="no descriptor 2",
        prints="closed, as it was left\n",
    ),
    # Words of memory that the kernel would wake a stranger for.
    Attack(
        "waits for a stranger",
        FUTEX
        + "word = ctypes.c_uint32.from_address(page).value\nif libc.syscall(number, ctypes.c_void_p(page), 0, word, struct.pack('qq', 0, 10**8), 0, 0) == 0 or ctypes.get_errno() == errno.ETIMEDOUT: print('REACHED')",
    ),
    Attack(
        "wakes a stranger",
        FUTEX
        + "if libc.syscall(number, ctypes.c_void_p(page), 1, 1, 0, 0, 0) >= 0: print('REACHED')",
    ),
    Attack(
        "locks for oneself",
        "import threading\nlock = threading.Lock()\nlock.acquire()\nprint(lock.acquire(timeout=0.01), lock.locked())",
        PROCESS,
        prints="False True\n",
    ),
    # What the kernel tells of others.
    Attack(
        "a number that counts forks", "import os\nif os.getpid() or os.getpid(): print('REACHED')"
    ),
    Attack(
        "the machine's free memory",
        LIBC
        + "import os\nnumber = 179 if os.uname().machine == 'aarch64' else 99\nif libc.syscall(number, ctypes.create_string_buffer(128)) == 0: print('REACHED')",
    ),
    Attack(
        "a limit that ends it later",
        reach("import resource\nresource.setrlimit(resource.RLIMIT_CPU, (9, 9))"),
    ),
    # A report is no pause.
    Attack(
        "forges a result, then sleeps",
        FORGED_OK + "import time\ntime.sleep(99)",
        PROCESS,
        (Status.TIMEOUT,),
    ),
    Attack(
        "the child of a forger that sleeps",
        "print('REACHED')",
        PROCESS,
        (Status.REFUSED,),
        parent="forges a result, then sleeps",
    ),
    Attack(
        "forges a result, and guesses what it will be asked",
        FORGED_OK + "import time\ntime.sleep(0.3)\nos.write(3, bytes(4))\ntime.sleep(99)",
        PROCESS,
        (Status.CRASHED,),
    ),
    Attack(
        "the child of one that guesses",
        "print('REACHED')",
        PROCESS,
        (Status.REFUSED,),
        parent="forges a result, and guesses what it will be asked",
    ),
    Attack(
        "forges a result, answers, and says more",
        HEARS_THE_CALL + "os.write(3, struct.pack('!I', word) + b'more')\nwhile True: pass",
        PROCESS,
        (Status.CRASHED,),
    ),
    Attack(
        "the child of one that says more",
        "print('REACHED')",
        PROCESS,
        (Status.REFUSED,),
        parent="forges a result, answers, and says more",
    ),
    Attack(
        "forges a result, answers, then spins",
        HEARS_THE_CALL + "os.write(3, struct.pack('!I', word))\nwhile True: pass",
        PROCESS,
        (Status.TIMEOUT,),
    ),
    Attack(
        "the child of one that answers, then spins",
        "print('REACHED')",
        PROCESS,
        (Status.REFUSED,),
        parent="forges a result, answers, then spins",
    ),
    Attack(
        "forges a result, answers, then serves nobody",
        HEARS_THE_CALL
        + "os.write(3, struct.pack('!I', word))\nos.read(3, 5)\nimport time\ntime.sleep(99)",
        PROCESS,
        (Status.OK,),
    ),
    Attack(
        "the child of who serves nobody",
        "print(1)",
        PROCESS,
        ANY,
        parent="forges a result, answers, then serves nobody",
    ),
    Attack(
        "asks for forks without end",
        FRAMES
        + "while True:\n  try:\n    if birth.fork() == 0: os._exit(0)\n    print('REACHED')\n  except OSError: pass",
        ends=(Status.TIMEOUT,),
    ),
    Attack("a stranger beside them all", "print(2 ** 10)", PROCESS, ENDED, prints="1024\n"),
)
