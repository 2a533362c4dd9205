import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { lutimesSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { join, relative } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Sandbox } from 'modal';
import type { Source } from '../../../src/modal/exec.ts';
import type { SyncEngine } from '../../../src/sync/engine.ts';
import { APPLY_SCRIPT } from '../../../src/sync/push/apply-script.ts';
import { engineFor } from './sandboxes.ts';
import { removeTemporary, temporaryFolder, writeTree } from './temporary.ts';

const SCRIPT = APPLY_SCRIPT.split('\n');
/** The lines that move files into place, and those among them that aren't shell code. */
const [MOVES, PERL, NO_MORE_PERL, MOVED] = [
  '[ ! -f "$in/mv" ]',
  '    T="$in/t" perl',
  '  else slow=',
  '[ -f $s/.gitignore ]',
].map((start) => SCRIPT.findIndex((line) => line.startsWith(start))) as [number, number, number, number];
/** Line numbers before which a shell command can be inserted. */
const LINES = SCRIPT.map((_, line) => line)
  .filter((line) => line < PERL || line >= NO_MORE_PERL)
  .filter((line) => spawnSync('sh', ['-n'], { input: killedAt(line) }).status === 0);

/** Returns the script with a line that kills its process. */
function killedAt(line: number): string {
  return [...SCRIPT.slice(0, line), 'kill -9 $$', ...SCRIPT.slice(line)].join('\n');
}

/**
 * The script, changed so that the interpreter that moves many files is killed after this many moves, with the shell or
 * alone. A push has 47 moves.
 */
const INTERPRETERS = {
  perl: (moves: number, whom: 'both' | 'interpreter') =>
    replaced(
      '!rename($s, $d)',
      `($n++ == ${moves} && kill(9, ${whom === 'both' ? 'getppid(), ' : ''}$$)) || !rename($s, $d)`,
    ),
  python3: (moves: number, whom: 'both' | 'interpreter') =>
    replaced(
      '    os.rename(s, d)',
      `    n.append(0); len(n) == ${moves + 1} and [os.kill(p, 9) for p in (${whom === 'both' ? 'os.getppid(), ' : ''}os.getpid(),)]; os.rename(s, d)`,
      replaced('links={}', 'links={}; n=[]', replaced('command -v perl', 'command -v no-such-perl')),
    ),
} as const;

function replaced(part: string, by: string, script = APPLY_SCRIPT): string {
  assert.ok(script.includes(part), part);
  return script.replace(part, () => by);
}

/** Returns a fake sandbox that runs commands as local processes, which is fast enough for hundreds of pushes. */
function localSandbox(scriptOf: (script: string) => string): { sandbox: Sandbox; killed: () => boolean } {
  let killed = false;
  const exec = ([program = '', ...args]: string[]) => {
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
    ['few', 3, LINES.filter((line) => line < MOVED)],
    // The number of files matters only where they are moved.
    ['many', 45, LINES.filter((line) => line >= MOVES)],
  ] as const)
    it(`recovers with the next push, also of another window, with ${size} files`, async function () {
      this.timeout(180_000);
      let [engine, other] = [newEngine(), newEngine()];
      edit(0, files);
      await engine.push(sandbox);
      let killed = 0;
      for (const [round, line] of lines.entries()) {
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
      assert.ok(killed > 10, `${killed} of ${lines.length}`);
    });

  for (const [interpreter, killedIn] of Object.entries(INTERPRETERS)) {
    it(`recovers with the next push when ${interpreter} is killed with the script while it moves files`, async function () {
      this.timeout(180_000);
      const engine = newEngine();
      edit(0, 45);
      await engine.push(sandbox);
      for (const [round, moves] of [0, 1, 10, 44, 46].entries()) {
        edit(2 * round + 1, 45);
        assert.ok(await pushTwice(engine, engine, killedIn(moves, 'both'), () => edit(2 * round + 2, 1)), `${moves}`);
        assert.deepEqual(leftIn(engine.remoteRoot), []);
      }
    });

    it(`completes when only ${interpreter} is killed`, async () => {
      const engine = newEngine();
      edit(0, 45);
      await engine.push(sandbox);
      for (const [round, moves] of [0, 10, 46].entries()) {
        edit(round + 1, 45);
        const { sandbox: killing, killed } = localSandbox(() => killedIn(moves, 'interpreter'));
        await engine.push(killing);
        assert.deepEqual([killed(), treeOf(engine.remoteRoot)], [false, treeOf(root)]);
      }
    });
  }

  it('recovers with the next push when the first push is killed', async function () {
    this.timeout(180_000);
    const engine = newEngine();
    const lines = LINES.filter((line) => line <= MOVES || line >= MOVED);
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

  describe('the lock', () => {
    let engine: SyncEngine;
    let holder: ChildProcess;
    const impatient = localSandbox(() => replaced('sleep 0.2', 'sleep 0.01')).sandbox;

    beforeEach(async () => {
      engine = newEngine();
      writeTree(root, { a: 'a' });
      await engine.push(sandbox);
      writeTree(root, { a: 'changed' });
    });
    afterEach(() => holder?.kill());

    /** Creates a lock that names a process with these arguments and is 65 seconds old. */
    function lock(...argv: string[]): void {
      holder = spawn('sh', ['-c', 'read -r _; exit', ...argv], { stdio: ['pipe', 'ignore', 'ignore'] });
      const path = join(engine.remoteRoot, '.modal-sync/lock');
      symlinkSync(`${holder.pid}`, path);
      lutimesSync(path, Date.now() / 1000 - 65, Date.now() / 1000 - 65);
    }

    it('holds the lock as long as its push is running', async () => {
      lock('modal-sync', engine.remoteRoot);
      await assert.rejects(engine.push(impatient), /another sync hasn't finished/);
      assert.notDeepEqual(treeOf(engine.remoteRoot), treeOf(root));
    });

    it('lets the lock expire when its process ID belongs to another program', async () => {
      lock('program');
      await engine.push(impatient);
      assert.deepEqual(treeOf(engine.remoteRoot), treeOf(root));
    });

    it('lets the lock expire after a minute with the find of BusyBox, too', async function () {
      if (spawnSync('busybox').error) {
        console.log('      BusyBox is not installed');
        this.skip();
      }
      lock('program');
      const { sandbox: busybox } = localSandbox(() => replaced('$(find $s/lock', '$(busybox find $s/lock'));
      await engine.push(busybox);
      assert.deepEqual(treeOf(engine.remoteRoot), treeOf(root));
    });

    it('ignores the lock when its process ID is that of the current push', async () => {
      const { sandbox: same } = localSandbox(() => replaced('tries=0', 'ln -s $$ $s/lock; tries=0'));
      await engine.push(same);
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
  const own = ['.gitignore', 'gen', 'm', 'stamp', 'stamp.next'];
  return readdirSync(join(root, '.modal-sync')).filter((name) => !own.includes(name));
}
