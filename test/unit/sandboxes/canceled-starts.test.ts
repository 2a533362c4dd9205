import assert from 'node:assert/strict';
import type { Sessions } from '../../../src/sandboxes/sessions.ts';
import { type RunningLocalModal, startLocalModal } from '../../helpers/local-modal.ts';
import { accountOf, sessionsOf, starterOf } from '../../helpers/sessions.ts';
import { waitFor } from '../../helpers/wait-for.ts';

describe('A start that waits for its GPU', () => {
  const folder = { name: 'folder', path: '/folder' };
  let server: RunningLocalModal;
  let sessions: Sessions;

  before(async () => {
    server = await startLocalModal();
  });
  after(() => server.stop());
  beforeEach(async () => {
    await server.control.set({ unavailableGpus: ['H100'] });
    const starter = starterOf(() => accountOf(server));
    sessions = sessionsOf(starter, { image: 'debian:12-slim', gpu: 'H100', hostVolume: false });
  });
  afterEach(() => sessions.dispose());

  const ids = async () => (await server.control.running()).sandboxes.map(({ id }) => id);
  const hasCount = (count: number) =>
    waitFor(`${count} sandboxes to be left`, 20_000, ids, (found) => found.length === count);

  it('is canceled with the only run that waits for it, and the next run starts another sandbox', async () => {
    const canceling = new AbortController();
    const refused = assert.rejects(sessions.acquire(folder, 'a', canceling.signal), { name: 'AbortError' });
    const [first] = await hasCount(1);
    canceling.abort();
    await refused;
    assert.deepEqual(sessions.profilesOf(folder), []);
    await hasCount(0);
    await server.control.set({ unavailableGpus: [] });
    const { sandbox, isNew } = await sessions.acquire(folder, 'a');
    assert.ok(isNew && sandbox.sandboxId !== first);
  });

  it('continues if another run waits for it', async () => {
    const canceling = new AbortController();
    const refused = assert.rejects(sessions.acquire(folder, 'a', canceling.signal), { name: 'AbortError' });
    const other = sessions.acquire(folder, 'a');
    const [id] = await hasCount(1);
    canceling.abort();
    await refused;
    await server.control.set({ unavailableGpus: [] });
    assert.equal((await other).sandbox.sandboxId, id);
  });

  it('ends with its sandbox when the window closes', async () => {
    const refused = assert.rejects(sessions.acquire(folder, 'a'), { name: 'AbortError' });
    await hasCount(1);
    await sessions.dispose();
    assert.deepEqual(await ids(), []);
    await refused;
  });
});
