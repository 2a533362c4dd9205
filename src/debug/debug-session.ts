import { logError } from '../base/log.ts';
import { formatMinutes } from '../base/text.ts';
import type { AdapterLink, LinkEnd } from './adapter-link.ts';
import { AdapterRequests } from './adapter-requests.ts';
import { explainBreakpoints, refuseBreakpoints } from './breakpoints.ts';
import { parseChild } from './children.ts';
import { type Answer, EditorMessages } from './editor-messages.ts';
import { type Failure, failureOf } from './failure.ts';
import { type DebugHost, type TerminalArguments, type TerminalProgram, TerminalSchema } from './host.ts';
import { type DebugEvent, type Message, READY_EVENT, type Request, type Response } from './protocol.ts';
import { MISSING_MARK } from './python.ts';
import type { DebugSessionOptions } from './session-options.ts';
import type { SourcePaths } from './source-paths.ts';
import { mapSources } from './sources.ts';
import { StackAhead } from './stack-ahead.ts';
import { strings } from './strings.ts';

/** Requests after which the program may be somewhere else. */
const MOVES = /^(?:continue|next|step.*|reverseContinue|goto|restartFrame|pause|disconnect|terminate)$/;
/** The time to wait for an adapter that was asked to end the session. */
const DISCONNECT_TIMEOUT_MS = 3_000;
const START_TIMEOUT_MS = 60_000;

/**
 * A debug session of a program in a sandbox. Its adapter runs in the sandbox; this connects it to the editor. Names of files are
 * replaced on both ways, and programs in terminals are started in the sandbox.
 *
 * The way to the sandbox is long, so the editor is answered at once where the answer is known: what the adapter can do, and
 * that it accepts breakpoints. What it sends in return goes to the adapter in a single write, once that has started. Only
 * adapters that aren't known are asked first.
 */
export class DebugSession {
  readonly #options: DebugSessionOptions;
  readonly #host: DebugHost;
  readonly #editor: EditorMessages;
  #knownPaths: SourcePaths | undefined;
  readonly #ahead = new StackAhead(
    (command, args) => new Promise((resolve) => this.#adapter.ask(command, args, resolve)),
  );
  readonly #adapter = new AdapterRequests((message) => this.#link.send(message));
  #link: AdapterLink;
  /** The editor's requests that haven't been answered. */
  readonly #unanswered = new Set<Request>();
  /** Requests that wait for the adapter to start; undefined from then on. */
  #waiting: Request[] | undefined = [];
  #initialize: Request | undefined;
  /** The request `launch` or `attach`. */
  #launch: Request | undefined;
  #ready: { readonly said: unknown } | undefined;
  #program: TerminalProgram | undefined;
  #hasStarted = false;
  #hasTerminated = false;
  #isEnding = false;
  /** The adapter has ended, and isn't started again. */
  #hasEnded = false;
  /** Runs until the adapter has said something. */
  #late: NodeJS.Timeout | undefined;
  /** Why the session ends, if the adapter isn't the reason. */
  #failure: string | undefined;

  constructor(options: DebugSessionOptions) {
    this.#options = options;
    this.#host = options.host;
    this.#editor = new EditorMessages((message) => this.#host.send(message));
    this.#link = this.#start();
  }

  /** Takes a message from the editor. */
  handle(message: Message): void {
    if (message.type !== 'request') return;
    this.#unanswered.add(message);
    if (this.#hasEnded && (message.command !== 'initialize' || !this.#options.capabilities)) {
      this.#refuse(message, strings.debuggerLost());
      return;
    }
    switch (message.command) {
      case 'initialize':
        this.#initialize = message;
        if (this.#options.capabilities) this.#answer(message, { body: this.#options.capabilities });
        else this.#askFirst(message);
        this.#editor.open();
        break;
      case 'launch':
      case 'attach':
        this.#launch = message;
        if (this.#options.capabilities) this.#editor.event('initialized');
        this.#begin();
        break;
      case 'disconnect':
      case 'terminate':
        this.#disconnect(message);
        break;
      default:
        if (this.#waiting) this.#waiting.push(message);
        else void this.#answerOrForward(message);
    }
  }

  /** Shows a line in the Debug Console. */
  say(line: string): void {
    this.#editor.line(line);
  }

  /** Ends the session, and shows why. */
  fail(reason: string): void {
    this.#failure ??= reason;
    this.#link.kill();
  }

  /** Ends the adapter with everything that it started. */
  dispose(): void {
    this.#isEnding = true;
    this.#link.end();
    this.#endProgram();
  }

  get #paths(): SourcePaths {
    this.#knownPaths ??= this.#options.paths(this.#link.sandboxId ?? '');
    return this.#knownPaths;
  }

  #start(): AdapterLink {
    const options = this.#options;
    const link = options.start({
      running: () => this.#awaitAdapter(),
      started: (said) => this.#started(said),
      message: (message) => this.#received(message),
      status: (line) => this.#editor.line(line),
      progress: (line) => this.#editor.progress(options.title, line),
    });
    void link.ended.then((end) => this.#ended(end).catch(logError));
    return link;
  }

  #awaitAdapter(): void {
    const { startTimeoutMs = START_TIMEOUT_MS } = this.#options;
    clearTimeout(this.#late);
    this.#late = setTimeout(() => this.fail(strings.adapterSilent(formatMinutes(startTimeoutMs))), startTimeoutMs);
  }

  #received(message: Message): void {
    clearTimeout(this.#late);
    switch (message.type) {
      case 'response':
        this.#adapter.take(message);
        break;
      case 'event':
        this.#receivedEvent(message);
        break;
      case 'request':
        this.#receivedRequest(message);
        break;
    }
  }

  #receivedEvent(message: DebugEvent): void {
    const { event, body } = message;
    switch (event) {
      case READY_EVENT:
        this.#started(body);
        break;
      case 'debugpyAttach':
        this.#startChild(body);
        break;
      default:
        // The editor may have seen it.
        if (event === 'initialized' && this.#options.capabilities) break;
        if (event === 'terminated') this.#hasTerminated = true;
        this.#ahead.noteEvent(message);
        this.#editor.event(
          event,
          mapSources(body, (path) => this.#paths.toEditor(path)),
        );
    }
  }

  #started(said: unknown): void {
    this.#editor.progress('', '');
    this.#ready = { said };
    this.#begin();
  }

  /** Since 1.8, debugpy sends a request of the protocol about a child process; before, an event of its own. */
  #startChild(configuration: unknown): boolean {
    const child = parseChild(configuration);
    const { sandboxId } = this.#link;
    if (!child || sandboxId === undefined) return false;
    this.#host.startChild(child, sandboxId);
    return true;
  }

  /** Requests of an adapter aren't passed on: the editor would start the program on this computer. */
  #receivedRequest(request: Request): void {
    const { command, arguments: args } = request;
    const { sandboxId } = this.#link;
    let success = false;
    if (command === 'startDebugging') success = this.#startChild((args as { configuration?: unknown })?.configuration);
    const program = command === 'runInTerminal' ? TerminalSchema.safeParse(args).data : undefined;
    if (program && sandboxId !== undefined) {
      this.#runInTerminal(program, sandboxId);
      success = true;
    }
    this.#adapter.answer(request, success);
  }

  #runInTerminal(program: TerminalArguments, sandboxId: string): void {
    this.#program = this.#host.runInTerminal(program, sandboxId);
    void this.#program.ended.then((result) => {
      this.#program = undefined;
      if (this.#options.endsWithTerminal) {
        this.#terminated();
        this.#link.end();
      } else if (result.outcome !== 'exited' && !this.#hasStarted) {
        // Otherwise, the adapter would wait for it. Its own end is reported by the adapter.
        this.#link.kill();
      }
    });
  }

  /** Asks an adapter what it can do, as soon as it has started. */
  #askFirst(initialize: Request): void {
    this.#adapter.ask('initialize', initialize.arguments, (response) => {
      this.#reply(initialize, response);
      this.#started(undefined);
    });
  }

  /** Once the adapter has started and the program is known, sends everything that has waited for that. */
  #begin(): void {
    const [initialize, launch, ready, waiting] = [this.#initialize, this.#launch, this.#ready, this.#waiting];
    if (!initialize || !launch || !ready || !waiting) return;
    this.#waiting = undefined;
    if (this.#options.capabilities) this.#adapter.ask('initialize', initialize.arguments, () => {});
    this.#adapter.ask(launch.command, this.#options.startArguments(ready.said), (response) => {
      this.#hasStarted = response.success;
      this.#reply(launch, response);
    });
    for (const each of waiting) this.#forward(each);
  }

  async #answerOrForward(request: Request): Promise<void> {
    if (MOVES.test(request.command)) this.#ahead.forget();
    const answer = this.#ahead.answer(request);
    const response = answer && (await answer);
    if (response) this.#reply(request, response);
    else this.#forward(request);
  }

  #forward(request: Request): void {
    let missing: string | undefined;
    const args = mapSources(
      request.arguments,
      (path) => this.#paths.toSandbox(path),
      (path) => (missing = path),
    );
    if (request.command !== 'setBreakpoints')
      this.#adapter.ask(request.command, args, (response) => this.#reply(request, response));
    else if (missing !== undefined)
      this.#answer(request, { body: refuseBreakpoints(request, strings.notInSandbox(missing)) });
    else this.#adapter.ask(request.command, args, (response) => void this.#replyWithReasons(request, response));
  }

  async #replyWithReasons(request: Request, response: Response): Promise<void> {
    const why = (path: string) => this.#host.whyNotSynced(path);
    const explained = await explainBreakpoints(request, response, why).catch((error) => logError(error));
    this.#reply(request, explained ?? response);
  }

  #disconnect(request: Request): void {
    this.#isEnding = true;
    if (this.#waiting) {
      this.#link.kill();
      this.#answer(request);
      if (request.command === 'terminate') this.#terminated();
    } else if (request.command === 'terminate') this.#forward(request);
    else this.#disconnectAdapter(request);
  }

  #disconnectAdapter(request: Request): void {
    const late = setTimeout(() => this.#link.kill(), DISCONNECT_TIMEOUT_MS);
    if (this.#options.endsWithTerminal) this.#program?.cancel();
    this.#adapter.ask(request.command, request.arguments, (response) => {
      clearTimeout(late);
      this.#reply(request, response);
      this.dispose();
    });
  }

  async #ended(end: LinkEnd): Promise<void> {
    clearTimeout(this.#late);
    this.#endProgram();
    this.#editor.progress('', '');
    const canTryAgain = await this.#canTryAgain(end).catch((problem) => logError(problem));
    if (canTryAgain === true && !this.#isEnding) {
      this.#link = this.#start();
      if (this.#initialize && !this.#options.capabilities) this.#askFirst(this.#initialize);
      return;
    }
    const said =
      this.#failure === undefined
        ? failureOf(end, { hasBegun: !this.#waiting, hasTerminated: this.#hasTerminated })
        : { error: this.#failure };
    const { error, actions = [] }: Failure = this.#isEnding ? {} : said;
    if (error !== undefined) this.#host.showFailure(error, actions);
    // Ends the session before it has begun, without another message.
    this.#hasEnded = true;
    for (const request of [...this.#unanswered]) this.#refuse(request, error ?? strings.canceled());
    this.#terminated();
  }

  /** Answers a request that no adapter gets, so that VS Code doesn't wait. It shows no message, as the user has seen one. */
  #refuse(request: Request, reason: string): void {
    const { command } = request;
    if (command === 'disconnect' || command === 'terminate') this.#answer(request);
    else this.#answer(request, { body: { error: { id: 1, format: reason, showUser: false } }, success: false });
  }

  /** Offers a way out if the adapter could not be started. */
  async #canTryAgain({ result, errors }: LinkEnd): Promise<boolean> {
    if (!this.#waiting || this.#isEnding || this.#failure !== undefined) return false;
    if (result.outcome === 'failed') return result.needsAccount === true && this.#host.recover(result);
    const missing = errors.split(MISSING_MARK)[1]?.trim();
    if (missing === undefined) return false;
    const isInstalled = await this.#host.installDebugger(missing, result.sandboxId);
    // The user has seen why.
    this.#isEnding ||= !isInstalled;
    return isInstalled;
  }

  /** The program in the terminal ends with the adapter; if it doesn't, it's stopped. */
  #endProgram(): void {
    const program = this.#program;
    if (!program) return;
    const late = setTimeout(() => program.cancel(), this.#options.endsWithTerminal ? 0 : DISCONNECT_TIMEOUT_MS);
    void program.ended.then(() => clearTimeout(late));
  }

  #terminated(): void {
    if (!this.#hasTerminated) this.#editor.event('terminated');
    this.#hasTerminated = true;
  }

  #reply(request: Request, { success, message, body }: Response): void {
    this.#answer(request, { body: mapSources(body, (path) => this.#paths.toEditor(path)), success, message });
  }

  #answer(request: Request, answer: Answer = {}): void {
    if (this.#unanswered.delete(request)) this.#editor.answer(request, answer);
  }
}
