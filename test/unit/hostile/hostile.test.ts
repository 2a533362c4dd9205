import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Sandbox } from 'modal';
import { strings } from '../../../src/run/strings.ts';
import { startWorkbench, type Workbench } from '../../helpers/local-modal.ts';
import type { Answer, Outcome, Work } from './actions.ts';

const PROGRAMS = ['sh', 'tar', 'env', 'setsid'];
const ACTIONS = ['list', 'read', 'search', 'setup', 'push', 'changes', 'pull', 'run', 'run without a sync'];
const NEEDS_SYNC = ['push', 'changes', 'pull', 'run'];
/** What the replaced programs do, in Perl, because it has to work without a shell. */
const HOSTILE = {
  wrongly: 'print "nonsense\\n"; exit 3;',
  // More than any limit, but not so much that it fills the disk.
  endlessly: '$| = 1; my $part = "x" x 65536; for (1..2200) { print $part } sleep 100000;',
  never: 'sleep 100000;',
} as const;
type How = keyof typeof HOSTILE;

/** What a run says about output that came faster than a terminal shows it. */
const SKIPPED = new RegExp(strings.skippedOutput('\\d[\\d.]* .?B'), 'g');
/** A list of a folder may be silent for two minutes, since nothing in it may have changed. */
const MAX_MS = 150_000;
const MAX_GROWTH_BYTES = 200_000_000;

describe('A sandbox whose programs were replaced', function () {
  this.timeout(240_000);
  let workbench: Workbench;
  let window: WindowProcess;
  let silent: WindowProcess;
  let never: Promise<void>;
  const names = new Map<string, string>();

  before(async () => {
    workbench = await startWorkbench();
    [window, silent] = [new WindowProcess(workbench.server.url), new WindowProcess(workbench.server.url)];
    // Waits while the other tests run.
    never = check(silent, PROGRAMS, 'never');
    never.catch(() => {});
    // Everything is loaded, and has run once, before memory is compared.
    const { sandboxId } = await create();
    for (const action of ACTIONS) {
      const { outcomes } = await window.perform([{ sandboxId, action }]);
      assert.match(
        outcomes[0]?.said ?? '',
        /^(\d+ (entries|bytes|files|created)|complete: true|done|.*exited 0)$/,
        action,
      );
    }
  });
  after(async () => {
    await Promise.all([window.stop(), silent.stop()]);
    await workbench.server.stop();
  });

  async function create(program?: string, how?: How): Promise<Sandbox> {
    const sandbox = await workbench.modal.sandboxes.create(workbench.app, workbench.image, { timeoutMs: 600_000 });
    await workbench.shell(sandbox, 'mkdir -p /workspace && cd /workspace && echo there > there && ln -s there link');
    if (!program || !how) return sandbox;
    names.set(sandbox.sandboxId, program);
    await sandbox.filesystem.writeText(`#!/usr/bin/perl\n${HOSTILE[how]}\n`, '/hostile');
    await workbench.shell(sandbox, `chmod 755 /hostile && mv -f /hostile "$(command -v ${program})"`);
    return sandbox;
  }

  async function check(process: WindowProcess, programs: readonly string[], how: How): Promise<void> {
    const sandboxes = await Promise.all(programs.map((program) => create(program, how)));
    const before = await process.perform([]);
    const work = sandboxes.flatMap(({ sandboxId }, at) => {
      // Syncs at the same time need an engine each, so only those of two programs are tried in all ways.
      const actions = ACTIONS.filter((action) => at < 2 || action === 'push' || !NEEDS_SYNC.includes(action));
      return actions.map((action) => ({ sandboxId, action }));
    });
    const { outcomes, peakBytes } = await process.perform(work);
    await Promise.all(sandboxes.map((sandbox) => sandbox.terminate()));
    const text = ({ action, sandboxId, said, tookMs }: Outcome) =>
      `${names.get(sandboxId)} answers ${how}, ${action}: ${Math.round(tookMs)} ms, ${said}`;
    const log = outcomes.map(text).join('\n');
    const growthBytes = peakBytes - before.peakBytes;
    assert.deepEqual(outcomes.filter(({ tookMs }) => tookMs > MAX_MS).map(text), [], log);
    assert.deepEqual(outcomes.filter(({ said }) => said.trim() === '').map(text), [], log);
    // A program that can't be stopped isn't waited for.
    for (const { action, sandboxId, said } of outcomes)
      if (action === 'run without a sync' && names.get(sandboxId) === 'sh' && how !== 'wrongly')
        assert.equal(said.replaceAll(SKIPPED, '').trim(), `${strings.mayStillRun()}canceled`);
    assert.ok(growthBytes <= MAX_GROWTH_BYTES, `${growthBytes} bytes\n${log}`);
  }

  for (const how of ['wrongly', 'endlessly'] as const)
    for (const programs of [PROGRAMS.slice(0, 2), PROGRAMS.slice(2)])
      it(`costs bounded time and memory, and ends with a sentence, when ${programs.join(' or ')} answers ${how}`, () =>
        check(window, programs, how));

  it('costs bounded time and memory, and ends with a sentence, when they never answer', () => never);
});

/** The process of `actions.ts`. */
class WindowProcess {
  readonly #url: string;
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(url: string) {
    this.#url = url;
    const program = fileURLToPath(new URL('./actions.ts', import.meta.url));
    this.#child = spawn(process.execPath, [program], { stdio: ['pipe', 'pipe', 'inherit'] });
    assert.ok(this.#child.stdout);
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  async perform(work: readonly Work[]): Promise<Answer> {
    this.#child.stdin?.write(`${JSON.stringify({ url: this.#url, work })}\n`);
    const { done, value } = await this.#lines.next();
    if (done) throw new Error('The process has ended.');
    return JSON.parse(value) as Answer;
  }

  /** Lets it remove its folders. */
  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.stdin?.end();
    await ended;
  }
}
