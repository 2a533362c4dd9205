import assert from 'node:assert/strict';
import { cp, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { strings } from '../../../src/api/strings.ts';
import { type RunningLocalModal, startLocalModal } from '../../helpers/local-modal.ts';
import { type CommandLine, commandLine } from './command-line.ts';

const PROJECT = fileURLToPath(new URL('../../..', import.meta.url));

describe('An agent project with the package', () => {
  let server: RunningLocalModal;
  let user: CommandLine;

  before(async () => {
    server = await startLocalModal();
    user = await commandLine(server, { 'modal.profiles': { default: { image: 'debian:12' } } });
    await cp(join(PROJECT, 'test', 'fixtures', 'agent'), user.folder, { recursive: true });
    await mkdir(join(user.folder, 'node_modules'));
    await symlink(PROJECT, join(user.folder, 'node_modules', 'modal-sandboxes'));
    await writeFile(join(user.folder, 'package.json'), JSON.stringify({ type: 'module' }));
  });
  after(async () => {
    await server.stop();
    await user.dispose();
  });

  it('creates, connects, runs, spawns, reads, writes, pauses, and kills from Node alone', async () => {
    const { code, stdout, stderr } = await user.launch(process.execPath, ['agent.ts']);
    assert.equal(code, 0, stderr);
    const { refused, ...found } = JSON.parse(stdout);
    assert.deepEqual(found, {
      synced: '// An agent project: it has only the package. Prints what it found as one line of JSON.\n',
      pulled: ['result'],
      read: 'two',
      listed: [
        ['a', 'file'],
        ['sub', 'directory'],
      ],
      ran: 'one',
      spawned: ['got text\n', 4],
      host: true,
      resumed: ['one', 'by an agent'],
      profile: 'default',
    });
    assert.ok(refused.startsWith(strings.sandboxStopped('').split(' ')[0] ?? ''), refused);
  });

  it('finds the types of the package', async () => {
    const compiler = join(PROJECT, 'node_modules', 'typescript', 'bin', 'tsc');
    const options = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2023', '--types', 'node'];
    const roots = ['--typeRoots', join(PROJECT, 'node_modules', '@types')];
    const { code, stdout } = await user.launch(process.execPath, [compiler, ...options, ...roots, 'agent.ts']);
    assert.equal(code, 0, stdout);
  });
});
