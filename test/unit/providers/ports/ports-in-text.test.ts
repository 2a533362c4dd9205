import assert from 'node:assert/strict';
import type { ListeningPort } from '../../../../src/channel/channels.ts';
import { isDebuggerPort } from '../../../../src/providers/ports/debugger-ports.ts';
import { findLocalUrls } from '../../../../src/providers/ports/local-urls.ts';
import { detectedOf } from '../../../../src/providers/ports/port-detection.ts';
import { PrintedUrls } from '../../../../src/providers/ports/printed-urls.ts';
import { parseTarget } from '../../../../src/providers/ports/sandbox-ports.ts';
import { RunningCommands } from '../../../../src/run/running-commands.ts';

describe('A URL of localhost in a terminal', () => {
  const cases: [text: string, found: [url: string, port: number, path: string][]][] = [
    ['Local:   http://localhost:5173/', [['http://localhost:5173/', 5173, '/']]],
    ['Listening on HTTP://127.0.0.1:8000.', [['HTTP://127.0.0.1:8000', 8000, '/']]],
    [
      'Serving on http://0.0.0.0:8000/ (http://0.0.0.0:8000/) ...',
      [
        ['http://0.0.0.0:8000/', 8000, '/'],
        ['http://0.0.0.0:8000/', 8000, '/'],
      ],
    ],
    ['Serving HTTP on :: port 8000 (http://[::]:8000/)', [['http://[::]:8000/', 8000, '/']]],
    ['see [docs](http://[::1]:3000/a_(b)#c)!', [['http://[::1]:3000/a_(b)#c', 3000, '/a_(b)#c']]],
    ['http://127.0.0.1:8888/lab?token=ab%2Fc', [['http://127.0.0.1:8888/lab?token=ab%2Fc', 8888, '/lab?token=ab%2Fc']]],
    ['"https://localhost:8443?x=1",', [['https://localhost:8443?x=1', 8443, '/?x=1']]],
    [
      'http://localhost and https://localhost/',
      [
        ['http://localhost', 80, '/'],
        ['https://localhost/', 443, '/'],
      ],
    ],
    ['http://localhost.example.com:80/ http://localhost:99999 http://10.0.0.1:80 http://localhost:0', []],
    ['http://127.0.0.1:80001/ http://127.0.0.10:80/ ws://localhost:1/', []],
  ];
  for (const [text, expected] of cases) {
    it(`is found in “${text}”`, () => {
      const found = findLocalUrls(text).map(({ start, length, port, path }) => [
        text.slice(start, start + length),
        port,
        path,
      ]);
      assert.deepEqual(found, expected);
    });
  }
});

describe('What a run prints', () => {
  it('tells the URLs of its sandbox, also in colors, in pieces, and before it is known to run', () => {
    const commands = new RunningCommands();
    const printed = new PrintedUrls(commands);
    const announced: string[] = [];
    printed.onDidPrint((sandboxId) => announced.push(sandboxId));
    printed.read({ runId: 'run', data: 'ready\r\n  Local: \u001b[36mhttp://local' });
    commands.add({ runId: 'run', sandboxId: 'sb-1', label: 'vite' });
    printed.read({ runId: 'run', data: 'host:\u001b[1m5173\u001b[22m/app/\u001b[39m\r\n' });
    printed.read({ runId: 'run', data: 'again http://localhost:5173/app/\r\n' });
    printed.read({ runId: 'other', data: 'http://localhost:9000/\r\n' });
    assert.deepEqual(announced, ['sb-1']);
    assert.equal(printed.of('sb-1', 5173)?.path, '/app/');
    assert.equal(printed.sandboxOf(5173), 'sb-1');
    assert.equal(printed.sandboxOf(9000), undefined);
  });
});

describe('The port of a debugger', () => {
  const cases: [command: string, debugger_: number[], others: number[]][] = [
    ['node --inspect server.js', [9229], [3000]],
    ['node --inspect-brk=127.0.0.1:9300 server.js', [9300], [9229, 3000]],
    ['node --inspect-brk=0 server.js --port 3000', [], [3000]],
    ['python3 -m debugpy --listen 0.0.0.0:5678 app.py', [5678], [8000]],
    ['python3 /usr/lib/python3/dist-packages/debugpy/adapter --for-server 43210', [5678, 40000], []],
    ['/go/bin/dlv dap --listen=127.0.0.1:40000', [40000], []],
    ['gunicorn --listen 8000', [], [8000]],
  ];
  for (const [command, theirs, others] of cases) {
    it(`is told from those of the program in “${command}”`, () => {
      for (const port of theirs) assert.equal(isDebuggerPort(command, port), true, String(port));
      for (const port of others) assert.equal(isDebuggerPort(command, port), false, String(port));
    });
  }
});

describe('The ports that programs in a sandbox listen on', () => {
  it('are listed once each, with an address that leads to them, without those of other programs and debuggers', () => {
    const listening: ListeningPort[] = [
      { port: 8000, address: '0.0.0.0', pid: 7, command: 'python3 a.py' },
      { port: 8000, address: '::', pid: 7, command: 'python3 a.py' },
      { port: 5173, address: '::1', pid: 8, command: 'node vite' },
      { port: 9229, address: '127.0.0.1', pid: 9, command: 'node --inspect x.js' },
      { port: 7000, address: '172.17.0.2', pid: 9, command: 'x' },
      { port: 22, address: '0.0.0.0' },
    ];
    assert.deepEqual(
      detectedOf('sb-1', listening).map(({ port, target }) => [port, target]),
      [
        [5173, { port: 5173 }],
        [7000, { host: '172.17.0.2', port: 7000 }],
        [8000, { port: 8000 }],
      ],
    );
  });
});

describe('What is typed to forward a port', () => {
  const cases: [text: string, target: unknown][] = [
    [' 8000 ', { port: 8000 }],
    ['localhost:8000', { port: 8000 }],
    ['10.0.0.5:80', { host: '10.0.0.5', port: 80 }],
    ['[fd00::2]:80', { host: 'fd00::2', port: 80 }],
    ['/tmp/app.sock', { path: '/tmp/app.sock' }],
    ...['', '0', '65536', '80a', 'tmp/app.sock', `/${'a'.repeat(107)}`].map((text): [string, unknown] => [
      text,
      undefined,
    ]),
  ];
  for (const [text, target] of cases) {
    it(`is ${target ? 'understood' : 'refused'}: “${text.slice(0, 30)}”`, () => {
      assert.deepEqual(parseTarget(text), target);
    });
  }
});
