/**
 * The helper in Python 3.6 or later, with nothing but its standard library. `frames.ts` describes what it says. Longer than
 * other files, because it's one program that is sent as a whole.
 */
export const PYTHON_HELPER = String.raw`
import collections, errno, fcntl, os, selectors, signal, socket, stat, struct, subprocess, sys, threading, time

OPEN, DATA, END, CLOSE, CREDIT, SIGNAL, PING, HELLO, OPENED, EXIT, PORTS = range(1, 12)
HEAD = struct.Struct('>IBBI')
PIECE, UNFLUSHED = 131072, 524288
BUDGET, LEAST = 16 << 20, 16384
READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE

selector = selectors.DefaultSelector()
streams, processes, tails, lookups = {}, {}, {}, collections.deque()
out, state = [], {'out': 0, 'shared': 0, 'quiet': 0, 'ports': {}, 'listening': None, 'looked': 0, 'starting': False, 'ending': False}

def send(kind, id, sub=0, data=b''):
    out.append(HEAD.pack(id, kind, sub, len(data)))
    out.append(data)
    state['out'] += len(data) + HEAD.size
    if state['out'] > UNFLUSHED: flush()

def flush():
    # Blocks while the window isn't reading. The descriptor is shared, so it must not be made non-blocking.
    view = memoryview(b''.join(out))
    out.clear()
    state['out'] = 0
    while view: view = view[os.write(1, view):]

def text(*fields):
    return b'\0'.join(each if isinstance(each, bytes) else str(each).encode('utf-8', 'surrogateescape') for each in fields)

def failure(error):
    if isinstance(error, socket.gaierror): return text('ENOTFOUND', error)
    return text(errno.errorcode.get(getattr(error, 'errno', None), 'EIO'), error)

def watch(fd, event, action):
    if fd < 0: return
    key = selector.get_map().get(fd)
    actions = dict(key.data) if key else {}
    actions[event] = action
    if not action: del actions[event]
    mask = sum(actions)
    if not key:
        if mask: selector.register(fd, mask, actions)
    elif mask: selector.modify(fd, mask, actions)
    else: selector.unregister(fd)

def unwatch(fd):
    if fd in selector.get_map(): selector.unregister(fd)

def enlarge(fd):
    # Larger pipes need fewer turns. F_SETPIPE_SZ has no name before Python 3.10.
    try: fcntl.fcntl(fd, 1031, 1 << 20)
    except OSError: pass

class Source:
    """Bytes of a descriptor for the window, as many as it has credit for."""
    def __init__(self, id, sub, fd, credit, ended):
        self.id, self.sub, self.fd, self.credit, self.ended, self.open = id, sub, fd, credit, ended, True
        self.update()
    def add(self, credit):
        self.credit += credit
        self.update()
    def update(self):
        watch(self.fd, READ, self.read if self.open and self.credit > 0 else None)
    def read(self):
        try: data = os.read(self.fd, min(PIECE, self.credit))
        except BlockingIOError: return
        except OSError as error:
            self.open = False
            self.update()
            return self.ended(error)
        if data:
            self.credit -= len(data)
            send(DATA, self.id, self.sub, data)
            if self.credit <= 0: self.update()
        else:
            self.open = False
            self.update()
            send(END, self.id, self.sub)
            self.ended(None)

class Sink:
    """Bytes of the window for a descriptor. Gives credit for more as they are taken."""
    def __init__(self, id, fd, ended):
        self.id, self.fd, self.ended = id, fd, ended
        self.parts, self.granted, self.ending, self.open, self.ready = collections.deque(), LEAST, False, True, False
        self.taken = 0
    def start(self):
        self.ready = True
        self.grant(0)
        self.flush()
    def put(self, data):
        if not self.open: return
        self.parts.append(data)
        if len(self.parts) == 1: self.flush()
        # A part that waits would keep all that was read with it in memory.
        if self.parts: self.parts[-1] = memoryview(bytes(self.parts[-1]))
    def end(self):
        self.ending = True
        self.flush()
    def grant(self, taken):
        # The same rule as in credit.ts.
        self.taken += taken
        self.hold(self.granted - taken)
        limit = min(BUDGET, BUDGET // 2 + 4 * self.taken)
        target = LEAST + max(0, (limit - state['shared'] + max(0, self.granted - LEAST)) // 4)
        more = target - self.granted
        if more * 2 >= target:
            self.hold(target)
            send(CREDIT, self.id, 0, struct.pack('>I', more))
    def hold(self, granted):
        state['shared'] += max(0, granted - LEAST) - max(0, self.granted - LEAST)
        self.granted = granted
    def flush(self):
        if not self.ready or not self.open: return
        while self.parts:
            try: taken = os.write(self.fd, self.parts[0])
            except BlockingIOError: return watch(self.fd, WRITE, self.flush)
            except OSError as error:
                self.stop()
                return self.ended(error)
            rest = self.parts[0][taken:]
            if rest: self.parts[0] = rest
            else: self.parts.popleft()
            self.grant(taken)
        watch(self.fd, WRITE, None)
        if self.ending:
            self.stop()
            self.ended(None)
    def stop(self):
        if not self.open: return
        self.open = False
        self.hold(0)
        self.parts.clear()
        watch(self.fd, WRITE, None)

class Connection:
    """A TCP connection or a Unix socket."""
    def __init__(self, id, credit, addresses):
        self.id, self.addresses, self.socket, self.source, self.credit = id, addresses, None, None, credit
        self.sink = Sink(id, -1, self.written)
        self.waiting = False
        if addresses is not None: self.connect()
    def connect(self):
        family, address = self.addresses.pop(0)
        try:
            self.socket = socket.socket(family, socket.SOCK_STREAM)
            self.socket.setblocking(False)
            if family != socket.AF_UNIX: self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            code = self.socket.connect_ex(address)
        except OSError as error: return self.refused(error)
        if code == errno.EINPROGRESS: return watch(self.socket.fileno(), WRITE, self.decided)
        if code: return self.refused(OSError(code, os.strerror(code)))
        self.connected()
    def decided(self):
        watch(self.socket.fileno(), WRITE, None)
        code = self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code: return self.refused(OSError(code, os.strerror(code)))
        self.connected()
    def refused(self, error):
        if self.socket:
            unwatch(self.socket.fileno())
            self.socket.close()
            self.socket = None
        if self.addresses: return self.connect()
        self.fail(error)
    def connected(self):
        send(OPENED, self.id)
        self.sink.fd = self.socket.fileno()
        self.source = Source(self.id, 1, self.socket.fileno(), self.credit, self.read)
        self.sink.start()
    def read(self, error):
        if error: self.fail(error)
        elif not self.sink.open: self.fail(None)
    def written(self, error):
        # What was sent to the window before may still be read.
        if error: send(END, self.id, 0)
        try: self.socket.shutdown(socket.SHUT_WR)
        except OSError: pass
        if not self.source.open: self.fail(None)
    def add(self, sub, credit):
        if self.source: self.source.add(credit)
        else: self.credit += credit
    def fail(self, error):
        if self.id in streams: send(CLOSE, self.id, 0, failure(error) if error else b'')
        self.close()
    def close(self):
        if streams.pop(self.id, None) is None: return
        self.sink.stop()
        if self.socket:
            unwatch(self.socket.fileno())
            self.socket.close()

class Command:
    """A process with its three streams, in a session of its own."""
    def __init__(self, id, credits, cwd, env, argv):
        self.id, self.exit = id, None
        state['starting'] = True
        try:
            self.process = subprocess.Popen(argv, cwd=cwd or None, env={**os.environb, **env}, bufsize=0,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
            processes[self.process.pid] = self
        finally: state['starting'] = False
        if state['ending']: end()
        pipes = [self.process.stdin, self.process.stdout, self.process.stderr]
        for each in pipes:
            os.set_blocking(each.fileno(), False)
            enlarge(each.fileno())
        send(OPENED, id, 0, text(self.process.pid))
        self.sink = Sink(id, pipes[0].fileno(), self.written)
        self.sources = [Source(id, sub, pipes[sub].fileno(), credits[sub - 1], lambda _, sub=sub: self.read(sub)) for sub in (1, 2)]
        self.sink.start()
    def written(self, error):
        self.process.stdin.close()
        if error and self.id in streams: send(END, self.id, 0)
    def read(self, sub):
        self.finish()
    def add(self, sub, credit):
        self.sources[sub - 1].add(credit)
    def check(self):
        code = self.process.poll()
        if code is None: return
        processes.pop(self.process.pid, None)
        if self.id not in streams: return
        self.exit = ('signal', signal.Signals(-code).name if -code in set(signal.Signals) else 'SIG%d' % -code) if code < 0 else ('code', code)
        send(EXIT, self.id, 0, text(*self.exit))
        self.finish()
    def finish(self):
        if self.exit and not any(each.open for each in self.sources):
            if self.id in streams: send(CLOSE, self.id)
            self.close()
    def kill(self, number):
        try: os.killpg(self.process.pid, number)
        except OSError: pass
    def close(self):
        if streams.pop(self.id, None) is None: return
        for each in self.sources:
            each.open = False
            unwatch(each.fd)
        if self.sink.open:
            self.sink.stop()
            self.process.stdin.close()
        self.process.stdout.close()
        self.process.stderr.close()
        if self.exit is None: end_soon([self])

class Tail:
    """A file, and what is appended to it."""
    def __init__(self, id, credit, path, start):
        self.id, self.credit, self.path, self.file, self.at = id, credit, path, None, None
        if start == 'end':
            try: self.at = os.stat(path).st_size
            except OSError: pass
        self.check()
    def add(self, sub, credit):
        self.credit += credit
        self.check()
    def check(self):
        try: found = os.stat(self.path)
        except OSError: found = None
        if self.file is None:
            if not found: return
            try: self.file = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK)
            except OSError as error: return self.fail(error)
            if not stat.S_ISREG(os.fstat(self.file).st_mode): return self.fail(OSError(errno.EINVAL, os.strerror(errno.EINVAL)))
            os.lseek(self.file, self.at or 0, os.SEEK_SET)
        opened = os.fstat(self.file)
        position = os.lseek(self.file, 0, os.SEEK_CUR)
        if opened.st_size < position: os.lseek(self.file, 0, os.SEEK_SET)
        while self.credit > 0:
            try: data = os.read(self.file, min(PIECE, self.credit))
            except OSError as error: return self.fail(error)
            if not data: break
            self.credit -= len(data)
            send(DATA, self.id, 1, data)
        else: return
        if found and (found.st_dev, found.st_ino) != (opened.st_dev, opened.st_ino):
            os.close(self.file)
            self.file, self.at = None, 0
    def fail(self, error):
        send(CLOSE, self.id, 0, failure(error))
        self.close()
    def close(self):
        streams.pop(self.id, None)
        tails.pop(self.id, None)
        if self.file is not None: os.close(self.file)
        self.file = None

class Ports:
    """The ports that programs listen on, told when they change."""
    def __init__(self, id):
        self.id, self.told = id, None
        state['ports'][id] = self
        state['looked'] = 0
    def tell(self, found):
        if found != self.told: send(PORTS, self.id, 0, found)
        self.told = found
    def close(self):
        streams.pop(self.id, None)
        state['ports'].pop(self.id, None)

def look_for_ports():
    found = set()
    for family in ('tcp', 'tcp6'):
        try: lines = open('/proc/net/' + family).read().split('\n')[1:]
        except OSError: continue
        for fields in map(str.split, lines):
            if len(fields) > 9 and fields[3] == '0A': found.add((family, fields[1], fields[9]))
    if state['listening'] is None or state['listening'][0] != found: state['listening'] = (found, named(found))
    for each in list(state['ports'].values()): each.tell(state['listening'][1])

def named(found):
    owners, wanted = {}, {'socket:[%s]' % inode for _, _, inode in found}
    for pid in filter(str.isdigit, os.listdir('/proc')) if wanted else ():
        try: fds = os.listdir('/proc/%s/fd' % pid)
        except OSError: continue
        for fd in fds:
            try: target = os.readlink('/proc/%s/fd/%s' % (pid, fd))
            except OSError: continue
            if target in wanted: owners.setdefault(target, pid)
    lines = []
    for family, address, inode in sorted(found)[:400]:
        pid, command = owners.get('socket:[%s]' % inode, ''), b''
        if pid:
            try: command = open('/proc/%s/cmdline' % pid, 'rb').read(200).rstrip(b'\0').replace(b'\0', b' ')
            except OSError: pass
        lines += [family, address, pid, command]
    return text(*lines)

def end_soon(commands, seconds=2):
    for each in commands: each.kill(signal.SIGTERM)
    later.append((time.monotonic() + seconds, commands))

later = []

def end(*_):
    # A command that is just starting must not be left behind.
    if state['starting']:
        state['ending'] = True
        return
    left = list(processes.values())
    for each in left: each.kill(signal.SIGTERM)
    for _ in range(20 if left else 0):
        left = [each for each in left if each.process.poll() is None]
        if not left: break
        time.sleep(0.1)
    for each in processes.values(): each.kill(signal.SIGKILL)
    os._exit(0)

def look_up(connection, host, port):
    try: found = [(family, address) for family, _, _, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except OSError as error: found = error
    lookups.append((connection, found))
    os.write(wake_write, b'.')

def looked_up():
    while lookups:
        connection, found = lookups.popleft()
        if connection.id not in streams: continue
        if isinstance(found, list) and found:
            connection.addresses = found
            connection.connect()
        else: connection.fail(found or OSError(errno.ENOENT, 'not found'))

def numeric(host, port):
    if host == 'localhost': return [(socket.AF_INET, ('127.0.0.1', port)), (socket.AF_INET6, ('::1', port))]
    for family in (socket.AF_INET, socket.AF_INET6):
        try: socket.inet_pton(family, host)
        except (OSError, ValueError): continue
        return [(family, (host, port))]

def opened(id, fields):
    what, credits, rest = fields[0].decode(), [int(each) for each in fields[1:3]], fields[3:]
    if what == 'tcp':
        host, port = rest[0].decode(), int(rest[1])
        addresses = numeric(host, port)
        streams[id] = None
        streams[id] = connection = Connection(id, credits[0], None)
        connection.addresses = addresses
        if addresses: connection.connect()
        else: threading.Thread(target=look_up, args=(connection, host, port), daemon=True).start()
    elif what == 'unix':
        streams[id] = connection = Connection(id, credits[0], None)
        connection.addresses = [(socket.AF_UNIX, rest[0])]
        connection.connect()
    elif what == 'spawn':
        count = int(rest[1])
        env = dict(each.split(b'=', 1) for each in rest[2:2 + count])
        streams[id] = True
        streams[id] = Command(id, credits, rest[0], env, rest[2 + count:])
    elif what == 'tail':
        streams[id] = True
        tail = Tail(id, credits[0], rest[0], rest[1].decode())
        if id in streams: streams[id] = tails[id] = tail
    elif what == 'ports': streams[id] = Ports(id)
    elif what == 'signal':
        os.kill(int(rest[0]), getattr(signal, rest[1].decode()))
        send(CLOSE, id)

def receive(kind, id, sub, data):
    if kind == OPEN:
        try: opened(id, bytes(data).split(b'\0'))
        except Exception as error:
            streams.pop(id, None)
            send(CLOSE, id, 0, failure(error))
        return
    stream = streams.get(id)
    if stream is None: return
    if kind == DATA: stream.sink.put(data)
    elif kind == END: stream.sink.end()
    elif kind == CLOSE: stream.close()
    elif kind == CREDIT: stream.add(sub, struct.unpack('>I', data)[0])
    elif kind == SIGNAL: stream.kill(getattr(signal, bytes(data).decode(), 0))

def requests():
    rest = b''
    while True:
        data = yield
        view, at = memoryview(rest + data if rest else data), 0
        while len(view) - at >= HEAD.size:
            id, kind, sub, length = HEAD.unpack_from(view, at)
            if len(view) - at - HEAD.size < length: break
            start = at + HEAD.size
            at = start + length
            receive(kind, id, sub, view[start:at])
        rest = bytes(view[at:])

def read_requests():
    data = os.read(0, 1 << 18)
    if not data: end()
    state['quiet'] = 0
    parser.send(data)

def woken():
    try: os.read(wake_read, 4096)
    except BlockingIOError: pass
    looked_up()
    for each in list(processes.values()): each.check()

def tick(*_):
    # Counted, so that the time in which the sandbox was asleep doesn't count. Also interrupts a write that blocks.
    state['quiet'] += 1
    if state['quiet'] > lost_seconds: end()

lost_seconds = int(sys.argv[2])
for each in (0, 1): enlarge(each)
parser = requests()
next(parser)
wake_read, wake_write = os.pipe()
for each in (wake_read, wake_write): os.set_blocking(each, False)
signal.set_wakeup_fd(wake_write)
signal.signal(signal.SIGCHLD, lambda *_: None)
for each in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT): signal.signal(each, end)
signal.signal(signal.SIGALRM, tick)
signal.setitimer(signal.ITIMER_REAL, 1, 1)
selector.register(0, READ, {READ: read_requests})
selector.register(wake_read, READ, {READ: woken})
send(HELLO, 0, 0, text('1', 'python', os.getpid()))
while True:
    flush()
    waits = [0.25] if tails else []
    if state['ports']: waits.append(max(0, state['looked'] + 1 - time.monotonic()))
    if later: waits.append(max(0, later[0][0] - time.monotonic()))
    # What opens descriptors comes last, so that no event of a closed one reaches the next with its number.
    for key, mask in sorted(selector.select(min(waits) if waits else None), key=lambda each: each[0].fd in (0, wake_read)):
        for event in (READ, WRITE):
            current = selector.get_map().get(key.fd)
            action = current and mask & event and current.data.get(event)
            if action: action()
    for each in list(tails.values()): each.check()
    if state['ports'] and time.monotonic() >= state['looked'] + 1:
        state['looked'] = time.monotonic()
        look_for_ports()
    while later and later[0][0] <= time.monotonic():
        for each in later.pop(0)[1]:
            if each.process.poll() is None: each.kill(signal.SIGKILL)
`;
