"""Hostile programs, one a property, as data: what each tries, and from which level on it fails."""

# ruff: noqa: E501 - a program a line

from __future__ import annotations

from bench.sandbox import Status
from tests.sandbox.attack import ANY, ENDED, FULL, LIBC, NO_NS, PROCESS, Attack, reach

FRAMES = (  # the objects that the node itself works with, found from within
    "import sys, os\nframe = sys._getframe()\nlocals_ = []\n"
    "while frame: locals_.append(frame.f_locals); frame = frame.f_back\n"
    "birth = next(l['birth'] for l in locals_ if 'birth' in l)\n"
)
FORGED_OK = "import os, struct\nos.write(3, struct.pack('!BBdII', 0, 0, 0.0, 3, 0) + b'yes')\n"

# System calls that must fail whatever their arguments, by number on x86-64. All are asked with
# zeros, which does no harm where they are not refused.
DANGEROUS = (
    "101, 310, 311, 312, 434, 438, 321, 425, 426, 427, 323, 250, 248, 249, 298, 165, 166, 272, 308,"
    "304, 303, 319, 447, 161, 155, 175, 313, 172, 173, 135, 167, 103, 29, 30, 31, 68, 64, 240, 41,"
    "53, 42, 49, 50, 43, 288, 253, 294, 283, 289, 282, 290, 284, 291, 213, 435, 57, 58, 59, 322, 62,"
    "200, 234, 129, 297, 424, 105, 106, 113, 114, 117, 119, 126, 109, 112, 141, 142, 144, 203, 160,"
    "37, 38, 36, 222, 226, 2, 85, 133, 259, 82, 83, 84, 86, 87, 88, 76, 77, 90, 91, 92, 93, 94, 132,"
    "188, 189, 280, 235, 261, 317, 444, 445, 446, 154, 163, 169, 170, 171, 227, 159, 305, 16, 46,"
    "299, 307, 40, 275, 276, 278, 326, 149, 150, 151, 325, 9999, 428, 429, 430, 431, 432, 442, 437,"
    "329, 330, 331, 324, 80, 81, 95, 437, 440, 448, 449, 450, 451, 453, 454, 455, 456, 462"
)

ATTACKS = (
    # Network.
    Attack(
        "tcp to a listener",
        reach("import socket\nsocket.create_connection(('127.0.0.1', {port}), 1)"),
    ),
    Attack("tcp listen", reach("import socket\nsocket.create_server(('127.0.0.1', 0))")),
    Attack(
        "udp",
        reach(
            "import socket\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\ns.sendto(b'x', ('127.0.0.1', {port}))"
        ),
    ),
    Attack("unix socket", reach("import socket\nsocket.socket(socket.AF_UNIX)")),
    Attack("socket pair", reach("import socket\nsocket.socketpair()")),
    Attack(
        "netlink and packet sockets",
        "import socket\nfor family in (16, 17, 38, 40):\n  for kind in (1, 2, 3, 5):\n    try:\n      socket.socket(family, kind)\n      print('REACHED', family)\n    except OSError: pass",
    ),
    Attack("dns", reach("import socket\nsocket.getaddrinfo('localhost', 80)"), weakest=NO_NS),
    Attack(
        "http",
        reach(
            "import urllib.request\nurllib.request.urlopen('http://127.0.0.1:{port}', timeout=1)"
        ),
    ),
    Attack(
        "the control socket as a way out",
        reach("import socket\ns = socket.socket(fileno=3)\ns.sendmsg([b'x'])"),
        ends=(*ENDED, Status.CRASHED),
    ),
    # Files.
    Attack("read a secret", "print('REACHED' if open({secret!r}).read() else '')", weakest=NO_NS),
    Attack("read /etc/passwd", reach("open('/etc/passwd').read()"), weakest=NO_NS),
    Attack(
        "read by a link of /proc",
        reach("open('/'.join(('/proc/self', 'root', 'etc', 'hostname'))).read()"),
        weakest=NO_NS,
    ),
    Attack(
        "read by an old working directory",
        reach("import os\nos.chdir('..')\nopen('../../../../../..' + {secret!r}).read()"),
        weakest=NO_NS,
    ),
    Attack(
        "read by system call",
        LIBC + "fd = libc.open({secret!r}.encode(), 0)\nif fd >= 0: print('REACHED')",
        weakest=NO_NS,
    ),
    Attack(
        "read the harness", reach("open({harness!r} + '/bench/types.py').read()"), weakest=NO_NS
    ),
    Attack(
        "import the harness",
        reach("import sys\nsys.path.insert(0, {harness!r})\nimport bench.problems"),
        weakest=NO_NS,
    ),
    Attack("find other packages", reach("import pytest"), weakest=NO_NS),
    Attack("list the user's folder", reach("import os\nos.listdir({folder!r})"), weakest=NO_NS),
    Attack(
        "list the root",
        "import os\nif {{'etc', 'home'}} & set(os.listdir('/')): print('REACHED')",
        weakest=NO_NS,
    ),
    Attack(
        "see a file", "import os\nif os.path.exists({secret!r}): print('REACHED')", weakest=FULL
    ),
    Attack("write a file", reach("open({folder!r} + '/new', 'w').write('x')")),
    Attack("append to a file", reach("open({secret!r}, 'a').write('x')")),
    Attack("truncate", reach("import os\nos.truncate({secret!r}, 0)")),
    Attack(
        "open to write by system call",
        LIBC
        + "for flags in (1, 2, 0o101, 0o2001, 0o20200002):\n  if libc.open({secret!r}.encode(), flags, 0o666) >= 0: print('REACHED')",
    ),
    Attack("unlink", reach("import os\nos.unlink({secret!r})")),
    Attack("rename", reach("import os\nos.rename({secret!r}, {folder!r} + '/moved')")),
    Attack("make a directory", reach("import os\nos.mkdir({folder!r} + '/made')")),
    Attack("symbolic link", reach("import os\nos.symlink('/etc/passwd', {folder!r} + '/link')")),
    Attack("hard link", reach("import os\nos.link({secret!r}, {folder!r} + '/hard')")),
    Attack("chmod", reach("import os\nos.chmod({secret!r}, 0o777)")),
    Attack("chown", reach("import os\nos.chown({secret!r}, os.getuid(), os.getgid())")),
    Attack("utime", reach("import os\nos.utime({secret!r})")),
    Attack("extended attributes", reach("import os\nos.setxattr({secret!r}, 'user.x', b'x')")),
    Attack("temporary file", reach("import tempfile\ntempfile.TemporaryFile().write(b'x')")),
    Attack("write where it works", reach("import os\nos.mkdir('x')")),
    Attack("write to the libraries", reach("import sympy\nopen(sympy.__file__, 'a').write('1/0')")),
    Attack(
        "a database on disk",
        reach("import sqlite3\nsqlite3.connect({folder!r} + '/db').execute('create table t (x)')"),
    ),
    Attack("a named pipe", reach("import os\nos.mkfifo({folder!r} + '/pipe')")),
    Attack(
        "a device", reach("import os\nos.mknod({folder!r} + '/disk', 0o60666, os.makedev(8, 0))")
    ),
    Attack(
        "devices",
        "for name in ('mem', 'kmsg', 'sda', 'vda', 'kvm', 'tty', 'ptmx', 'fuse', 'shm'):\n  try:\n    open('/dev/' + name, 'rb')\n    print('REACHED', name)\n  except OSError: pass",
        weakest=NO_NS,
    ),
    Attack(
        "fill the disk",
        reach(
            "import os\nfor root in ('/tmp', '.', {folder!r}, '/dev/shm', '/var/tmp'):\n  try: f = open(root + '/big', 'wb')\n  except OSError: continue\n  f.write(b'0' * 10**8)\n  f.flush()\n  break\nelse: raise OSError"
        ),
    ),
    # Environment.
    Attack(
        "own environment",
        "import os\nif os.environ or os.environb: print('REACHED')",
        weakest=PROCESS,
    ),
    Attack(
        "the C environment",
        "import ctypes\nenv = ctypes.POINTER(ctypes.c_char_p).in_dll(ctypes.CDLL(None), 'environ')\nif env and env[0]: print('REACHED', env[0])",
        weakest=PROCESS,
    ),
    Attack(
        "the environment of others",
        "import os\nfor pid in (os.getppid(), {outsider}, 1):\n  try:\n    if open(f'/proc/{{pid}}/environ', 'rb').read(): print('REACHED', pid)\n  except OSError: pass",
        weakest=NO_NS,
    ),
    Attack(
        "memory of others by /proc",
        "import os\nfor pid in (os.getppid(), {outsider}, 1, 'self'):\n  for name in ('mem', 'maps', 'fd', 'cwd/x', 'root/etc'):\n    try:\n      open(f'/proc/{{pid}}/{{name}}', 'rb')\n      print('REACHED', pid, name)\n    except IsADirectoryError: print('REACHED')\n    except OSError: pass",
        weakest=NO_NS,
    ),
    Attack(
        "the zygote's arguments",
        "import sys\nif any('bench' in word for word in [*sys.argv, *sys.orig_argv]): print('REACHED')",
        weakest=PROCESS,
    ),
    Attack(
        "the harness in memory",
        "import gc, sys\nif any(name.startswith('bench') for name in sys.modules): print('REACHED')",
        weakest=PROCESS,
    ),
    # Processes and threads.
    Attack("fork", "import os\nif os.fork() == 0: os._exit(0)\nprint('REACHED')"),
    Attack(
        "fork bomb",
        "import os\nn = 0\nwhile n < 10000:\n  n += 1\n  try: os.fork(); print('REACHED')\n  except OSError: pass",
    ),
    Attack("vfork", LIBC + "if libc.vfork() >= 0: print('REACHED')", ends=ANY),
    Attack(
        "clone in every way",
        LIBC
        + "for flags in (17, 0x8011, 0x1200011, 0x10000011, 0x4111, 0x50f00, 0x3d0f00):\n  pid = libc.syscall(56, flags, 0, 0, 0, 0)\n  if pid == 0: libc._exit(0)\n  if pid > 0: print('REACHED', hex(flags))",
        machine="x86_64",
    ),
    Attack(
        "the node's own fork",
        FRAMES
        + "for _ in range(100):\n  try:\n    if birth.fork() == 0: os._exit(0)\n    print('REACHED')\n  except OSError: pass",
    ),
    Attack("subprocess", reach("import subprocess\nsubprocess.run(['/bin/true'])")),
    Attack("shell", "import os\nif os.system('true') == 0: print('REACHED')"),
    Attack("exec", reach("import os\nos.execv('/bin/true', ['true'])"), ends=ENDED),
    Attack(
        "multiprocessing",
        reach("import multiprocessing\nmultiprocessing.Process(target=int).start()"),
    ),
    Attack(
        "double fork to escape",
        "import os\nif os.fork() == 0:\n  os.setsid()\n  if os.fork() == 0:\n    while True: pass\n  os._exit(0)\nprint('REACHED')",
    ),
    Attack("thread", reach("import threading\nthreading.Thread(target=int).start()")),
    Attack(
        "thread bomb",
        "import _thread\nfor _ in range(10000):\n  try: _thread.start_new_thread(int, ()); print('REACHED')\n  except RuntimeError: pass",
    ),
    Attack(
        "asynchronous executor",
        reach("import concurrent.futures as c\nc.ThreadPoolExecutor().submit(int).result()"),
    ),
    Attack("new session", reach("import os\nos.setsid()")),
    # Signals and tracing.
    Attack("signal everybody", reach("import os\nos.kill(-1, 0)")),
    Attack(
        "signal the parent",
        "import os\nfor pid in {{os.getppid(), {outsider}, 1, 2, 3, 0, os.getpid() - 1}}:\n  try: os.kill(pid, 0); print('REACHED', pid)\n  except OSError: pass",
    ),
    Attack("signal a group", reach("import os\nos.killpg(0, 0)")),
    Attack(
        "signal by descriptor",
        reach("import os, signal\nsignal.pidfd_send_signal(os.pidfd_open(os.getppid() or 1), 0)"),
    ),
    Attack(
        "signal by the back door",
        "import fcntl, os\nfor pid in (os.getppid(), {outsider}, 1, 2):\n  try: fcntl.fcntl(3, fcntl.F_SETOWN, pid); print('REACHED', pid)\n  except OSError: pass",
    ),
    Attack(
        "signal by a thread's id",
        LIBC
        + "import os\nif libc.syscall(234, os.getppid() or 1, os.getppid() or 1, 0) == 0: print('REACHED')",
        machine="x86_64",
    ),
    Attack(
        "trace",
        LIBC
        + "import os\nfor pid in (os.getppid(), {outsider}, 1, 2):\n  for request in (16, 0x4206):\n    if libc.ptrace(request, pid, 0, 0) == 0: print('REACHED', pid)",
    ),
    Attack("be traced", LIBC + "if libc.ptrace(0, 0, 0, 0) == 0: print('REACHED')"),
    Attack("raise priority", reach("import os\nos.setpriority(os.PRIO_PROCESS, 0, 5)")),
    Attack(
        "raise limits",
        "import resource\nfor kind in (resource.RLIMIT_AS, resource.RLIMIT_NPROC, resource.RLIMIT_FSIZE, resource.RLIMIT_NOFILE):\n  try: resource.setrlimit(kind, (1 << 40, 1 << 40)); print('REACHED', kind)\n  except (ValueError, OSError): pass",
    ),
    Attack(
        "limits of others",
        reach("import resource, os\nresource.prlimit(os.getppid() or 1, resource.RLIMIT_CPU)"),
    ),
    Attack(
        "become root",
        "import os\nfor call in (lambda: os.setuid(0), lambda: os.setresuid(0, 0, 0), lambda: os.setgid(0)):\n  try: call(); print('REACHED')\n  except OSError: pass",
    ),
    # Memory.
    Attack("heap bomb", "x = 'x' * 10**11", PROCESS, (Status.MEMORY,)),
    Attack(
        "slow heap bomb",
        "import numpy\nx = []\nwhile True: x.append(numpy.empty(1 << 20))",
        PROCESS,
        (Status.MEMORY,),
    ),
    Attack("array bomb", "import numpy\nnumpy.ones(10**11)", PROCESS, (Status.MEMORY,)),
    Attack(
        "anonymous memory bomb",
        LIBC
        + "libc.mmap.restype = ctypes.c_void_p\nlibc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t] + [ctypes.c_int] * 3 + [ctypes.c_long]\nif libc.mmap(None, 1 << 40, 3, 0x22, -1, 0) != ctypes.c_void_p(-1).value: print('REACHED')",
        PROCESS,
    ),
    Attack("shared memory", reach("import mmap\nmmap.mmap(-1, 4096)")),
    Attack(
        "shared memory of the system",
        reach(
            "from multiprocessing import shared_memory\nshared_memory.SharedMemory(create=True, size=4096)"
        ),
    ),
    Attack("memory files", reach("import os\nos.memfd_create('x')")),
    Attack("a number without end", "10**10**10", PROCESS, (Status.TIMEOUT, Status.MEMORY)),
    Attack("locked memory", LIBC + "if libc.mlockall(3) == 0: print('REACHED')"),
    # Deadlines.
    Attack("busy", "while True: pass", PROCESS, (Status.TIMEOUT,)),
    Attack("asleep", "import time\ntime.sleep(99)", PROCESS, (Status.TIMEOUT,)),
    Attack(
        "catches everything",
        "while True:\n  try:\n    while True: pass\n  except BaseException: pass",
        PROCESS,
        (Status.TIMEOUT,),
    ),
    Attack(
        "ignores signals",
        "import signal\nfor s in range(1, 65):\n  try: signal.signal(s, signal.SIG_IGN)\n  except (OSError, ValueError): pass\nwhile True: pass",
        PROCESS,
        (Status.TIMEOUT,),
    ),
    Attack(
        "blocks signals",
        "import signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))\nwhile True: pass",
        PROCESS,
        (Status.TIMEOUT,),
    ),
    Attack(
        "stops itself", "import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)\nprint('REACHED')"
    ),
    Attack(
        "a regular expression",
        "import re\nre.match('(a+)+$', 'a' * 40 + 'b')",
        PROCESS,
        (Status.TIMEOUT,),
    ),
    Attack(
        "forges a result, then spins", FORGED_OK + "while True: pass", PROCESS, (Status.TIMEOUT,)
    ),
    Attack(
        "forges a result to be kept, then spins",
        FORGED_OK + "while True: pass",
        PROCESS,
        (Status.TIMEOUT,),
    ),
    Attack(
        "the child of a forger that spins",
        "print('REACHED')",
        PROCESS,
        (Status.REFUSED,),
        parent="forges a result to be kept, then spins",
    ),
    Attack(
        "will not exit",
        "import os\nos._exit = lambda code: exec('while True: pass')",
        PROCESS,
        (Status.TIMEOUT,),
    ),
    Attack(
        "an alarm after its time", reach("import signal\nsignal.setitimer(signal.ITIMER_REAL, 0.1)")
    ),
    Attack(
        "exit handlers",
        "import atexit, weakref\ndef spin():\n  while True: pass\natexit.register(spin)\nclass C:\n  def __del__(self): spin()\nc = C()",
        PROCESS,
        (Status.OK,),
    ),
    Attack(
        "closes its channel, then spins",
        "import os\nos.close(3)\nwhile True: pass",
        PROCESS,
        (Status.TIMEOUT, Status.CRASHED),
    ),
    # Protocol.
    Attack(
        "a report of garbage",
        "import os\nos.write(3, b'\\xff' * 99)\nos._exit(0)",
        PROCESS,
        (Status.CRASHED,),
    ),
    Attack(
        "half a report",
        "import os\nos.write(3, b'\\x00' * 9)\nos._exit(0)",
        PROCESS,
        (Status.CRASHED,),
    ),
    Attack(
        "a report longer than it says",
        "import os, struct\nos.write(3, struct.pack('!BBdII', 0, 0, 0.0, 3, 0) + b'yes, and more')\nos._exit(0)",
        PROCESS,
        (Status.CRASHED,),
    ),
    Attack(
        "a report with an ending of its own",
        "import os, struct\nos.write(3, struct.pack('!BBdII', 99, 0, 0.0, 0, 0))\nos._exit(0)",
        PROCESS,
        (Status.CRASHED,),
    ),
    Attack(
        "a report that took no number of seconds",
        "import os, struct\nos.write(3, struct.pack('!BBdII', 0, 0, float('nan'), 0, 0))\nos._exit(0)",
        PROCESS,
        (Status.CRASHED,),
    ),
    Attack(
        "a report of endless length",
        "import os, struct\nos.write(3, struct.pack('!BBdII', 0, 0, 0.0, 2**32 - 1, 2**32 - 1))\nos._exit(0)",
        PROCESS,
        (Status.CRASHED,),
    ),
    Attack(
        "a flood of reports",
        "import os\nwhile True: os.write(3, bytes(65536))",
        PROCESS,
        (Status.CRASHED, Status.TIMEOUT),
    ),
    Attack(
        "a second hello", "import os\nos.write(3, b'H')\nos._exit(0)", PROCESS, (Status.CRASHED,)
    ),
    Attack(
        "sends descriptors",
        reach(
            "import socket, array\ns = socket.socket(fileno=3)\ns.sendmsg([b'x'], [(1, 1, array.array('i', [0, 1, 2]))])"
        ),
        ends=(*ENDED, Status.CRASHED),
    ),
    Attack(
        "orders itself",
        reach(
            "import socket\ns = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, 0, fileno=3)\ns.setblocking(False)\ns.recv(1)"
        ),
        PROCESS,
    ),
    # Descriptors.
    Attack("descriptors run out", "import os\nwhile True: os.dup(0)", PROCESS, (Status.ERROR,)),
    Attack(
        "inherited descriptors",
        "import os\nheld = []\nfor fd in range(4, 4096):\n  try: os.fstat(fd); held.append(fd)\n  except OSError: pass\nif held: print('REACHED', held)",
        PROCESS,
    ),
    Attack("pipes between siblings", reach("import os\nos.pipe()")),
    # The interpreter's end.
    Attack("segmentation fault", "import ctypes\nctypes.string_at(0)", PROCESS, (Status.CRASHED,)),
    Attack("abort", "import os\nos.abort()", PROCESS, (Status.CRASHED,)),
    Attack(
        "stack overflow",
        "import sys\nsys.setrecursionlimit(10**9)\nf = lambda: f()\nf()",
        PROCESS,
        (Status.CRASHED, Status.ERROR, Status.MEMORY, Status.TIMEOUT),
    ),
    Attack(
        "deep nesting",
        "x = ()\nfor _ in range(10**6): x = (x,)\nhash(x)",
        PROCESS,
        (Status.CRASHED, Status.ERROR, Status.TIMEOUT),
    ),
    Attack("exit in silence", "import os\nos._exit(0)", PROCESS, (Status.CRASHED,)),
    Attack(
        "a jump into nowhere",
        "import ctypes\nctypes.CFUNCTYPE(None)(1)()",
        PROCESS,
        (Status.CRASHED,),
    ),
    # Output.
    Attack("endless print", "while True: print('spam')", PROCESS, (Status.OUTPUT_LIMIT,)),
    Attack("a huge print", "print('x' * 2 * 10**8)", PROCESS, (Status.OUTPUT_LIMIT,)),
    Attack("a huge error", "raise ValueError('x' * 10**8)", PROCESS, (Status.ERROR,)),
    Attack(
        "an error that will not be told",
        "class E(Exception):\n  def __str__(self): return 7\nraise E",
        PROCESS,
        (Status.ERROR,),
    ),
    Attack(
        "output around the writer",
        "import os\nos.write(1, b'REACHED')\nos.write(2, b'REACHED')",
        PROCESS,
    ),
    # Siblings. The common parent, one that poisons what it can, one that looks.
    Attack("parent", "import os\nshared = [1]\nkept = open(os.__file__)", PROCESS, prints=""),
    Attack(
        "poisons",
        "import builtins, sys, math, sympy, numpy, os, random\nshared.append(2)\nkept.read(100)\nmath.pi = 3\nsympy.solve = numpy.zeros = None\nrandom.random = lambda: 0.5\nsys.modules['fractions'] = None\nbuiltins.len = None\nsys.path.clear()\ndel builtins.print",
        PROCESS,
        ends=(*ENDED, Status.CRASHED),
        parent="parent",
    ),
    Attack(
        "looks",
        "import math, sympy, fractions, random, sys\nx = sympy.Symbol('x')\nprint(shared, kept.tell(), math.pi > 3, sympy.solve(x - 1), len('ab'), random.random() != 0.5, bool(sys.path))",
        PROCESS,
        parent="parent",
        prints="[1] 0 True [1] 2 True True\n",
    ),
    Attack(
        "patches the node for its children",
        FRAMES + "type(birth.fork).__call__ = lambda self: 1/0",
        PROCESS,
        ends=ANY,
    ),
    Attack(
        "a child of the patched",
        "print(1)",
        PROCESS,
        ends=ANY,
        parent="patches the node for its children",
    ),
    Attack("a stranger beside the patched", "print(1)", PROCESS, prints="1\n"),
    # System calls.
    Attack(
        "dangerous system calls",
        LIBC
        + f"for number in ({DANGEROUS}):\n"
        + "  ctypes.set_errno(0)\n  result = libc.syscall(number, 0, 0, 0, 0, 0, 0)\n  if result != -1 or ctypes.get_errno() not in (errno.EPERM, errno.ENOSYS, errno.EACCES): print('REACHED', number)",
        machine="x86_64",
    ),
    Attack(
        "x32 system calls",
        LIBC + "libc.syscall(0x40000000 + 39)\nprint('REACHED')",
        ends=(Status.CRASHED,),
        machine="x86_64",
    ),
    Attack(
        "x32 open",
        LIBC + "libc.syscall(0x40000000 + 2, b'/etc/passwd', 0)\nprint('REACHED')",
        ends=(Status.CRASHED,),
        machine="x86_64",
    ),
    Attack(
        "i386 system calls",
        LIBC
        + "libc.mmap.restype = ctypes.c_void_p\naddress = libc.mmap(0, 4096, 7, 0x22, -1, 0)\nctypes.memmove(address, bytes.fromhex('b814000000cd80c3'), 8)\nctypes.CFUNCTYPE(ctypes.c_int)(address)()\nprint('REACHED')",
        ends=(Status.CRASHED,),
        machine="x86_64",
    ),
    Attack(
        "namespaces",
        LIBC
        + "for flag in (0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000):\n  if libc.unshare(flag) == 0: print('REACHED', hex(flag))",
    ),
    Attack(
        "looser filters",
        LIBC
        + "if libc.prctl(22, 1) == 0 or libc.prctl(38, 0, 0, 0, 0) == 0 or libc.prctl(4, 1) == 0 or libc.prctl(1, 0) == 0: print('REACHED')",
    ),
)
