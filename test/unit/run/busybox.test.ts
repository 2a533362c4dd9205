import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { NO_PROJECTS } from '../../../src/run/projects.ts';
import { runRequest } from '../../../src/run/request.ts';
import { interpreterOf } from '../../../src/run/selection/interpreters.ts';
import { SelectionProcess } from '../../../src/run/selection/process.ts';
import { REMOTE_ROOT } from '../../../src/sync/options.ts';
import { type RunningLocalModal, startLocalModal } from '../../helpers/local-modal.ts';
import { waitFor } from '../../helpers/wait-for.ts';
import { type LocalFolder, localFolder, startScript } from './local-runs.ts';

/** An image whose only programs are BusyBox's, as in Alpine. */
const PROFILE = {
  image: { commands: ['mkdir /bb && cp "$(command -v busybox)" /bb && /bb/busybox --install -s /bb'] },
  env: { PATH: '/bb' },
};

describe('A run where all programs are those of BusyBox', () => {
  if (spawnSync('busybox').error) {
    it("isn't tried, because busybox isn't installed on this computer");
    return;
  }
  let server: RunningLocalModal;
  let folder: LocalFolder;
  before(async () => {
    server = await startLocalModal();
    folder = await localFolder(server, PROFILE);
  });
  after(async () => {
    await folder.dispose();
    await server.stop();
  });
  const start = (script: string, run: Parameters<typeof startScript>[2] = {}) =>
    startScript(folder, script, { programs: [{ argv: ['bash'] }, { argv: ['sh'] }], ...run });
  const nothing = (text: string) => text === '';

  /** Returns what still runs, without the programs of this look at it. */
  async function left(what: string): Promise<string> {
    const { run, text } = await start(`grep -la '${what}' /proc/[0-9]*/cmdline 2>/dev/null | grep -v "/$$/"`, {
      pty: false,
    });
    await run.done;
    return text.output.trim();
  }

  it('has just these programs', async () => {
    const { run, text } = await start('sh --help 2>&1 | grep -o ^BusyBox; command -v perl || command -v bash', {
      pty: false,
    });
    assert.equal((await run.done).exitCode, 127);
    assert.equal(text.output, 'BusyBox\n');
  });

  it('passes on arguments, input, changed files, and the exit code', async () => {
    await writeFile(join(folder.path, 'data'), 'first');
    await (await start('cat data')).run.done;
    await writeFile(join(folder.path, 'data'), 'second');
    const input = async function* () {
      yield Buffer.from([0, 255, 10]);
    };
    const request = {
      args: [`${REMOTE_ROOT}/a.sh`, 'a  b'],
      shellArgs: `'c d' $((1 + 1))`,
      pty: false,
      input: input(),
    };
    const { run, text } = await start('echo "$(cat data)|$1|$2|$3|$(od -An -tx1)"; exit 6', request);
    assert.equal((await run.done).exitCode, 6);
    assert.equal(text.output, 'second|a  b|c d|2| 00 ff 0a\n');
  });

  it('has the size of its terminal from the start, and follows it', async () => {
    const script = 'stty size; trap "stty size; exit 5" WINCH; echo ready; while :; do sleep 0.05; done';
    const { run, text, shows } = await start(script, { size: { rows: 31, columns: 97 } });
    await shows('ready');
    run.resize({ rows: 40, columns: 72 });
    assert.equal((await run.done).exitCode, 5);
    assert.match(text.output, /^31 97\r\nready\r\n40 (72|97)\r\n$/);
  });

  for (const [name, program] of [
    ['by an interrupt', 'sleep 4321; echo never'],
    ['by TERM if it ignores interrupts', 'trap "" INT; sleep 4321 & echo; wait; echo never'],
    [
      'by KILL if it ignores both',
      'trap "" INT TERM; (trap "" INT TERM; while :; do sleep 4321; done) & wait; sleep 4321',
    ],
    ['and what runs in a session of its own', 'setsid sleep 4321 & wait'],
    ['and what has no parent', "setsid sh -c 'sleep 4321 & sleep 4321 &'; sleep 4321"],
  ] as const) {
    it(`is stopped ${name} when it is canceled`, async () => {
      const { run, text, shows } = await start(`echo ready; ${program}`);
      await shows('ready');
      run.cancel();
      assert.equal((await run.done).outcome, 'exited');
      assert.doesNotMatch(text.output, /never/);
      await waitFor('no processes', 15_000, () => left('^sleep.4321'), nothing);
    });
  }

  it('leaves no files behind', async () => {
    const others = 'ls -A /tmp | grep modal-run | grep -v "$MODAL_VSCODE_RUN"';
    const { run } = await start(`for i in $(seq 100); do [ -n "$(${others})" ] || exit 3; sleep 0.1; done`);
    assert.equal((await run.done).exitCode, 3);
  });

  it('keeps the variables of selections of a shell, and interrupts them', async () => {
    const interpreter = interpreterOf('shellscript');
    assert.ok(interpreter);
    const programs = interpreter.programs({}, NO_PROJECTS);
    let shown = '';
    const process = new SelectionProcess({
      interpreter,
      request: runRequest({ folder: { name: 'folder', path: folder.path }, label: 'shell', programs }),
      services: folder.services,
      idleTimeoutMs: 600_000,
      output: { status: () => {}, progress: () => {}, code: () => {}, text: (text) => (shown += text) },
    });
    const run = async (code: string) => {
      const from = shown.length;
      const file = `${REMOTE_ROOT}/a.sh`;
      const { exitCode, error } = await process.run({ code, file, line: 1, languageId: 'shellscript' });
      return `${stripVTControlCharacters(shown.slice(from)).replaceAll('\r', '')}${error ?? exitCode}`;
    };
    // Debian's BusyBox shows its name first.
    assert.match(await run('x=\'a  b\'\nf() { echo "<$x>"; }'), /0$/);
    assert.equal(await run('cd /tmp\nf; false'), '<a  b>\n1');
    assert.equal(await run('pwd'), '/tmp\n0');
    const waiting = run('echo begun; sleep 4321; echo never');
    await waitFor(
      'the start',
      10_000,
      async () => shown,
      (text) => text.includes('begun'),
    );
    process.write('\u0003');
    assert.match(await waiting, /begun[\s\S]*130$/);
    assert.equal(await run('f'), '<a  b>\n0');
    process.cancel();
    await process.ended;
  });
});
