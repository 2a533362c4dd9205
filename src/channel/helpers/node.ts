/**
 * The helper in Node.js 12 or later. `frames.ts` describes what it says. Longer than other files, because it's one program
 * that is sent as a whole.
 */
export const NODE_HELPER = String.raw`
'use strict';
const fs = require('fs'), net = require('net'), os = require('os'), path = require('path');
const { spawn } = require('child_process');
const [OPEN, DATA, END, CLOSE, CREDIT, SIGNAL, PING, HELLO, OPENED, EXIT, PORTS] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];
const PIECE = 131072, MAX_OUT = 1 << 20, BUDGET = 16 << 20, LEAST = 16384;
const streams = new Map(), commands = new Set(), tails = new Set(), watches = new Set(), sources = new Set();
const lostSeconds = Number(process.argv[2]);
let out = [], outBytes = 0, writing = false, shared = 0, quiet = 0, listening;

// Reads and writes of the shared descriptors run in threads, so that they needn't be made non-blocking.
function flush() {
  if (writing || out.length === 0) return;
  writing = true;
  const bytes = Buffer.concat(out);
  out = [];
  const write = (at) => fs.write(1, bytes, at, bytes.length - at, null, (error, count) => {
    if (error) return end();
    if (at + count < bytes.length) return write(at + count);
    writing = false;
    outBytes -= bytes.length;
    flush();
    if (outBytes < MAX_OUT) for (const each of [...sources]) each.read();
  });
  write(0);
}
function send(kind, id, part = 0, data = Buffer.alloc(0)) {
  const header = Buffer.alloc(10);
  header.writeUInt32BE(id, 0);
  header[4] = kind;
  header[5] = part;
  header.writeUInt32BE(data.length, 6);
  out.push(header, data);
  outBytes += header.length + data.length;
  if (!writing) setImmediate(flush);
}
const text = (...fields) => Buffer.from(fields.join('\0'));
const failure = (error) => text(error.code === 'EAI_AGAIN' ? 'ENOTFOUND' : error.code || 'EIO', error.message);
const finished = (id, error) => {
  if (streams.has(id)) send(CLOSE, id, 0, error ? failure(error) : undefined);
};

// Bytes of a stream for the window, as many as it has credit for.
class Source {
  constructor(id, part, readable, credit, ended) {
    Object.assign(this, { id, part, readable, credit, ended, open: true });
    sources.add(this);
    readable.on('readable', () => this.read());
    readable.on('end', () => {
      if (!this.open) return;
      this.stop();
      send(END, id, part);
      ended();
    });
  }
  add(credit) {
    this.credit += credit;
    this.read();
  }
  read() {
    while (this.open && outBytes < MAX_OUT) {
      const count = Math.min(this.credit, PIECE, this.readable.readableLength);
      // Reading nothing finds the end.
      const data = this.readable.read(count);
      if (!data) return;
      this.credit -= data.length;
      send(DATA, this.id, this.part, data);
    }
  }
  stop() {
    this.open = false;
    sources.delete(this);
  }
}

// Bytes of the window for a stream. Gives credit for more as they are taken.
class Sink {
  constructor(id, writable) {
    Object.assign(this, { id, writable, granted: LEAST, taken: 0, open: true });
  }
  put(data) {
    if (this.open) this.writable.write(data, () => this.grant(data.length));
  }
  grant(taken) {
    if (!this.open) return;
    // The same rule as in credit.ts.
    this.taken += taken;
    this.hold(this.granted - taken);
    const limit = Math.min(BUDGET, BUDGET / 2 + 4 * this.taken);
    const target = LEAST + Math.max(0, Math.floor((limit - shared + Math.max(0, this.granted - LEAST)) / 4));
    const more = target - this.granted;
    if (more * 2 < target) return;
    this.hold(target);
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(more);
    send(CREDIT, this.id, 0, bytes);
  }
  hold(granted) {
    shared += Math.max(0, granted - LEAST) - Math.max(0, this.granted - LEAST);
    this.granted = granted;
  }
  end() {
    if (this.open) this.writable.end();
  }
  stop() {
    if (!this.open) return;
    this.open = false;
    this.hold(0);
  }
}

class Connection {
  constructor(id, credit, targets) {
    Object.assign(this, { id, credit, targets, waiting: [] });
    this.connect();
  }
  connect() {
    const socket = net.connect({ ...this.targets.shift(), allowHalfOpen: true });
    this.socket = socket;
    socket.once('error', (error) => {
      if (this.sink) {
        // What was sent to the window before may still be read.
        if (error.code === 'EPIPE') send(END, this.id, 0);
        else this.fail(error);
      } else if (this.targets.length > 0) this.connect();
      else this.fail(error);
    });
    socket.once('connect', () => {
      if (!streams.has(this.id)) return socket.destroy();
      socket.setNoDelay(true);
      send(OPENED, this.id);
      this.sink = new Sink(this.id, socket);
      this.source = new Source(this.id, 1, socket, this.credit, () => {});
      socket.once('close', () => this.fail());
      this.sink.grant(0);
      for (const each of this.waiting) each(this.sink);
      this.waiting = [];
    });
  }
  // The socket closes once both directions have ended.
  put(data) { this.later((sink) => sink.put(data)); }
  end() { this.later((sink) => sink.end()); }
  later(action) { this.sink ? action(this.sink) : this.waiting.push(action); }
  add(_, credit) { this.source ? this.source.add(credit) : (this.credit += credit); }
  fail(error) {
    finished(this.id, error);
    this.close();
  }
  close() {
    if (!streams.delete(this.id)) return;
    if (this.sink) this.sink.stop();
    if (this.source) this.source.stop();
    this.socket.on('error', () => {});
    this.socket.destroy();
  }
}

class Command {
  constructor(id, credits, cwd, env, argv) {
    this.id = id;
    this.child = spawn(argv[0], argv.slice(1), { cwd: cwd || undefined, env: { ...process.env, ...env }, detached: true, stdio: 'pipe' });
    const { child } = this;
    child.once('error', (error) => {
      finished(id, error);
      this.close();
    });
    if (child.pid === undefined) return;
    commands.add(this);
    send(OPENED, id, 0, text(child.pid));
    this.sink = new Sink(id, child.stdin);
    child.stdin.once('error', () => {
      this.sink.stop();
      if (streams.has(id)) send(END, id, 0);
    });
    child.stdin.on('error', () => {});
    this.sources = [child.stdout, child.stderr].map((each, at) => new Source(id, at + 1, each, credits[at], () => this.check()));
    this.sink.grant(0);
    child.once('exit', (code, signal) => {
      commands.delete(this);
      this.exited = true;
      if (!streams.has(id)) return;
      send(EXIT, id, 0, signal ? text('signal', signal) : text('code', code));
      this.check();
    });
  }
  check() {
    if (!this.exited || this.sources.some((each) => each.open)) return;
    finished(this.id);
    this.close();
  }
  put(data) { if (this.sink) this.sink.put(data); }
  end() { if (this.sink) this.sink.end(); }
  add(part, credit) { if (this.sources) this.sources[part - 1].add(credit); }
  kill(signal) {
    try { process.kill(-this.child.pid, signal); } catch {}
  }
  close() {
    if (!streams.delete(this.id) || !this.sources) return;
    for (const each of this.sources) {
      each.stop();
      each.readable.destroy();
    }
    this.sink.stop();
    this.child.stdin.destroy();
    if (this.exited) return;
    this.kill('SIGTERM');
    setTimeout(() => { if (!this.exited) this.kill('SIGKILL'); }, 2000);
  }
}

class Tail {
  constructor(id, credit, file, from) {
    Object.assign(this, { id, credit, path: file, at: 0 });
    if (from === 'end') try { this.at = fs.statSync(file).size; } catch {}
    tails.add(this);
  }
  add(_, credit) {
    this.credit += credit;
    this.check();
  }
  check() {
    try {
      let found;
      try { found = fs.statSync(this.path); } catch {}
      if (this.fd === undefined) {
        if (!found) return;
        if (!found.isFile()) throw Object.assign(new Error('not a file'), { code: 'EINVAL' });
        this.fd = fs.openSync(this.path, 'r');
      }
      const opened = fs.fstatSync(this.fd);
      if (opened.size < this.at) this.at = 0;
      while (this.credit > 0) {
        const buffer = Buffer.alloc(Math.min(PIECE, this.credit));
        const count = fs.readSync(this.fd, buffer, 0, buffer.length, this.at);
        if (count === 0) break;
        this.at += count;
        this.credit -= count;
        send(DATA, this.id, 1, buffer.subarray(0, count));
      }
      if (this.credit === 0 || !found || (found.dev === opened.dev && found.ino === opened.ino)) return;
      fs.closeSync(this.fd);
      this.fd = undefined;
      this.at = 0;
    } catch (error) {
      finished(this.id, error);
      this.close();
    }
  }
  close() {
    streams.delete(this.id);
    tails.delete(this);
    if (this.fd !== undefined) fs.closeSync(this.fd);
    this.fd = undefined;
  }
}

class Watch {
  constructor(id) {
    this.id = id;
    watches.add(this);
  }
  tell(found) {
    if (this.told === undefined || !this.told.equals(found)) send(PORTS, this.id, 0, found);
    this.told = found;
  }
  close() {
    streams.delete(this.id);
    watches.delete(this);
  }
}
function list(folder) {
  try { return fs.readdirSync(folder); } catch { return []; }
}
function lookForPorts() {
  const found = [];
  for (const family of ['tcp', 'tcp6']) {
    let lines = [];
    try { lines = fs.readFileSync('/proc/net/' + family, 'utf8').split('\n').slice(1); } catch {}
    for (const line of lines) {
      const fields = line.trim().split(/\s+/);
      if (fields[3] === '0A' && fields.length > 9) found.push([family, fields[1], fields[9]]);
    }
  }
  const key = found.map((each) => each.join(' ')).sort().join('\n');
  if (!listening || listening.key !== key) listening = { key, text: named(found.sort().slice(0, 400)) };
  for (const each of watches) each.tell(listening.text);
}
function named(found) {
  const owners = new Map(), wanted = new Set(found.map(([, , inode]) => 'socket:[' + inode + ']'));
  for (const pid of wanted.size ? list('/proc').filter((name) => /^\d+$/.test(name)) : [])
    for (const fd of list('/proc/' + pid + '/fd')) {
      let target;
      try { target = fs.readlinkSync('/proc/' + pid + '/fd/' + fd); } catch { continue; }
      if (wanted.has(target) && !owners.has(target)) owners.set(target, pid);
    }
  return text(...found.flatMap(([family, address, inode]) => {
    const pid = owners.get('socket:[' + inode + ']') || '';
    let command = '';
    try { if (pid) command = fs.readFileSync('/proc/' + pid + '/cmdline', 'utf8').slice(0, 200).replace(/\0+$/, '').replace(/\0/g, ' '); } catch {}
    return [family, address, pid, command];
  }));
}

function end() {
  for (const each of commands) each.kill('SIGTERM');
  setTimeout(() => {
    for (const each of commands) each.kill('SIGKILL');
    process.exit(0);
  }, commands.size > 0 ? 2000 : 0);
}

function open(id, [what, credit, secondCredit, ...rest]) {
  const credits = [Number(credit), Number(secondCredit)];
  const set = (create) => {
    streams.set(id, undefined);
    streams.set(id, create());
  };
  if (what === 'tcp') {
    const hosts = rest[0] === 'localhost' ? ['127.0.0.1', '::1'] : [rest[0]];
    set(() => new Connection(id, credits[0], hosts.map((host) => ({ host, port: Number(rest[1]) }))));
  } else if (what === 'unix') set(() => new Connection(id, credits[0], [{ path: rest[0] }]));
  else if (what === 'spawn') {
    const count = Number(rest[1]);
    const env = {};
    for (const each of rest.slice(2, 2 + count)) env[each.slice(0, each.indexOf('='))] = each.slice(each.indexOf('=') + 1);
    set(() => new Command(id, credits, rest[0], env, rest.slice(2 + count)));
  } else if (what === 'tail') {
    set(() => new Tail(id, credits[0], rest[0], rest[1]));
    streams.get(id).check();
  } else if (what === 'ports') {
    set(() => new Watch(id));
    lookForPorts();
  } else if (what === 'signal') {
    process.kill(Number(rest[0]), rest[1]);
    send(CLOSE, id);
  }
}
function receive(kind, id, part, data) {
  if (kind === OPEN) {
    try { open(id, data.toString().split('\0')); } catch (error) {
      streams.delete(id);
      send(CLOSE, id, 0, failure(error));
    }
    return;
  }
  const stream = streams.get(id);
  if (!stream) return;
  if (kind === DATA) stream.put(data);
  else if (kind === END) stream.end();
  else if (kind === CLOSE) stream.close();
  else if (kind === CREDIT) stream.add(part, data.readUInt32BE(0));
  else if (kind === SIGNAL) stream.kill(data.toString());
}

let input = Buffer.alloc(0);
const readBuffer = Buffer.alloc(1 << 18);
function readRequests() {
  fs.read(0, readBuffer, 0, readBuffer.length, null, (error, count) => {
    if (error || count === 0) return end();
    quiet = 0;
    input = Buffer.concat([input, readBuffer.subarray(0, count)]);
    while (input.length >= 10) {
      const length = input.readUInt32BE(6);
      if (input.length < 10 + length) break;
      receive(input[4], input.readUInt32BE(0), input[5], input.subarray(10, 10 + length));
      input = input.subarray(10 + length);
    }
    readRequests();
  });
}
for (const each of ['SIGTERM', 'SIGHUP', 'SIGINT']) process.on(each, end);
process.on('uncaughtException', end);
// Counted, so that the time in which the sandbox was asleep doesn't count.
setInterval(() => {
  if (++quiet > lostSeconds) end();
  if (watches.size > 0) lookForPorts();
}, 1000);
setInterval(() => { for (const each of [...tails]) each.check(); }, 250);
send(HELLO, 0, 0, text('1', 'node', process.pid));
readRequests();
`;
