/* The launcher: a small piece of Python (it is there anyway, and reaches the system calls that Node does
 * not) between the supervisor, of which it is a fork, and the user's program. Kept as text, because a
 * packed kaos ships compiled modules only. By itself:
 *
 *   launch.py run SPEC PARENT   starts the program of the file SPEC and ends with its exit code
 *   launch.py net COMMAND…      becomes COMMAND in a network of its own, loopback up
 *
 * `run` with "private": user, mount and pid namespaces; a tmpfs becomes the root, all top-level
 * folders of the host but /opt and /pfs are bound into it, then what SPEC binds; pivot_root. An init
 * (PID 1) stands in front of the program, so that SIGTERM reaches it and orphans are reaped; under a
 * supervisor it is the launcher itself.
 * Without "private" the launcher is the subreaper of all the program starts.
 * SIGTERM asks the program to end; SIGUSR1 ends everything at once; the supervisor's death does too.
 * Always true: when `run` has ended, nothing that the program started is alive.
 * Never mounts over the host's own root: everything happens below the tmpfs, before the pivot. */
export const LAUNCH_FUNCTIONS = String.raw`
import ctypes, os, sys
try:
    import _signal as signal  # What signal itself adds takes longer than all that is done here.
except ImportError:
    import signal

libc = ctypes.CDLL(None, use_errno=True)
NEWNS, NEWUSER, NEWPID, NEWNET = 0x20000, 0x10000000, 0x20000000, 0x40000000
RDONLY, REMOUNT, BIND, REC = 1, 32, 4096, 16384
UNBINDABLE, PRIVATE = 1 << 17, 1 << 18
SIGNALS = (signal.SIGTERM, signal.SIGUSR1)
SET_PDEATHSIG, SET_CHILD_SUBREAPER = 1, 36


def read_json(path):
    with open(path, encoding="utf-8") as file:
        return parse_json(file.read())


def parse_json(text):
    try:
        # The scanner of the module json by itself: what comes with the module takes longer than all this.
        from _json import make_scanner
    except ImportError:
        import json

        return json.loads(text)

    class Standard:
        strict = True
        object_hook = object_pairs_hook = parse_constant = None
        parse_float, parse_int = float, int

    return make_scanner(Standard)(text, 0)[0]


def check(result, what):
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, "%s: %s" % (what, os.strerror(number)))


def mount(source, target, kind, flags, data=None):
    text = lambda value: None if value is None else os.fsencode(value)
    result = libc.mount(text(source), text(target), text(kind), ctypes.c_ulong(flags), text(data))
    check(result, "mount %s" % target)


def write(path, text):
    with open(path, "w") as file:
        file.write(text)


def unshare(flags):
    uid, gid = os.getuid(), os.getgid()
    check(libc.unshare(ctypes.c_int(flags)), "unshare")
    if flags & NEWUSER:
        write("/proc/self/setgroups", "deny")
        write("/proc/self/uid_map", "0 %d 1" % uid)
        write("/proc/self/gid_map", "0 %d 1" % gid)


def bind(source, target, read_only=False):
    if os.path.isdir(source):
        os.makedirs(target, exist_ok=True)
    elif not os.path.exists(target):
        os.close(os.open(target, os.O_CREAT | os.O_WRONLY))
    mount(source, target, None, BIND | REC)
    if read_only:
        # What the host's mount forbids must stay forbidden, else the kernel refuses the remount.
        had = os.statvfs(target).f_flag
        atime = (had & (1024 | 2048)) | ((1 << 21) if had & 4096 else 0)
        keep = (had & (2 | 4 | 8)) | (atime or (1 << 24))
        mount(None, target, None, REMOUNT | BIND | RDONLY | keep)


def bind_all(source, target, leave_out):
    for name in os.listdir(source):
        if name in leave_out:
            continue
        here, there = os.path.join(source, name), os.path.join(target, name)
        try:
            if os.path.islink(here):
                os.symlink(os.readlink(here), there)
            else:
                bind(here, there)
        except OSError:
            pass  # A folder that this user may not bind is not shown.


def enter_view(spec):
    root = spec["root"]
    check(libc.unshare(ctypes.c_int(NEWNS)), "unshare")
    mount(None, "/", None, REC | PRIVATE)
    mount("tmpfs", root, "tmpfs", 0, "mode=755,size=64m")
    mount(None, root, None, UNBINDABLE)
    bind_all("/", root, ("opt", "pfs", "proc"))
    os.mkdir(root + "/opt")
    if os.path.isdir("/opt"):
        bind_all("/opt", root + "/opt", ("program", "tmp"))
    for one in spec["binds"]:
        bind(one["source"], root + one["target"], one["readOnly"])
    os.mkdir(root + "/proc")
    try:
        mount("proc", root + "/proc", "proc", 2 | 4 | 8)
    except OSError:
        bind("/proc", root + "/proc")  # A container whose /proc is masked gives no new one.
    os.mkdir(root + "/.host")
    os.chdir(root)
    check(libc.pivot_root(b".", b".host"), "pivot_root")
    os.chdir("/")
    check(libc.umount2(b"/.host", ctypes.c_int(2)), "umount")
    os.rmdir("/.host")


def start(spec):
    pid = os.fork()
    if pid != 0:
        return pid
    try:
        os.setsid()
        for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGTERM, signal.SIGUSR1):
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        if spec.get("cpus") and hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, spec["cpus"])
        try:
            write("/proc/self/oom_score_adj", "500")
        except OSError:
            pass
        os.chdir(spec["cwd"])
        os.execve(spec["argv"][0], spec["argv"], spec["env"])
    except BaseException as error:
        os.write(2, os.fsencode("cannot start %s: %s\n" % (" ".join(spec["argv"]), error)))
    os._exit(127)


def wait_for(pid):
    while True:
        done, status = os.waitpid(-1, 0)
        if done == pid:
            return os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)


def signal_to(target, number):
    try:
        os.kill(target, number)
    except OSError:
        pass


def answer_signals(ask, end):
    signal.signal(signal.SIGTERM, lambda *_: ask())
    signal.signal(signal.SIGUSR1, lambda *_: end())
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


def children():
    found, own = [], os.getpid()
    if not os.path.isdir("/proc/self"):
        return found
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open("/proc/%s/stat" % name, "rb") as file:
                    if int(file.read().rsplit(b")", 1)[1].split()[1]) == own:
                        found.append(int(name))
            except (OSError, IndexError):
                pass
    return found


def end_orphans():
    while True:
        for pid in children():
            signal_to(pid, signal.SIGKILL)
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def prctl(option, value):
    if hasattr(libc, "prctl"):
        libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0)


def leave_pids(spec):
    """The next child is PID 1 of a namespace of its own."""
    unshare((NEWUSER if spec["user"] else 0) | NEWPID)


def be_init(spec, failure):
    """As PID 1: what it started ends with it."""
    prctl(SET_PDEATHSIG, signal.SIGKILL)
    try:
        enter_view(spec)
        pid = start(spec)
        answer_signals(lambda: signal_to(-pid, signal.SIGTERM), lambda: os._exit(137))
        return wait_for(pid)
    except BaseException as error:
        os.write(failure, os.fsencode(str(error)))
        return 125


def run_private(spec, failure):
    leave_pids(spec)
    init = os.fork()
    if init == 0:
        os._exit(be_init(spec, failure))
    answer_signals(lambda: signal_to(init, signal.SIGTERM), lambda: signal_to(init, signal.SIGKILL))
    return wait_for(init)


def run_plain(spec):
    prctl(SET_CHILD_SUBREAPER, 1)
    pid = start(spec)
    answer_signals(lambda: signal_to(-pid, signal.SIGTERM), lambda: signal_to(-pid, signal.SIGKILL))
    code = wait_for(pid)
    signal_to(-pid, signal.SIGKILL)
    end_orphans()
    return code


def run(spec, failure, parent):
    # Signals wait until there is a program to pass them to.
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    prctl(SET_PDEATHSIG, signal.SIGUSR1)
    if os.getppid() != parent:
        os._exit(137)
    try:
        return run_private(spec, failure) if spec["private"] else run_plain(spec)
    except BaseException as error:
        os.write(failure, os.fsencode(str(error)))
        return 125


def enter_network():
    import fcntl, socket, struct
    unshare(NEWUSER | NEWNET)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as handle:
        request = struct.pack("16sH14s", b"lo", 1, b"")  # IFF_UP
        fcntl.ioctl(handle, 0x8914, request)  # SIOCSIFFLAGS
`

export const LAUNCH_SCRIPT = `${LAUNCH_FUNCTIONS}

def net(command):
    enter_network()
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    os.execv(command[0], command)


if sys.argv[1] == "net":
    net(sys.argv[2:])
else:
    os._exit(run(read_json(sys.argv[2]), 2, int(sys.argv[3])))
`

/** What `run` reads. */
export interface LaunchSpec {
  readonly private: boolean
  /** Makes a user namespace too: not where the supervisor already stands in one. */
  readonly user: boolean
  /** Empty folder that becomes the root. */
  readonly root: string
  readonly binds: readonly {
    readonly source: string
    readonly target: string
    readonly readOnly: boolean
  }[]
  readonly cwd: string
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly cpus?: readonly number[]
}
