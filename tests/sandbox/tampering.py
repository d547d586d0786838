"""More hostile programs: against the node that runs them, its siblings, and what it is made of.

The table of `hostile.py` goes on here, with the same words. Programs share the interpreter with the
node's own code, so they can break that; what they must not reach is anybody else.
"""

# ruff: noqa: E501 - a program a line

from __future__ import annotations

from bench.sandbox import Status
from tests.sandbox.attack import ANY, ENDED, FULL, LIBC, NO_NS, PROCESS, Attack, reach

OUT_OF_TIME = (Status.TIMEOUT,)
DEAD = (Status.CRASHED, Status.TIMEOUT)
SPIN = "def spin(*_):\n  while True: pass\n"

ATTACKS = (
    # Hooks of the interpreter, which run in the node's own code.
    Attack("a trace that spins", SPIN + "import sys\nsys.settrace(spin)", PROCESS, OUT_OF_TIME),
    Attack("a profile that spins", SPIN + "import sys\nsys.setprofile(spin)", PROCESS, OUT_OF_TIME),
    Attack(
        "a collector that spins",
        SPIN + "import gc\ngc.callbacks.append(spin)\ngc.set_threshold(1)",
        PROCESS,
        ANY,
    ),
    Attack("a hook on exceptions", SPIN + "import sys\nsys.excepthook = spin\n1/0", PROCESS),
    Attack(
        "an audit hook that spins",
        "import sys\ndef hook(name, _):\n  while name == 'compile': pass\nsys.addaudithook(hook)\ncompile('1', '', 'eval')",
        PROCESS,
        OUT_OF_TIME,
    ),
    Attack(
        "an error that spins when told",
        "class E(Exception):\n  def __str__(self):\n    while True: pass\nraise E",
        PROCESS,
        OUT_OF_TIME,
    ),
    Attack(
        "a writer that spins",
        "import sys\nclass W:\n  def write(self, _):\n    while True: pass\nsys.stdout = W()\nprint(1)",
        PROCESS,
        OUT_OF_TIME,
    ),
    # The report, and what it is made of.
    Attack(
        "a larger room for output",
        "import sys\nsys.stdout.room = 10**9\nprint('x' * 10**7)",
        PROCESS,
        (Status.CRASHED,),
    ),
    Attack(
        "output behind the writer's back",
        "import sys\nsys.stdout.parts.append(b'x' * 10**7)",
        PROCESS,
        (Status.CRASHED,),
    ),
    Attack(
        "output that is no bytes",
        "import sys\nsys.stdout.parts.append(7)",
        PROCESS,
        (Status.CRASHED,),
    ),
    Attack(
        "null in place of the channel",
        "import os\nos.dup2(0, 3)",
        PROCESS,
        (Status.CRASHED, Status.OK),
    ),
    Attack(
        "every descriptor closed", "import os\nos.closerange(0, 64)", PROCESS, (Status.CRASHED,)
    ),
    Attack("exit by system call", LIBC + "libc._exit(0)", PROCESS, (Status.CRASHED,)),
    Attack(
        "a fault that is handled for ever",
        "import signal, ctypes\nsignal.signal(signal.SIGSEGV, lambda *_: None)\nctypes.string_at(0)",
        PROCESS,
        DEAD,
    ),
    Attack(
        "a fault by the fault handler",
        "import faulthandler\nfaulthandler._sigsegv()",
        PROCESS,
        (*ENDED, Status.CRASHED),
    ),
    Attack(
        "a watchdog's thread",
        reach("import faulthandler\nfaulthandler.dump_traceback_later(0.1, exit=True)"),
    ),
    Attack(
        "a timer's thread",
        reach("import threading\nthreading.Timer(0.1, print, ['REACHED']).start()"),
    ),
    Attack("modules gone", "import sys\nsys.modules.clear()", PROCESS, ANY),
    Attack("a child without modules", "print(1)", PROCESS, ANY, parent="modules gone"),
    Attack(
        "compile is mine",
        "import builtins\nbuiltins.compile = lambda *_, **__: 'print(666)'",
        PROCESS,
        ENDED,
    ),
    Attack("a sibling of who took compile", "print(2)", PROCESS, prints="2\n"),
    # Memory: that of the warm interpreter lies on a file that all share, privately.
    Attack(
        "seven is eight",
        "import ctypes\nctypes.memset(id(7) + 24, 8, 1)\nprint(3 + 4)",
        PROCESS,
        ANY,
    ),
    Attack("seven is seven elsewhere", "print(3 + 4)", PROCESS, prints="7\n"),
    Attack(
        "holes in shared memory",
        LIBC
        + "for advice in (9, 21, 20, 12, 100, 101, 25):\n  page = ctypes.c_void_p(id(7) & ~4095)\n  if libc.madvise(page, 4096, advice) == 0: print('REACHED', advice)",
    ),
    Attack(
        "shared memory by its descriptor",
        "import os\nfor fd in range(1024):\n  for path in (f'/proc/self/fd/{{fd}}', f'/dev/fd/{{fd}}'):\n    try: open(path, 'r+b'); print('REACHED', path)\n    except OSError: pass",
    ),
    Attack("own memory as a file", reach("open('/proc/self/mem', 'r+b')")),
    Attack("own mappings", reach("import os\nos.listdir('/proc/self/map_files')"), NO_NS),
    Attack(
        "shared mappings again",
        LIBC
        + "libc.mremap.restype = ctypes.c_void_p\nif libc.mremap(ctypes.c_void_p(id(7) & ~4095), 0, 4096, 1) != ctypes.c_void_p(-1).value: print('REACHED')",
    ),
    Attack(
        "memory by the break",
        LIBC
        + "libc.sbrk.restype = ctypes.c_void_p\nif libc.sbrk(ctypes.c_long(1 << 40)) != ctypes.c_void_p(-1).value: print('REACHED')",
        PROCESS,
    ),
    Attack(
        "memory without reserve",
        LIBC
        + "libc.mmap.restype = ctypes.c_void_p\nlibc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t] + [ctypes.c_int] * 3 + [ctypes.c_long]\nif libc.mmap(None, 1 << 40, 0, 0x4022, -1, 0) != ctypes.c_void_p(-1).value: print('REACHED')",
        PROCESS,
    ),
    Attack("another's variables in memory", "secret = 'S3C' + 'R3T'", PROCESS, (Status.OK,)),
    Attack(
        "looks for another's variables",
        "import gc\nwanted = 'S3C' 'R3T'\nif any(type(o) is dict and 'secret' in o and o['secret'] == wanted for o in gc.get_objects()): print('REACHED')",
        PROCESS,
    ),
    # System V and POSIX.
    Attack("system V memory", LIBC + "if libc.shmget(0, 4096, 0o1600) >= 0: print('REACHED')"),
    Attack("system V semaphores", LIBC + "if libc.semget(0, 1, 0o1600) >= 0: print('REACHED')"),
    Attack("system V messages", LIBC + "if libc.msgget(0, 0o1600) >= 0: print('REACHED')"),
    Attack(
        "a message queue",
        LIBC + "if libc.mq_open(b'/q', 0o102, 0o600, None) >= 0: print('REACHED')",
    ),
    Attack(
        "watch files",
        LIBC
        + "if libc.inotify_init() >= 0 or libc.eventfd(0, 0) >= 0 or libc.epoll_create1(0) >= 0: print('REACHED')",
    ),
    Attack(
        "timers",
        LIBC
        + "if libc.timerfd_create(0, 0) >= 0: print('REACHED')\nkept = ctypes.create_string_buffer(64)\nif libc.timer_create(0, None, kept) == 0: print('REACHED')",
    ),
    Attack("a processor of one's own", reach("import os\nos.sched_setaffinity(0, {{0}})")),
    Attack(
        "real time",
        "import os\nfor policy in (1, 2, 3, 5):\n  try: os.sched_setscheduler(0, policy, os.sched_param(int(policy < 3))); print('REACHED', policy)\n  except OSError: pass",
    ),
    Attack(
        "signals by the channel",
        "import fcntl, struct, os\nfor request in (0x8901, 0x5452):\n  try: fcntl.ioctl(3, request, struct.pack('i', os.getppid() or 1)); print('REACHED')\n  except OSError: pass",
    ),
    Attack("a signal to oneself", reach("import signal\nsignal.raise_signal(signal.SIGUSR1)")),
    Attack("a terminal", reach("import os\nos.openpty()")),
    Attack(
        "a fork with a terminal",
        "import os\npid, _ = os.forkpty()\nif pid == 0: os._exit(0)\nprint('REACHED')",
    ),
    Attack("spawn", reach("import os\nos.posix_spawn('/bin/true', ['true'], {{}})")),
    Attack(
        "a program from memory",
        LIBC + "fd = libc.syscall(319, b'x', 0)\nif fd >= 0: print('REACHED')",
        machine="x86_64",
    ),
    Attack("an event loop", reach("import asyncio\nasyncio.run(asyncio.sleep(0))")),
    # Files once more, by less common doors.
    Attack(
        "a file by url",
        reach("import urllib.request\nurllib.request.urlopen('file:///etc/passwd').read()"),
        NO_NS,
    ),
    Attack(
        "a file by the loader",
        reach(
            "import importlib.machinery as m\nm.SourceFileLoader('x', {secret!r}).get_data({secret!r})"
        ),
        NO_NS,
    ),
    Attack("the list of users", "import pwd\nif pwd.getpwall(): print('REACHED')", NO_NS),
    Attack(
        "processes listed",
        "import os\nif any(name.isdigit() for name in os.listdir('/proc')): print('REACHED')",
        NO_NS,
    ),
    Attack(
        "the kernel's settings",
        "for path in ('/sys/kernel/mm/transparent_hugepage/enabled', '/proc/sys/kernel/hostname', '/proc/version', '/proc/meminfo'):\n  try: open(path).read(); print('REACHED', path)\n  except OSError: pass",
        NO_NS,
    ),
    Attack(
        "the machine's name",
        "import os\nif os.uname().nodename != 'sandbox': print('REACHED')",
        FULL,
    ),
    Attack(
        "a log file",
        reach(
            "import logging\nlogging.FileHandler({folder!r} + '/log').emit(logging.makeLogRecord({{}}))"
        ),
    ),
    Attack(
        "compiled files",
        "import py_compile, sympy\ntry: py_compile.compile(sympy.__file__, doraise=True, cfile={folder!r} + '/x.pyc'); print('REACHED')\nexcept OSError: pass",
    ),
    # What takes for ever, or all there is, by itself.
    Attack(
        "a long number as text",
        "import sys\nsys.set_int_max_str_digits(0)\nprint(len(str(7 ** 10**8)))",
        PROCESS,
        (Status.TIMEOUT, Status.MEMORY),
    ),
    Attack("a long number told", "print(7 ** 10**4)", PROCESS, (Status.ERROR,)),
    Attack(
        "a pattern without end",
        "import re\nre.match('(a+)+$', 'a' * 99 + 'b')",
        PROCESS,
        OUT_OF_TIME,
    ),
    Attack(
        "a factorial without end",
        "import math\nmath.factorial(10**9)",
        PROCESS,
        (Status.TIMEOUT, Status.MEMORY),
    ),
    Attack("a sum without end", "sum(iter(int, 1))", PROCESS, OUT_OF_TIME),
    Attack("recursion", "def f(): f()\nf()", PROCESS, (Status.ERROR,)),
    Attack("brackets", "eval('(' * 10**5)", PROCESS, (Status.ERROR, Status.MEMORY, Status.CRASHED)),
    Attack(
        "signs", "eval('-' * 10**6 + '1')", PROCESS, (Status.ERROR, Status.MEMORY, Status.CRASHED)
    ),
    Attack(
        "a list without end",
        "x = []\nwhile True: x.append(x[:] or [0] * 9)",
        PROCESS,
        (Status.MEMORY, Status.TIMEOUT),
    ),
    Attack(
        "text without end", "x = 'ab'\nwhile True: x += x", PROCESS, (Status.MEMORY, Status.TIMEOUT)
    ),
    Attack(
        "a bomb in an archive",
        "import zlib\nbig = zlib.compress(bytes(10**8))\nx = [zlib.decompress(big) for _ in range(99)]",
        PROCESS,
        (Status.MEMORY, Status.TIMEOUT),
    ),
    Attack(
        "errors without end",
        "def f():\n  try: f()\n  finally: f()\nf()",
        PROCESS,
        (Status.TIMEOUT, Status.ERROR, Status.CRASHED),
    ),
    Attack("asks for input", "input()", PROCESS, (Status.ERROR,)),
    Attack("ends itself", "raise SystemExit(0)", PROCESS, (Status.ERROR,)),
    Attack("a stranger at the end", "print(sum(range(10)))", PROCESS, prints="45\n"),
)
