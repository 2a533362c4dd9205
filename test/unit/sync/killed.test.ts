import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Sandbox } from 'modal';
import type { Source } from '../../../src/modal/exec.ts';
import type { SyncEngine } from '../../../src/sync/engine.ts';
import { APPLY_PERL } from '../../../src/sync/push/apply-perl.ts';
import { APPLY_SCRIPT } from '../../../src/sync/push/apply-script.ts';
import { engineFor, throughShell } from './sandboxes.ts';
import { removeTemporary, temporaryFolder, writeTree } from './temporary.ts';

const SCRIPT = APPLY_SCRIPT.split('\n');
/** Lines of the script: where the shell alone applies what has arrived, where it moves files, and where that has been done. */
const [SHELL, MOVES, MOVED] = ['slow=$in/mv', '[ ! -s "$slow" ]', '[ -f $s/.gitignore ]'].map((start) =>
  SCRIPT.findIndex((line) => line.startsWith(start)),
) as [number, number, number];
/** Line numbers before which a shell command can be inserted. */
const LINES = SCRIPT.map((_, line) => line).filter(
  (line) => spawnSync('sh', ['-n'], { input: killedAt(line) }).status === 0,
);

/** Returns the script, for an image without Perl, with a line that kills its process. */
function killedAt(line: number): string {
  return withLines((at) => (at === line ? ['kill -9 $$'] : []));
}

function withLines(before: (line: number) => string[]): string {
  return SCRIPT.flatMap((text, line) => [
    ...before(line),
    text.replace('command -v perl', 'command -v no-such-perl'),
  ]).join('\n');
}

/** Returns those of the lines that a push gets to. Killing it anywhere else would change nothing. */
async function reached(lines: readonly number[], push: (sandbox: Sandbox) => Promise<unknown>): Promise<number[]> {
  const trace = join(temporaryFolder(), 'trace');
  const known = new Set(LINES);
  const script = withLines((line) => (known.has(line) ? [`echo ${line} >> ${trace}`] : []));
  await push(localSandbox(() => script).sandbox);
  const seen = new Set(readFileSync(trace, 'utf8').split('\n'));
  return lines.filter((line) => seen.has(`${line}`));
}

const PERL_BEGIN = APPLY_PERL.split('\n').indexOf('sub apply {');
/** Kills Perl and the shell. */
const KILLING = 'kill(9, getppid(), $$);';
/** The numbers of the script's lines in which Perl applies a push, and before which a statement can be inserted. */
const PERL_LINES = SCRIPT.map((_, line) => line)
  .slice(SCRIPT.indexOf('sub apply {') + 1, SCRIPT.indexOf('sub tidy {'))
  .filter((line) => {
    const program = APPLY_PERL.split('\n').toSpliced(line - SCRIPT.indexOf('sub apply {') + PERL_BEGIN, 0, KILLING);
    return spawnSync('perl', ['-c'], { input: program.join('\n') }).status === 0;
  });

/** The script, changed so that Perl is killed, with the shell or alone, after this many files have been moved. A push has 46. */
function killedAfter(moves: number, whom: 'both' | 'perl'): string {
  const killing = `kill(9, ${whom === 'both' ? 'getppid(), ' : ''}$$)`;
  return replaced('|| rename $f,', `|| !($n++ == ${moves} && ${killing}) && rename $f,`);
}

function replaced(part: string, by: string, script = APPLY_SCRIPT): string {
  assert.ok(script.includes(part), part);
  return script.replace(part, () => by);
}

/** Returns a fake sandbox that runs commands as local processes, which is fast enough for hundreds of pushes. */
function localSandbox(scriptOf: (script: string) => string): { sandbox: Sandbox; killed: () => boolean } {
  let killed = false;
  const exec = (argv: string[]) => {
    const [program = '', ...args] = throughShell(argv);
    const child = spawn(
      program,
      args.map((arg) => arg.replace(APPLY_SCRIPT, () => scriptOf(APPLY_SCRIPT))),
      { stdio: ['pipe', 'pipe', 'ignore'] },
    );
    child.on('exit', (_, signal) => (killed ||= signal === 'SIGKILL'));
    const _stdinWriteStream = (source: Source) => pipeline(Readable.from(source.readFrom(0)), child.stdin);
    return Promise.resolve({
      stdout: Readable.toWeb(child.stdout),
      closeStdin: async () => void child.stdin.end(),
      _stdinWriteStream,
    });
  };
  return { sandbox: { sandboxId: 'local', exec } as unknown as Sandbox, killed: () => killed };
}

describe('SyncEngine.push with a killed apply script', () => {
  let parent: string;
  let root: string;
  const engines: SyncEngine[] = [];
  const { sandbox } = localSandbox((script) => script);

  beforeEach(() => {
    parent = temporaryFolder();
    root = temporaryFolder();
  });
  afterEach(async () => {
    for (const engine of engines.splice(0)) await engine.dispose();
  });
  after(removeTemporary);

  function newEngine(): SyncEngine {
    const engine = engineFor(root, { remoteRoot: join(parent, 'remote') });
    engines.push(engine);
    return engine;
  }

  /** Pushes once with a script that is killed, and then normally. Resolves to true if the first one was killed. */
  async function pushTwice(first: SyncEngine, second: SyncEngine, script: string, edit: () => void): Promise<boolean> {
    const { sandbox: killing, killed } = localSandbox(() => script);
    await first.push(killing).catch(() => {});
    edit();
    await second.push(sandbox);
    assert.deepEqual(treeOf(second.remoteRoot), treeOf(root), script);
    return killed();
  }

  /** Changes, adds, deletes, and empties files and folders and changes their kinds, differently in each round. */
  function edit(round: number, files: number): void {
    rmSync(join(root, `gone-${round - 1}`), { recursive: true, force: true });
    rmSync(join(root, 'kind'), { recursive: true, force: true });
    writeTree(root, { [`gone-${round}/deep/x`]: 'x', [round % 2 ? 'kind' : 'kind/inside']: `${round}` });
    for (let at = 0; at < files; at += 1) writeTree(root, { [`d${at % 5}/f${at}`]: `${round}` });
  }

  for (const [size, files, lines] of [
    ['few', 3, LINES.filter((line) => line < MOVES)],
    // The number of files matters only where they are moved.
    ['many', 45, LINES.filter((line) => line >= MOVES)],
  ] as const)
    it(`recovers with the next push, also of another window, with ${size} files`, async function () {
      this.timeout(180_000);
      let [engine, other] = [newEngine(), newEngine()];
      edit(0, files);
      await engine.push(sandbox);
      const found = new Set<number>();
      for (const round of [1, 2]) {
        edit(round, files);
        for (const line of await reached(lines, (tracing) => engine.push(tracing))) found.add(line);
      }
      let killed = 0;
      for (const [round, line] of [...found].entries()) {
        const next = (round + files) % 2 ? other : engine;
        edit(2 * round + 1, files);
        killed += (await pushTwice(engine, next, killedAt(line), () => edit(2 * round + 2, 1))) ? 1 : 0;
        // Another window can't know about a push that changed nothing.
        if (next === engine) assert.deepEqual(leftIn(engine.remoteRoot), [], `killed before line ${line + 1}`);
        else {
          for (const name of leftIn(engine.remoteRoot))
            rmSync(join(engine.remoteRoot, '.modal-sync', name), { recursive: true });
          [engine, other] = [other, engine];
        }
      }
      assert.ok(killed > 10, `${killed} of ${found.size}`);
    });

  it('recovers with the next push when Perl is killed anywhere, with the script', async function () {
    this.timeout(180_000);
    const engine = newEngine();
    edit(0, 3);
    await engine.push(sandbox);
    let killed = 0;
    for (const [round, line] of PERL_LINES.entries()) {
      edit(2 * round + 1, 3);
      const script = SCRIPT.toSpliced(line, 0, KILLING).join('\n');
      killed += (await pushTwice(engine, engine, script, () => edit(2 * round + 2, 1))) ? 1 : 0;
      assert.deepEqual(leftIn(engine.remoteRoot), [], SCRIPT[line]);
    }
    assert.ok(killed > 30, `${killed} of ${PERL_LINES.length}`);
  });

  for (const whom of ['both', 'perl'] as const)
    it(`recovers with the next push when Perl is killed ${whom === 'both' ? 'with the script' : 'alone'} while it moves files`, async function () {
      this.timeout(180_000);
      const engine = newEngine();
      edit(0, 45);
      await engine.push(sandbox);
      for (const [round, moves] of [0, 1, 10, 44, 45].entries()) {
        edit(2 * round + 1, 45);
        const isKilled = await pushTwice(engine, engine, killedAfter(moves, whom), () => edit(2 * round + 2, 1));
        assert.equal(isKilled, whom === 'both', `${moves}`);
        assert.deepEqual(leftIn(engine.remoteRoot), []);
      }
    });

  it('recovers with the next push when the first push is killed', async function () {
    this.timeout(180_000);
    const engine = newEngine();
    const all = LINES.filter((line) => line <= SHELL || line >= MOVED);
    edit(0, 3);
    const lines = await reached(all, (tracing) => engine.push(tracing));
    for (const [round, line] of lines.entries()) {
      rmSync(engine.remoteRoot, { recursive: true, force: true });
      edit(round, 3);
      await pushTwice(engine, engine, killedAt(line), () => edit(round, 1));
      assert.deepEqual(
        [leftIn(engine.remoteRoot), readdirSync(parent)],
        [[], ['remote']],
        `killed before line ${line + 1}`,
      );
    }
  });

  for (const by of ['Perl', 'the shell'])
    describe(`the lock, taken by ${by}`, () => {
      let engine: SyncEngine;
      let holder: ChildProcess;
      const byPerl = by === 'Perl';
      const script = byPerl ? APPLY_SCRIPT : replaced('command -v perl', 'command -v no-such-perl');
      const changed = (part: string, to: string) => localSandbox(() => replaced(part, to, script)).sandbox;
      const impatient = byPerl ? changed('undef, 0.2', 'undef, 0.01') : changed('sleep 0.2', 'sleep 0.01');

      beforeEach(async () => {
        engine = newEngine();
        writeTree(root, { a: 'a' });
        await engine.push(sandbox);
        writeTree(root, { a: 'changed' });
      });
      afterEach(() => holder?.kill());

      /** Creates a lock that names a process with these arguments and has an age. */
      function lock(argv: readonly string[], ageSeconds = 65): void {
        holder?.kill();
        holder = spawn('sh', ['-c', 'read -r _; exit', ...argv], { stdio: ['pipe', 'ignore', 'ignore'] });
        const path = join(engine.remoteRoot, '.modal-sync/lock');
        writeFileSync(path, `${holder.pid}\n`);
        const time = Date.now() / 1000 - ageSeconds;
        utimesSync(path, time, time);
      }

      it('is held as long as its push is running', async () => {
        for (const name of ['modal-sync', 'modal-run']) {
          lock([name, engine.remoteRoot]);
          await assert.rejects(engine.push(impatient), /another sync hasn't finished/);
          assert.notDeepEqual(treeOf(engine.remoteRoot), treeOf(root));
          holder.kill();
        }
      });

      /** Pushes while there is a lock of another program, with each of several ages. */
      async function pushWithLocks(through: Sandbox): Promise<void> {
        for (const age of [61, 90, 119, 121]) {
          writeTree(root, { a: `after ${age}` });
          lock(['program'], age);
          await engine.push(through);
          assert.deepEqual(treeOf(engine.remoteRoot), treeOf(root), `${age} seconds`);
        }
        writeTree(root, { a: 'not yet' });
        lock(['program'], 10);
        await assert.rejects(engine.push(through), /another sync hasn't finished/);
      }

      it('expires after a minute when its process ID belongs to another program', () => pushWithLocks(impatient));

      if (!byPerl)
        it('expires after a minute with the find of BusyBox, too', async function () {
          if (spawnSync('busybox').error) {
            console.log('      BusyBox is not installed');
            this.skip();
          }
          const busybox = replaced('$(find $s/lock', '$(busybox find $s/lock', script);
          await pushWithLocks(localSandbox(() => replaced('sleep 0.2', 'sleep 0.01', busybox)).sandbox);
        });

      it('is ignored when its process ID is that of the current push', async () => {
        const locking = byPerl
          ? changed('my ($lock, $tries)', 'system qq(echo $holder > $state/lock); my ($lock, $tries)')
          : changed('tries=0', 'echo $$ > $s/lock; tries=0');
        await engine.push(locking);
        assert.deepEqual(treeOf(engine.remoteRoot), treeOf(root));
      });
    });
});

/** Returns files with their contents, and folders, without the sync's own state. */
function treeOf(root: string): string[] {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter(({ parentPath, name }) => !join(parentPath, name).includes('/.modal-sync'))
    .map((entry) => {
      const full = join(entry.parentPath, entry.name);
      return `${relative(root, full)} ${entry.isFile() ? readFileSync(full) : 'folder'}`;
    })
    .sort();
}

/** Returns files that a push should have removed. */
function leftIn(root: string): string[] {
  const own = ['.gitignore', 'gen', 'm', 'stamp'];
  return readdirSync(join(root, '.modal-sync')).filter((name) => !own.includes(name));
}
