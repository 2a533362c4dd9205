/**
 * Is loaded by each process of Node.js that is debugged, before its program: says where its inspector listens, and waits for
 * a debugger. Variables of the environment name the folder in which to say so, the port at which the session already waits
 * for a process, and whether child processes are debugged. Without the folder, as after the session, it does nothing.
 */
const PRELOAD = String.raw`'use strict';
const fs = require('fs'), inspector = require('inspector'), path = require('path');
const { MODAL_DEBUG: folder, MODAL_DEBUG_PORT: port, MODAL_DEBUG_CHILDREN: children } = process.env;
const [, script = ''] = process.argv;
// These start the program in a process of its own.
const isWrapper = /(?:^|\/)(?:npm|npx|pnpm|pnpx|yarn|corepack|tsx)(?:-cli)?(?:\.[cm]?js)?$/.test(script) || process.execArgv.includes('--test') || process.env.MODAL_TESTS;
if (folder && !isWrapper && require('worker_threads').isMainThread && fs.existsSync(folder)) {
  if (children === '0') delete process.env.MODAL_DEBUG;
  const isAwaited = port && (inspector.url() || '').includes(':' + port + '/');
  // Otherwise, processes that are forked would be told to use the same port.
  process.execArgv = process.execArgv.filter((option) => !/^--inspect/.test(option));
  if (!isAwaited) {
    if (!inspector.url()) inspector.open(0, '127.0.0.1');
    const file = path.join(folder, process.pid + '-' + Date.now());
    fs.writeFileSync(file + '.new', JSON.stringify({ url: inspector.url(), pid: process.pid, name: path.basename(script) }));
    fs.renameSync(file + '.new', file);
    inspector.waitForDebugger();
  }
}
`;

/**
 * A debug adapter for Node.js 12.7 or later, which gets the command line of the program as its arguments. It only starts the
 * program, and tells where each process waits for a debugger: VS Code's own debugger of JavaScript connects to that.
 */
export const NODE_ADAPTER = String.raw`'use strict';
const { spawn } = require('child_process'), { createHash } = require('crypto');
const fs = require('fs'), http = require('http'), net = require('net'), os = require('os'), path = require('path');
const [program, ...args] = process.argv.slice(1);
const PRELOAD = ${JSON.stringify(PRELOAD)};
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'modal-debug-'));
const seen = new Set();
let seq = 0, child, input = Buffer.alloc(0);

function send(message) {
  const bytes = Buffer.from(JSON.stringify({ seq: ++seq, ...message }));
  process.stdout.write(Buffer.concat([Buffer.from('Content-Length: ' + bytes.length + '\r\n\r\n'), bytes]));
}
const event = (name, body = {}) => send({ type: 'event', event: name, body });
const ask = (command, args) => send({ type: 'request', command, arguments: args });

function announce({ url, pid, name }) {
  const { port, pathname } = new URL(url);
  const connect = { host: '127.0.0.1', port: Number(port) };
  ask('startDebugging', { request: 'attach', configuration: { name: name + ' [' + pid + ']', subProcessId: pid, connect, inspector: pathname } });
}
function look() {
  for (const name of fs.readdirSync(folder)) {
    if (!/^\d+-\d+$/.test(name) || seen.has(name)) continue;
    seen.add(name);
    announce(JSON.parse(fs.readFileSync(path.join(folder, name), 'utf8')));
  }
}

// Never removed, since a process that outlives the session may start others.
function preload() {
  const file = path.join(os.tmpdir(), 'modal-debug-' + createHash('sha256').update(PRELOAD).digest('hex').slice(0, 16) + '.cjs');
  fs.writeFileSync(file + process.pid, PRELOAD);
  fs.renameSync(file + process.pid, file);
  return file;
}

function freePort() {
  return new Promise((resolve) => {
    const server = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}
// Only Node itself can stop at the first line, which it does before it loads anything that could say so.
function awaitFirst(port) {
  const again = () => setTimeout(awaitFirst, 50, port).unref();
  http.get({ host: '127.0.0.1', port, path: '/json/list', agent: false }, (response) => {
    let text = '';
    response.setEncoding('utf8').on('data', (part) => (text += part)).on('end', () => {
      const [{ webSocketDebuggerUrl: url, title }] = JSON.parse(text);
      const { pathname } = new URL(url);
      ask('startDebugging', { request: 'attach', configuration: {
        name: path.basename(title.replace(/\[\d+\]$/, '')), subProcessId: 1, connect: { host: '127.0.0.1', port }, inspector: pathname,
      } });
    });
  }).on('error', again);
}

async function launch({ console, subProcess, stopOnEntry }) {
  const options = [process.env.NODE_OPTIONS, '--require ' + JSON.stringify(preload()), '--inspect-publish-uid=http'];
  const env = { NODE_OPTIONS: options.filter(Boolean).join(' '), MODAL_DEBUG: folder, MODAL_DEBUG_CHILDREN: subProcess ? '1' : '0' };
  let argv = [program, ...args];
  if (stopOnEntry && /^(?:node|nodejs|tsx)$/.test(path.basename(program))) {
    const port = await freePort();
    env.MODAL_DEBUG_PORT = String(port);
    argv = [program, '--inspect-brk=127.0.0.1:' + port, ...args];
    awaitFirst(port);
  }
  fs.watch(folder, look);
  setInterval(look, 500);
  if (console === 'integratedTerminal') return ask('runInTerminal', { kind: 'integrated', args: argv, cwd: process.cwd(), env });
  child = spawn(argv[0], argv.slice(1), { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  for (const category of ['stdout', 'stderr']) child[category].setEncoding('utf8').on('data', (output) => event('output', { category, output }));
  child.on('error', (error) => event('output', { category: 'stderr', output: error.message + '\n' }));
  child.on('close', (code) => {
    child = undefined;
    event('exited', { exitCode: code === null ? 1 : code });
    event('terminated');
  });
}

function end() {
  try {
    if (child) process.kill(-child.pid, 'SIGKILL');
  } catch {}
  try {
    for (const name of fs.readdirSync(folder)) fs.unlinkSync(path.join(folder, name));
    fs.rmdirSync(folder);
  } catch {}
  process.exit(0);
}

function handle({ type, command, seq: request_seq, arguments: args }) {
  if (type !== 'request') return;
  if (command === 'launch') launch(args);
  send({ type: 'response', request_seq, command, success: true, body: { breakpoints: [], threads: [] } });
  if (command === 'disconnect') end();
}
process.stdin.on('data', (bytes) => {
  input = Buffer.concat([input, bytes]);
  for (;;) {
    const at = input.indexOf('\r\n\r\n');
    const size = Number((/Content-Length: (\d+)/.exec(input.slice(0, at < 0 ? 0 : at).toString()) || [])[1]);
    if (at < 0 || input.length < at + 4 + size) return;
    const message = JSON.parse(input.slice(at + 4, at + 4 + size).toString());
    input = input.slice(at + 4 + size);
    handle(message);
  }
}).on('end', end);
event('modalReady');
`;
