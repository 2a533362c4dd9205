/**
 * Measures in gVisor, Modal's own kernel, what runs and syncs cost inside a sandbox, compared with a command that does nothing,
 * and what Local Modal's sandboxes in gVisor cost, compared with those in namespaces. Both sides take turns in one run, so that
 * other load on the computer affects both. `RUNSC` is the path of gVisor's program, if it isn't installed.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import type { Sandbox } from 'modal';
import { heartbeatCommand } from '../src/modal/watchdog.ts';
import type { LateOptions, WrapperOptions } from '../src/run/command.ts';
import { resizeCommand } from '../src/run/control.ts';
import { SyncEngine } from '../src/sync/engine.ts';
import { checkPreamble } from '../src/sync/push/run-preamble.ts';
import { startWorkbench, type Workbench } from '../test/helpers/local-modal.ts';
import { processStarts } from '../test/helpers/process-starts.ts';
import { runCommand } from '../test/helpers/run-command.ts';
import { throughShell } from '../test/unit/sync/sandboxes.ts';
import { writeTree } from '../test/unit/sync/temporary.ts';
import type { BenchContext, Row } from './row.ts';

type Work = (round: number) => Promise<unknown>;
type Add = BenchContext['add'];

const SIZE = { rows: 30, columns: 100 };
const MANY = 1000;

export async function run({ quick, add }: BenchContext): Promise<void> {
  const { RUNSC, PATH } = process.env;
  if (RUNSC) process.env.PATH = `${PATH}${delimiter}${dirname(RUNSC)}`;
  const [gvisor, namespaces] = await Promise.all(
    ['gvisor', 'namespaces'].map((runtime) => startWorkbench({ args: ['--runtime', runtime] })),
  );
  if (!gvisor || !namespaces) return;
  try {
    const rounds = quick ? 3 : 15;
    const [sandbox, other] = await Promise.all([created(gvisor), created(namespaces)]);
    await kernels(add, rounds, [gvisor, sandbox], [namespaces, other]);
    await runs(add, rounds, sandbox);
    await syncs(add, rounds, sandbox, quick ? 100 : MANY);
  } finally {
    await Promise.all([gvisor, namespaces].map(({ server }) => server.stop()));
  }
}

function created({ modal, app, image }: Workbench): Promise<Sandbox> {
  return modal.sandboxes.create(app, image, { timeoutMs: 3_600_000 });
}

async function execute(sandbox: Sandbox, argv: string[], pty = false): Promise<void> {
  const process = await sandbox.exec(argv, { pty });
  await process.stdout.readText();
  await process.wait();
}

const nothing =
  (sandbox: Sandbox, pty = false): Work =>
  () =>
    execute(sandbox, ['true'], pty);

/** Measures two pieces of work in turns, and adds the row. */
async function compare(
  add: Add,
  rounds: number,
  row: Pick<Row, 'name' | 'note'> & { readonly most?: number },
  ours: Work,
  peer: Work,
): Promise<void> {
  const times: readonly [number[], number[]] = [[], []];
  for (let round = -1; round < rounds; round += 1) {
    for (const [side, work] of [ours, peer].entries()) {
      const startedAt = performance.now();
      await work(round);
      // The first round is for caches.
      if (round >= 0) times[side]?.push(performance.now() - startedAt);
    }
  }
  const [own, other] = times.map((all) => all.toSorted((one, next) => one - next)[Math.floor(all.length / 2)] ?? 0);
  if (own === undefined || other === undefined) return;
  const ratio = own / other;
  const { name, note, most } = row;
  const goal = most === undefined ? {} : { goal: `at most ${most} times`, holds: ratio <= most };
  add({ name, ours: own, peer: other, ratio, unit: 'ms', ...goal, note });
}

async function kernels(
  add: Add,
  rounds: number,
  [gvisor, inside]: [Workbench, Sandbox],
  [namespaces, other]: [Workbench, Sandbox],
): Promise<void> {
  const create = (bench: Workbench) => async () => void (await created(bench));
  const note = 'peer: namespaces';
  await compare(add, rounds, { name: 'a sandbox created', most: 2, note }, create(gvisor), create(namespaces));
  await compare(add, rounds, { name: 'an exec', most: 1.5, note }, nothing(inside), nothing(other));
  await compare(add, rounds, { name: 'an exec with a terminal', note }, nothing(inside, true), nothing(other, true));
}

async function runs(add: Add, rounds: number, sandbox: Sandbox): Promise<void> {
  let number = 0;
  const wrapped =
    (pty: boolean): Work =>
    () => {
      number += 1;
      const options: WrapperOptions & LateOptions = {
        runId: `bench-${number}`,
        cwd: '/',
        shellArgs: '',
        ...(pty && { size: SIZE }),
      };
      return execute(sandbox, runCommand([{ argv: ['true'] }], [], options), pty);
    };
  const exec = nothing(sandbox);
  await compare(add, rounds, { name: 'run wrapper', most: 1.3 }, wrapped(false), exec);
  const terminal = 'run wrapper with a terminal';
  await compare(add, rounds, { name: terminal, most: 1.3 }, wrapped(true), nothing(sandbox, true));
  await compare(add, rounds, { name: `${terminal}, against an exec without` }, wrapped(true), exec);
  const check = ['sh', '-c', `${checkPreamble('/nowhere', 'none')}\nexec true`];
  // What any wrapper in `sh` costs at least, because it starts a shell before the program.
  const becoming: Work = () => execute(sandbox, ['sh', '-c', 'exec true']);
  await compare(add, rounds, { name: 'shell that becomes a program' }, becoming, exec);
  const note = 'peer: a shell that becomes a program';
  await compare(add, rounds, { name: 'check preamble', most: 1.05, note }, () => execute(sandbox, check), becoming);
  const kept = runCommand([{ argv: ['cat'] }], [], { runId: 'kept', cwd: '/', shellArgs: '', size: SIZE });
  const process = await sandbox.exec(kept, { pty: true });
  for (const [name, command] of [
    ['resize', resizeCommand('kept', SIZE)],
    ['heartbeat', heartbeatCommand('kept')],
  ] as const)
    await compare(add, rounds, { name }, () => execute(sandbox, command), exec);
  await execute(sandbox, ['sh', '-c', 'kill $(cat /tmp/.modal-run-kept)']);
  await process.wait();
  await counted(add, sandbox, 'run wrapper', wrapped(false));
  await counted(add, sandbox, terminal, wrapped(true), { pty: true });
}

async function syncs(add: Add, rounds: number, sandbox: Sandbox, many: number): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), 'bench-gvisor-'));
  const storageDir = mkdtempSync(join(tmpdir(), 'bench-gvisor-storage-'));
  const engine = new SyncEngine({ root, storageDir, ask: () => true });
  const plain = withoutPerl(sandbox);
  let edits = 0;
  const edit = (files: number) => {
    edits += 1;
    for (let at = 0; at < files; at += 1) writeTree(root, { [`d${at % 50}/f${at}`]: `${edits} ${at}\n` });
  };
  const push =
    (files: number, target = sandbox): Work =>
    () => {
      edit(files);
      return engine.push(target);
    };
  try {
    edit(many);
    await engine.push(sandbox);
    const exec = nothing(sandbox);
    for (const files of [1, 10, 40]) {
      const name = `push of ${files} changed files`;
      await compare(add, rounds, { name, most: 2 }, push(files), exec);
      await counted(add, sandbox, name, push(files));
    }
    const list = () => engine.remoteChanges(sandbox);
    await compare(add, rounds, { name: 'list of changes, none', most: 2 }, list, exec);
    // What it costs at least to look at each file, because a program may have changed any of them.
    const find: Work = () => execute(sandbox, ['find', '/workspace', '-cnewer', '/workspace/.modal-sync/gen']);
    await compare(add, rounds, { name: 'look at each file' }, find, exec);
    await execute(sandbox, ['sh', '-c', 'echo changed > /workspace/d0/f0']);
    const change = () => execute(sandbox, ['sh', '-c', 'echo changed > /workspace/d0/new; exec true']);
    await compare(add, rounds, { name: 'list of changes, one after each exec', most: 2 }, list, change);
    await counted(add, sandbox, 'list of changes', list);
    const name = `push of ${many} changed files without perl`;
    const few = Math.ceil(rounds / 5);
    await compare(add, few, { name, most: 10, note: 'peer: with perl' }, push(many, plain), push(many));
  } finally {
    await engine.dispose();
    for (const folder of [root, storageDir]) rmSync(folder, { recursive: true });
  }
}

/** Adds a row with the number of processes that some work starts. */
async function counted(
  add: Add,
  sandbox: Sandbox,
  name: string,
  work: Work,
  options?: Parameters<typeof processStarts>[2],
): Promise<void> {
  add({ name: `${name}, processes started`, ours: await processStarts(sandbox, work, options), unit: 'processes' });
}

/** Wraps a sandbox so that pushes there find no Perl, as in an image of Alpine. */
function withoutPerl(sandbox: Sandbox): Sandbox {
  const exec = (argv: string[], options: object) =>
    sandbox.exec(
      throughShell(argv).map((part) => part.replaceAll('command -v perl', 'command -v no-such-perl')),
      options,
    );
  return { sandboxId: sandbox.sandboxId, exec } as unknown as Sandbox;
}
