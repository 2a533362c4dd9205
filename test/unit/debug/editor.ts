import type { Sandbox } from 'modal';
import type { Channel, Channels } from '../../../src/channel/channels.ts';
import { Forwarder } from '../../../src/channel/forwarder.ts';
import { type AdapterLink, AdapterRun, type LinkListener } from '../../../src/debug/adapter-link.ts';
import { AdapterSocket } from '../../../src/debug/adapter-socket.ts';
import { type ChildProcess, isOfPython, letRun } from '../../../src/debug/children.ts';
import { DebugSession } from '../../../src/debug/debug-session.ts';
import type { DebugHost, TerminalArguments } from '../../../src/debug/host.ts';
import { AdapterSchema, type Launch, LaunchSchema } from '../../../src/debug/launch.ts';
import { NODE_CAPABILITIES, nodeArguments, nodeRequest } from '../../../src/debug/node.ts';
import { ownAdapterArguments } from '../../../src/debug/own-adapter.ts';
import type { DebugEvent, Message, Response } from '../../../src/debug/protocol.ts';
import { adapterRequest, launchArguments, pythonCapabilities } from '../../../src/debug/python.ts';
import type { DebugSessionOptions } from '../../../src/debug/session-options.ts';
import { SourcePaths } from '../../../src/debug/source-paths.ts';
import { type RunRequest, runRequest } from '../../../src/run/request.ts';
import { Run } from '../../../src/run/run.ts';
import type { RunServices } from '../../../src/run/services.ts';
import { remotePaths } from '../../../src/run/tasks/paths.ts';
import { REMOTE_ROOT } from '../../../src/sync/options.ts';

/** The name of a file that only the sandbox has. */
const SANDBOX_SCHEME = 'sandbox:';

/** A body of any message: its fields are checked by the tests. */
// biome-ignore lint/suspicious/noExplicitAny: the tests compare what they find
type Body = Record<string, any>;

/** The folder that is debugged, and its sandbox. */
export interface DebugPlace {
  readonly path: string;
  readonly services: RunServices;
  readonly channels: Channels;
  readonly sandbox: Sandbox;
}

/** Attaches to a process of Node.js, as a debugger without breakpoints does. */
async function letNodeRun(channel: Channel, { connect, inspector }: ChildProcess): Promise<void> {
  const way = await Forwarder.listen(channel, connect, { preferredPort: 0 });
  const socket = new WebSocket(`ws://127.0.0.1:${way.port}${inspector}`);
  const ask = (id: number, method: string) => socket.send(JSON.stringify({ id, method }));
  socket.onopen = () => {
    ask(1, 'Runtime.enable');
    ask(2, 'Debugger.enable');
    ask(3, 'Runtime.runIfWaitingForDebugger');
  };
  socket.onmessage = ({ data }) => {
    if (String(data).includes('"Debugger.paused"')) ask(4, 'Debugger.resume');
    if (String(data).includes('"Runtime.executionContextDestroyed"')) socket.close();
  };
  socket.onclose = () => way.close();
}

/** A debug session as VS Code would lead it, without VS Code. */
export class Editor implements DebugHost {
  readonly session: DebugSession;
  readonly messages: Message[] = [];
  readonly failures: string[] = [];
  readonly terminals: { args: TerminalArguments; run: Run; text: string }[] = [];
  /** The interpreters for which the debugger was missing. */
  readonly missing: string[] = [];
  installs: () => Promise<boolean> = async () => false;
  readonly children: Editor[] = [];
  /** The process IDs of children that nobody wants to debug. */
  readonly ignored: number[] = [];
  /** Processes of Node.js, which run on at once. */
  readonly inspected: ChildProcess[] = [];
  /** The rules that keep files out of the sandbox, by path. */
  readonly notSynced: Record<string, string> = {};
  /** The number of times that something was sent to the sandbox after something had come from there. */
  turns = 0;
  readonly #place: DebugPlace;
  readonly #waiting = new Set<() => void>();
  #seq = 0;

  /** Starts to debug a file of the folder. */
  static launch(place: DebugPlace, file: string, launch: Partial<Launch> = {}, run: Partial<RunRequest> = {}): Editor {
    const config = LaunchSchema.parse({ type: 'modal', request: 'launch', name: file, program: file, ...launch });
    const request = runRequest({
      folder: { name: 'folder', path: place.path },
      label: file,
      programs: [{ argv: ['python3'] }],
      args: [`${REMOTE_ROOT}/${file}`, ...[config.args].flat()],
      ...run,
    });
    return new Editor(place, {
      start: (listener) => new AdapterRun(async () => adapterRequest(request), place.services, listener),
      startArguments: (said) => launchArguments(said, config),
    });
  }

  /** Starts to debug a JavaScript file of the folder. Each of its processes is let run at once. */
  static launchNode(
    place: DebugPlace,
    file: string,
    launch: Partial<Launch> = {},
    run: Partial<RunRequest> = {},
  ): Editor {
    const config = LaunchSchema.parse({ type: 'modal', request: 'launch', name: file, program: file, ...launch });
    const request = runRequest({
      folder: { name: 'folder', path: place.path },
      label: file,
      programs: [{ argv: ['node'] }],
      args: [`${REMOTE_ROOT}/${file}`],
      ...run,
    });
    return new Editor(place, {
      start: (listener) => new AdapterRun(async () => nodeRequest(request), place.services, listener),
      startArguments: () => nodeArguments(config),
      capabilities: NODE_CAPABILITIES,
      endsWithTerminal: true,
    });
  }

  /** Starts an adapter, and has it start a program. */
  static launchAdapter(
    place: DebugPlace,
    adapter: readonly [string, ...string[]],
    own: Record<string, unknown> = {},
    options: Partial<DebugSessionOptions> = {},
  ): Editor {
    const folder = { name: 'folder', path: place.path };
    const request = runRequest({ folder, label: 'adapter', programs: [{ argv: adapter }] });
    const config = AdapterSchema.parse({ type: 'modal', request: 'launch', name: 'a', adapter, ...own });
    return new Editor(place, {
      start: (listener) => new AdapterRun(async () => request, place.services, listener),
      startArguments: () => ownAdapterArguments(config, false, remotePaths(place.path)),
      capabilities: undefined,
      ...options,
    });
  }

  /** Attaches to what listens in the sandbox. */
  static attach(place: DebugPlace, port: number, startArguments: () => Record<string, unknown>): Editor {
    const open = async () => place.channels.of(place.sandbox, { owner: 'Tests', reason: 'attach' });
    return new Editor(place, { start: (listener) => new AdapterSocket(open, { port }, listener), startArguments });
  }

  constructor(
    place: DebugPlace,
    source: Pick<DebugSessionOptions, 'start' | 'startArguments'> & Partial<DebugSessionOptions>,
  ) {
    this.#place = place;
    const { path } = place;
    this.session = new DebugSession({
      host: this,
      title: 'Debugging',
      paths: () =>
        new SourcePaths({
          folder: path,
          localFolders: [{ path, synced: path }],
          files: {
            nameOf: (each) => SANDBOX_SCHEME + each,
            pathOf: (name) => (name.startsWith(SANDBOX_SCHEME) ? name.slice(SANDBOX_SCHEME.length) : undefined),
          },
        }),
      capabilities: pythonCapabilities(),
      ...source,
      start: (listener) => this.#counting(source.start, listener),
    });
  }

  /** Counts the turns of a link. */
  #counting(start: DebugSessionOptions['start'], listener: LinkListener): AdapterLink {
    let hasReceived = true;
    const link = start({
      ...listener,
      running: () => listener.running(),
      started: (said) => listener.started(said),
      message: (message) => {
        hasReceived = true;
        listener.message(message);
      },
    });
    const send = link.send.bind(link);
    link.send = (message) => {
      if (hasReceived) this.turns += 1;
      hasReceived = false;
      send(message);
    };
    return link;
  }

  startChild(child: ChildProcess): void {
    const { channels, sandbox } = this.#place;
    const channel = channels.of(sandbox, { owner: 'Tests', reason: child.name });
    if (child.inspector !== undefined) {
      this.inspected.push(child);
      void letNodeRun(channel, child);
      return;
    }
    void isOfPython(channel, child).then((isHidden) => {
      if (isHidden) {
        this.ignored.push(child.subProcessId);
        letRun(channel, child);
      } else {
        channel.close();
        this.children.push(Editor.attach(this.#place, child.connect.port, () => child));
      }
    });
  }

  send(message: Message): void {
    this.messages.push(message);
    for (const check of [...this.#waiting]) check();
  }

  runInTerminal(args: TerminalArguments, sandboxId: string) {
    const terminal = { args, text: '' } as Editor['terminals'][number];
    const request = runRequest({
      folder: { name: 'folder', path: this.#place.path },
      label: 'program',
      programs: [{ argv: args.args }],
      cwd: args.cwd ?? '',
      env: Object.fromEntries(Object.entries(args.env ?? {}).map(([name, value]) => [name, value ?? ''])),
      sync: false,
      sandboxId,
    });
    const show = (bytes: Uint8Array) => (terminal.text += Buffer.from(bytes).toString());
    terminal.run = new Run(request, this.#place.services, { status() {}, progress() {}, stdout: show, stderr: show });
    this.terminals.push(terminal);
    return { ended: terminal.run.done, cancel: () => terminal.run.cancel() };
  }

  async recover() {
    return false;
  }

  async whyNotSynced(path: string): Promise<string | undefined> {
    return this.notSynced[path];
  }

  showFailure(error: string): void {
    this.failures.push(error);
  }

  installDebugger(python: string): Promise<boolean> {
    this.missing.push(python);
    return this.installs();
  }

  /** Sends a request, and resolves with the body of its response. Rejects with the reason if it fails. */
  async request(command: string, args: object = {}): Promise<Body> {
    this.#seq += 1;
    const seq = this.#seq;
    this.session.handle({ type: 'request', seq, command, arguments: args });
    const { success, message, body } = await this.#next(
      `the answer to ${command}`,
      0,
      (each): each is Response => each.type === 'response' && each.request_seq === seq,
    );
    const { error } = (body ?? {}) as Body;
    if (!success) throw new Error(error?.format ?? message);
    return (body ?? {}) as Body;
  }

  /** Resolves with the body of the next event of a name, after the given message. */
  async event(name: string, after = 0): Promise<Body> {
    const { body } = await this.#next(
      `the event ${name}`,
      after,
      (each): each is DebugEvent => each.type === 'event' && each.event === name,
    );
    return (body ?? {}) as Body;
  }

  /** Starts as VS Code does, with breakpoints by file. Resolves when the program has started. */
  async start(breakpoints: Readonly<Record<string, readonly object[]>> = {}, command = 'launch'): Promise<Body[]> {
    const capabilities = await this.request('initialize', {
      adapterID: 'modal',
      pathFormat: 'path',
      linesStartAt1: true,
      columnsStartAt1: true,
      supportsRunInTerminalRequest: true,
      supportsStartDebuggingRequest: true,
    });
    const launched = this.request(command);
    launched.catch(() => {});
    await this.event('initialized');
    const set = Object.entries(breakpoints).map(([path, each]) =>
      this.request('setBreakpoints', { source: { path }, breakpoints: each }),
    );
    const filters = capabilities.exceptionBreakpointFilters ? ['uncaught'] : [];
    const exceptions = this.request('setExceptionBreakpoints', { filters });
    const answers = await Promise.all([...set, exceptions]);
    await this.request('configurationDone');
    await launched;
    return answers.slice(0, -1);
  }

  /** Resolves with the frames of the stopped thread, the innermost first, once it has stopped after the given message. */
  async stopped(after = 0): Promise<{ threadId: number; reason: string; frames: Body[] }> {
    const { threadId, reason } = await this.event('stopped', after);
    await this.request('threads');
    const { stackFrames } = await this.request('stackTrace', { threadId, startFrame: 0, levels: 20 });
    return { threadId, reason, frames: stackFrames };
  }

  /** Steps, and resolves as `stopped` does. */
  async step(command: string, threadId: number) {
    const after = this.messages.length;
    await this.request(command, { threadId });
    return this.stopped(after);
  }

  /** Ends the session, as VS Code does. */
  async end(): Promise<void> {
    await this.request('disconnect', { terminateDebuggee: true });
    this.session.dispose();
  }

  async #next<T extends Message>(what: string, after: number, is: (message: Message) => message is T): Promise<T> {
    const found = Promise.withResolvers<T>();
    const check = () => {
      const message = this.messages.slice(after).find(is);
      if (message) found.resolve(message);
    };
    const late = setTimeout(() => {
      const last = this.messages.slice(-10).map((each) => JSON.stringify(each));
      found.reject(new Error(`Waited for ${what}; last seen:\n${last.join('\n')}\n${this.failures.join('\n')}`));
    }, 30_000);
    this.#waiting.add(check);
    check();
    try {
      return await found.promise;
    } finally {
      clearTimeout(late);
      this.#waiting.delete(check);
    }
  }
}
