/** Starts Local Modal with thousands of stopped sandboxes, without having to run them. */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type RunningLocalModal, startLocalModal } from './local-modal.ts';

/** Starts a server in `dataDir` whose app has `count` sandboxes that stopped in the last hour. */
export async function startWithEndedSandboxes(
  dataDir: string,
  appName: string,
  count: number,
): Promise<RunningLocalModal> {
  const first = await startLocalModal({ dataDir });
  const modal = first.client();
  const { appId } = await modal.apps.fromName(appName, { createIfMissing: true });
  await first.stop();
  const file = path.join(dataDir, 'state.json');
  const state = JSON.parse(await readFile(file, 'utf8'));
  const environment = state.apps[appId].environment as string;
  const now = Date.now() / 1000;
  for (let n = 0; n < count; n++) {
    const id = `sb-${String(n).padStart(26, '0')}`;
    state.sandboxes[id] = {
      id,
      taskId: `ta-${n}`,
      version: 2,
      appId,
      environment,
      name: `s${n}`,
      tags: { number: String(n) },
      imageId: 'im-none',
      createdAt: now - 3600 + n / 10_000,
      startedAt: now - 3600,
      finishedAt: now - 1,
      result: { status: 3, exitcode: 137, exception: '' },
      timeoutSecs: 7200,
      regions: [],
      gpuType: '',
      milliCpu: 0,
      memoryMb: 0,
    };
  }
  await writeFile(file, JSON.stringify(state));
  return startLocalModal({ dataDir });
}
