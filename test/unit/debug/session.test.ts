import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import type { LinkEnd, LinkListener } from '../../../src/debug/adapter-link.ts';
import type { ChildProcess } from '../../../src/debug/children.ts';
import { DebugSession } from '../../../src/debug/debug-session.ts';
import type { TerminalArguments } from '../../../src/debug/host.ts';
import type { Message, Request } from '../../../src/debug/protocol.ts';
import { pythonCapabilities } from '../../../src/debug/python.ts';
import { SourcePaths } from '../../../src/debug/source-paths.ts';
import { strings } from '../../../src/debug/strings.ts';

const FAILED: LinkEnd = { result: { outcome: 'failed', error: 'No access.', needsAccount: true }, errors: '' };

/** A session whose adapter is played by the test. */
function session({
  recover = async () => false,
  notSynced = {},
}: {
  recover?: () => Promise<boolean>;
  notSynced?: Readonly<Record<string, string>>;
} = {}) {
  const toEditor: Message[] = [];
  const toAdapter: Message[] = [];
  const children: ChildProcess[] = [];
  const programs: TerminalArguments[] = [];
  const failures: string[] = [];
  const { promise: ended, resolve: end } = Promise.withResolvers<LinkEnd>();
  let listener: LinkListener | undefined;
  const debugged = new DebugSession({
    title: 'Debugging',
    host: {
      send: (message) => void toEditor.push(message),
      runInTerminal: (program) => {
        programs.push(program);
        return { ended: new Promise(() => {}), cancel() {} };
      },
      startChild: (child) => void children.push(child),
      showFailure: (error) => void failures.push(error),
      installDebugger: async () => false,
      recover,
      whyNotSynced: async (path) => notSynced[path],
    },
    paths: () =>
      new SourcePaths({ folder: '/f', localFolders: [], files: { nameOf: (path) => path, pathOf: () => undefined } }),
    start: (each) => {
      listener = each;
      return { sandboxId: 'sb-1', ended, send: (message) => void toAdapter.push(message), end() {}, kill() {} };
    },
    startArguments: () => ({}),
    capabilities: pythonCapabilities(),
  });
  let seq = 0;
  const ask = (command: string, args: object = {}) => {
    seq += 1;
    debugged.handle({ type: 'request', seq, command, arguments: args });
    return seq;
  };
  const answerTo = (asked: number) => {
    const answer = toEditor.find((each) => each.type === 'response' && each.request_seq === asked);
    return answer?.type === 'response' ? answer : undefined;
  };
  const say = (message: Message) => listener?.message(message);
  return { ask, answerTo, say, listener: () => listener, end, toEditor, toAdapter, children, programs, failures };
}

const request = (command: string, args: unknown): Request => ({ type: 'request', seq: 7, command, arguments: args });

describe('A debug session', () => {
  it('starts a session for a child process that debugpy announces with a request, as it has since 1.8', () => {
    const { say, toAdapter, children } = session();
    const configuration = { name: 'Subprocess 5', subProcessId: 5, connect: { host: '127.0.0.1', port: 4000 } };
    say(request('startDebugging', { request: 'attach', configuration }));
    assert.deepEqual(children, [configuration]);
    const answer = { type: 'response', seq: 1, request_seq: 7, success: true, command: 'startDebugging', body: {} };
    assert.deepEqual(toAdapter, [answer]);
  });

  it('starts nothing for a request of the adapter with other types', () => {
    const { say, toAdapter, children, programs } = session();
    for (const [command, args] of [
      ['startDebugging', undefined],
      ['startDebugging', { configuration: { name: 'x', subProcessId: 5, connect: { host: 'x', port: 0 } } }],
      ['runInTerminal', { args: [] }],
      ['runInTerminal', { args: ['sh', 1] }],
      ['openFile', { path: '/etc/passwd' }],
    ] as const)
      say(request(command, args));
    assert.deepEqual([children, programs], [[], []]);
    assert.deepEqual(
      toAdapter.map((each) => each.type === 'response' && each.success),
      [false, false, false, false, false],
    );
  });

  it("says why a breakpoint in a file that isn't in the sandbox has no effect", async () => {
    const { ask, answerTo, say, listener, toAdapter } = session({
      notSynced: { '/f/excluded.py': 'line 3 of .gitignore' },
    });
    ask('initialize');
    ask('launch');
    listener()?.started(undefined);
    const set = (path: string, ...lines: number[]) =>
      ask('setBreakpoints', { source: { path }, breakpoints: lines.map((line) => ({ line })) });
    const answer = (breakpoints: object[]) => {
      const { seq } = toAdapter.at(-1) as Request;
      say({
        type: 'response',
        seq: 1,
        request_seq: seq,
        success: true,
        command: 'setBreakpoints',
        body: { breakpoints },
      });
    };
    const refused = { verified: false, message: 'Breakpoint in file that does not exist.', line: 1 };
    const [works, message] = [{ verified: true, line: 2 }, strings.notSynced('line 3 of .gitignore')];
    const created = set('/f/new.py', 1, 2);
    answer([refused, works]);
    const excluded = set('/f/excluded.py', 1, 2);
    answer([refused, works]);
    // An adapter may leave breakpoints to another debugger.
    const left = set('/f/excluded.py', 1);
    answer([]);
    const outside = set('/elsewhere.py', 1);
    await turn();
    const expected = [
      [created, [{ ...refused, message: strings.notInSandboxYet() }, works]],
      [excluded, [{ ...refused, message }, works]],
      [left, [{ verified: false, message }]],
      [outside, [{ verified: false, message: strings.notInSandbox('/elsewhere.py') }]],
    ] as const;
    for (const [asked, breakpoints] of expected) assert.deepEqual(answerTo(asked)?.body, { breakpoints });
  });

  it('answers everything at once after its adapter has ended', async () => {
    const { ask, answerTo, listener, end, failures } = session();
    ask('initialize');
    const launch = ask('launch');
    listener()?.started(undefined);
    end({ result: { outcome: 'exited', exitCode: 1, signal: undefined }, errors: '' });
    await turn();
    const [threads, disconnect] = [ask('threads'), ask('disconnect')];
    assert.deepEqual(
      [launch, threads, disconnect].map((each) => answerTo(each)?.success),
      [false, false, true],
    );
    assert.deepEqual(failures, [strings.debuggerLost()]);
  });

  it("ends if the way out of a failure doesn't work, even before the editor has said anything", async () => {
    const { ask, answerTo, end, toEditor, failures } = session({ recover: () => Promise.reject(new Error('Broken')) });
    end(FAILED);
    await turn();
    ask('initialize');
    assert.equal(answerTo(ask('launch'))?.success, false);
    assert.ok(toEditor.some((each) => each.type === 'event' && each.event === 'terminated'));
    assert.deepEqual(failures, ['No access.']);
  });
});
