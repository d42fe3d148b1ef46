/* The supervisor: a small Python process per attempt, which outlives the worker. It starts the program
 * through the launcher, which is a fork of it, writes its log, keeps its memory limit, and writes down
 * how it ended. In Python like the launcher, and with only what Python has compiled in: trials of a grid
 * are often short. Nothing is synced: no word of it counts after another start of the host.
 *
 *   supervise.py     reads lines {"id": TEXT, "launch": LAUNCH, "spec": SPEC} and forks a supervisor
 *                    for each; writes lines {"id": TEXT, "runs": BOOLEAN}: true once the program runs,
 *                    false when the supervisor has ended, with "failure" where it could write nothing
 *                    down; ends with its standard input
 *
 * Always true: `state.json` is there before the program is, `exit.json` after it has ended and
 * nothing that it started is alive. SIGTERM asks for the end; `stop.json` says how patiently. */
import { FORKING } from './forking-script.ts'
import { LAUNCH_FUNCTIONS } from './launch-script.ts'
import { LOG, PROCESSES, WHOLE_FILES } from './supervise-parts.ts'

const SUPERVISOR = `
LOOK_S = 0.5
# How long pipes may stay open after the program has ended, held by what could not be ended.
DRAIN_S = 2


class Supervisor:
    def __init__(self, launch, spec, say_started):
        self.launch, self.files, self.spec = launch, launch["files"], spec
        self.say_started = say_started
        self.times = {"startedAt": time_text(time.time())}
        self.ending = {"code": None, "signal": None, "failure": ""}
        self.launcher = self.relay = self.kill_at = self.log = None
        self.over = self.named = False
        self.look_at = time.monotonic() + LOOK_S
        self.wake, wake = os.pipe()
        for end in (self.wake, wake):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(wake)

    def run(self):
        signal.signal(signal.SIGTERM, lambda *_: self.stop())
        for number in (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGCHLD):
            signal.signal(number, lambda *_: None)
        if "relay" in self.launch:
            self.start_relay()
        self.supervise()
        self.finish()

    def write_state(self):
        names = {"supervisor": name_of(os.getpid())}
        if self.launcher is not None:
            names["launcher"] = name_of(self.launcher)
        write_whole(self.files["state"], {**names, **self.times})
        self.named = True

    def start_relay(self):
        heard, said = os.pipe()
        command = self.launch["relay"]

        def become_relay():
            prctl(SET_PDEATHSIG, signal.SIGKILL)
            os.dup2(said, 3)
            os.execv(command[0], command)

        self.relay = self.fork(become_relay)
        os.close(said)
        if os.read(heard, 1) == b"":
            raise OSError("the relay of the service cannot be started")
        os.close(heard)

    def fork(self, work):
        """A child whose signals wait, for it to say what they do."""
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        pid = os.fork()
        if pid != 0:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
            return pid
        code = 125
        try:
            signal.set_wakeup_fd(-1)
            for number in (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGCHLD, *SIGNALS):
                signal.signal(number, signal.SIG_DFL)
            os.setsid()
            code = work()
        finally:
            os._exit(code)

    def supervise(self):
        self.log = Log(self.files["log"])
        reader, failure, go = self.start()
        self.write_state()
        # Whoever gave up on this place before state.json was there has left its wish.
        if os.path.exists(self.files["stop"]):
            self.stop()
        if "wish" not in self.ending:
            os.write(go, b".")
        os.close(go)
        self.say_started()
        until = None
        while reader is not None or not self.over:
            if self.over and until is None:
                until = time.monotonic() + DRAIN_S
            if until is not None and time.monotonic() >= until:
                break
            sources = [fd for fd in (self.wake, reader) if fd is not None]
            ready = select.select(sources, [], [], self.rest(until))[0]
            if self.wake in ready:
                os.read(self.wake, 512)
            if reader in ready:
                data = os.read(reader, 65536)
                self.log.write(data)
                if not data:
                    reader = None
            self.reap()
            self.keep_limits()
        self.ending["failure"] = self.ending["failure"] or text_in(failure)
        self.log.close()

    def start(self):
        """The launcher, which waits for a byte; what it writes, why it can start nothing, and its start.
        A pipe, since programs reopen /dev/stdout, which sockets refuse."""
        (reader, writer), (failure, failing), (wait, go) = os.pipe(), os.pipe(), os.pipe()
        for end in (reader, failure):
            os.set_blocking(end, False)
        own = os.getpid()
        private = self.spec["private"]
        if private:
            leave_pids(self.spec)

        def be_launcher():
            prctl(SET_PDEATHSIG, signal.SIGKILL)
            nothing = os.open("/dev/null", os.O_RDONLY)
            os.close(go)
            for number, fd in enumerate((nothing, writer, writer)):
                os.dup2(fd, number)
            if os.read(wait, 1) == b"":
                return 125
            os.closerange(3, failing)
            os.closerange(failing + 1, 256)
            return be_init(self.spec, failing) if private else run(self.spec, failing, own)

        self.launcher = self.fork(be_launcher)
        for end in (writer, failing, wait):
            os.close(end)
        return reader, failure, go

    def rest(self, until):
        """How long there is nothing to do but to be woken."""
        looks = self.look_at if "memoryBytes" in self.launch else None
        due = [when for when in (until, self.kill_at, looks) if when is not None]
        return max(0, min(due) - time.monotonic()) if due else None

    def reap(self):
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid == self.launcher:
                self.over = True
                if os.WIFEXITED(status):
                    self.ending["code"] = os.WEXITSTATUS(status)
                else:
                    self.ending["signal"] = "signal %d" % os.WTERMSIG(status)
            elif pid == self.relay and not self.over:
                raise OSError("the relay of the service ended")

    def keep_limits(self):
        now = time.monotonic()
        if self.over:
            return
        # Again and again, since a signal can come before there is a program to kill.
        if self.kill_at is not None and now >= self.kill_at:
            signal_to(self.launcher, signal.SIGUSR1)
            self.kill_at = now + LOOK_S
        limit = self.launch.get("memoryBytes")
        if limit is not None and now >= self.look_at:
            self.look_at = now + LOOK_S
            if "outOfMemory" not in self.ending and takes_more(self.launcher, limit):
                self.ending["outOfMemory"] = True
                self.kill_at = now

    def stop(self):
        if self.over or "wish" in self.ending:
            return
        try:
            wish = read_json(self.files["stop"])
        except FileNotFoundError:
            wish = {"graceMs": 5000, "lost": True}
        self.ending["wish"] = wish
        if self.launcher is not None:
            signal_to(self.launcher, signal.SIGTERM)
            self.kill_at = time.monotonic() + wish["graceMs"] / 1000

    def finish(self):
        if self.relay:
            signal_to(self.relay, signal.SIGKILL)
        if not self.named:
            self.write_state()
        self.times["finishedAt"] = time_text(time.time())
        write_whole(self.files["exit"], {"ending": self.ending, **self.times})
        os._exit(0)

    def fail(self, error):
        """Something here is wrong: the program must not go on without anybody who watches it."""
        if self.launcher is not None and not self.over:
            signal_to(self.launcher, signal.SIGKILL)
        self.ending["failure"] = "the supervisor failed: %s" % error
        self.finish()
`

export const SUPERVISE_SCRIPT = [
  LAUNCH_FUNCTIONS,
  'import gc, select, time\n',
  WHOLE_FILES,
  LOG,
  PROCESSES,
  SUPERVISOR,
  FORKING,
].join('\n')
