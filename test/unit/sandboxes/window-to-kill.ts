/**
 * A process for tests to kill in the middle of its work: `push URL FOLDER SANDBOX`, `setup URL FOLDER`, or
 * `hold OPTIONS`, which starts a sandbox and prints its ID, or `detach OPTIONS LINE`, which prints what the line prints, or
 * `keep OPTIONS LINE`, which prints “kept” once the line outlives it.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from '../../../src/modal/client.ts';
import { FolderSyncs } from '../../../src/sandboxes/folder-syncs.ts';
import { accountOf, sessionsOf, starterOf } from '../../helpers/sessions.ts';
import { TestWindow, type WindowOptions } from '../../helpers/window.ts';

const [work, url = '', path = '', sandboxId = ''] = process.argv.slice(2);
const account = accountOf({ url });
const folder = { name: 'folder', path };
if (work === 'push') {
  const storageDir = () => join(path, '..', 'storage');
  const syncs = new FolderSyncs({ storageDir, rules: () => ({}), isLocal: () => true });
  const sandbox = await (await connect(account)).sandboxes.fromId(sandboxId);
  await syncs.of(folder).push(sandbox, { ask: () => true });
} else if (work === 'hold') {
  const window = new TestWindow(JSON.parse(url) as WindowOptions);
  await window.machine.join();
  const { sandbox } = await window.sessions.acquire(window.folder);
  console.log(sandbox.sandboxId);
  setInterval(() => {}, 60_000);
} else if (work === 'detach') {
  const window = new TestWindow(JSON.parse(url) as WindowOptions);
  await window.machine.join();
  const { run, shown } = window.startDetached(path, { env: { API_KEY: 'planted-in-task' } });
  setInterval(() => console.log(shown()), 100);
  await run.done;
} else if (work === 'keep') {
  const window = new TestWindow(JSON.parse(url) as WindowOptions);
  await window.machine.join();
  const { run, shown } = window.startDetached(path, { detach: false, pty: true, sync: true });
  while (!shown().includes('line 1')) await sleep(50);
  if (await run.keep()) console.log('kept');
  await run.done;
} else {
  const setup = { commands: ['echo started; tail -f /dev/null'] };
  const profile = { image: 'python:3.13-slim', hostVolume: false, setup };
  await sessionsOf(
    starterOf(() => account),
    profile,
  ).acquire(folder);
}
