/* One process that forks supervisors (supervise-script.ts), and tells of each that its program runs and that
 * it has ended. */
export const FORKING = String.raw`
def say(fd, told):
    try:
        write_all(fd, (json_of(told) + "\n").encode())
    except OSError:
        pass  # Whoever started this is gone; the next one adopts it.


def text_in(pipe):
    try:
        return os.read(pipe, 65536).decode(errors="replace")
    except BlockingIOError:
        return ""


def supervise(order, say_started):
    launch = order["launch"]
    if "relay" in launch:
        enter_network()
    supervisor = Supervisor(launch, order["spec"], say_started)
    try:
        supervisor.run()
    except BaseException as error:
        supervisor.fail(error)


def be_supervisor(order, wake):
    os.setsid()
    signal.set_wakeup_fd(-1)
    told = os.dup(1)
    nothing = os.open("/dev/null", os.O_RDWR)
    for number in range(3):
        os.dup2(nothing, number)
    for fd in (nothing, *wake):
        os.close(fd)

    def say_started():
        say(told, {"id": order["id"], "runs": True})
        os.close(told)

    try:
        supervise(order, say_started)
    except BaseException as error:
        say(told, {"id": order["id"], "runs": False, "failure": str(error)})


class Forker:
    def __init__(self):
        self.started = {}
        self.wake = os.pipe()
        for end in self.wake:
            os.set_blocking(end, False)
        signal.set_wakeup_fd(self.wake[1])
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def run(self):
        text = b""
        while True:
            ready = select.select([0, self.wake[0]], [], [])[0]
            if self.wake[0] in ready:
                os.read(self.wake[0], 512)
                self.reap()
            if 0 in ready:
                data = os.read(0, 65536)
                if not data:
                    os._exit(0)
                *lines, text = (text + data).split(b"\n")
                for line in lines:
                    self.begin(parse_json(line.decode()))

    def begin(self, order):
        try:
            pid = os.fork()
        except OSError as error:
            failure = "cannot fork a supervisor: %s" % error
            return say(1, {"id": order["id"], "runs": False, "failure": failure})
        if pid != 0:
            self.started[pid] = order["id"]
            return
        try:
            be_supervisor(order, self.wake)
        finally:
            os._exit(1)

    def reap(self):
        while self.started:
            pid, _ = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            say(1, {"id": self.started.pop(pid), "runs": False})


gc.freeze()  # What all supervisors share stays shared.
Forker().run()
`
