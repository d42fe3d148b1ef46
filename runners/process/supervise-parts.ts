/* What the supervisor needs in Python that Node has as well: files that are there whole or not at all, the log
 * of a program, and looks at processes. */
import { FULL, LINE_MAX, MISSING } from '../log-file.ts'
import { LOG_MAX } from '../runner.ts'

export const WHOLE_FILES = String.raw`
def quoted(text):
    plain = lambda c: c >= " " and c not in '"\\' and not "\ud800" <= c <= "\udfff"
    return '"%s"' % "".join(c if plain(c) else "\\u%04x" % ord(c) for c in text)


def json_of(value):
    if isinstance(value, dict):
        return "{%s}" % ",".join("%s:%s" % (quoted(k), json_of(v)) for k, v in value.items())
    if isinstance(value, str):
        return quoted(value)
    words = ((None, "null"), (True, "true"), (False, "false"))
    return next((word for one, word in words if value is one), str(value))


def write_whole(path, value):
    temporary = "%s.%d" % (path, os.getpid())
    file = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    write_all(file, json_of(value).encode())
    os.close(file)
    os.rename(temporary, path)


def write_all(file, data):
    at = 0
    while at < len(data):
        at += os.write(file, data[at:])
    return at


def time_text(now):
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now))
    return "%s.%03dZ" % (whole, int(now * 1000) % 1000)
`

const LIMITS = `
LOG_MAX, LINE_MAX = ${LOG_MAX}, ${LINE_MAX}
FULL, MISSING = ${JSON.stringify(FULL)}.encode(), ${JSON.stringify(MISSING)}.encode()
`

/** The same as `runners/log-file.ts`. */
export const LOG = String.raw`${LIMITS}
class Log:
    def __init__(self, path):
        self.file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self.size = os.fstat(self.file).st_size
        self.line = None  # Bytes of the line that is being written.
        self.missing = False
        self.second, self.stamp = -1, b""
        self.limit = LOG_MAX - len(self.now()) - len(FULL) - 1
        self.full = self.size >= self.limit

    def now(self):
        second = int(time.time())
        if second != self.second:
            self.second = second
            self.stamp = time.strftime("[%Y-%m-%d %H:%M:%S] ", time.gmtime(second)).encode()
        return self.stamp

    def write(self, data):
        pieces, at = [], 0
        while at < len(data) and not self.full:
            if self.line is None:
                pieces.append(self.now())
                self.line = 0
            end = self.end_of(data, at)
            pieces.append(data[at:end])
            self.line += end - at
            if data[end - 1] == 10:
                self.line = None
            elif end < len(data) or self.line >= LINE_MAX:
                pieces.append(b"\n")
                self.line = None
            at = end
        if pieces:
            self.append(b"".join(pieces))

    def end_of(self, data, at):
        newline = data.find(b"\n", at)
        end = len(data) if newline < 0 else newline + 1
        most = at + LINE_MAX - self.line
        if end <= most:
            return end
        while most > at + 1 and data[most] & 0xC0 == 0x80:
            most -= 1
        return most + 1 if data[most] == 10 else most

    def append(self, data):
        room = self.limit - self.size
        if len(data) <= room:
            return self.put(data)
        self.full = True
        self.put(data[:room])
        broken = room > 0 and data[room - 1] != 10
        self.put((b"\n" if broken else b"") + self.now() + FULL)
        self.line = None

    def put(self, data):
        if self.missing:
            self.missing = False
            self.put(b"\n" + self.now() + MISSING)
            if self.missing:
                return
        try:
            self.size += write_all(self.file, data)
        except OSError as error:
            # A full disk, or quota, costs a part of the log, not the program.
            if error.errno not in (28, 122):
                raise
            self.size = os.fstat(self.file).st_size
            self.missing = True

    def close(self):
        if self.line is not None:
            self.write(b"\n")
        os.close(self.file)
`

/** The same as `runners/host-processes.ts`. */
export const PROCESSES = `
def stat_of(pid):
    with open("/proc/%d/stat" % pid, "rb") as file:
        return file.read().rsplit(b")", 1)[1].split()


def ps(parameters):
    with os.popen("ps %s 2>/dev/null" % parameters) as output:
        return output.read()


def name_of(pid):
    if not os.path.isdir("/proc/self"):
        return {"pid": pid, "born": ps("-o lstart= -p %d" % pid).strip()}
    with open("/proc/sys/kernel/random/boot_id") as file:
        boot = file.read().strip()
    return {"pid": pid, "born": "%s:%s" % (boot, stat_of(pid)[19].decode())}


def table():
    """pid -> parent, bytes in memory"""
    found = {}
    if not os.path.isdir("/proc/self"):
        for line in ps("-A -o pid=,ppid=,rss=").splitlines():
            pid, parent, kilobytes = (int(field) for field in line.split())
            found[pid] = parent, kilobytes * 1024
        return found
    page = os.sysconf("SC_PAGE_SIZE")
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                fields = stat_of(int(name))
                found[int(name)] = int(fields[1]), int(fields[21]) * page
            except (OSError, IndexError):
                pass
    return found


def own_memory(pid, otherwise):
    try:
        with open("/proc/%d/smaps_rollup" % pid) as file:
            for line in file:
                if line.startswith("Pss:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return otherwise


def takes_more(root, limit):
    """Shared memory is counted once, which is dearer to ask: only when there may be too much."""
    all_of = table()
    family = [root]
    for parent in family:
        family.extend(pid for pid, (of, _) in all_of.items() if of == parent)
    sizes = {pid: all_of[pid][1] for pid in family if pid in all_of}
    if sum(sizes.values()) <= limit:
        return False
    return sum(own_memory(pid, size) for pid, size in sizes.items()) > limit
`
