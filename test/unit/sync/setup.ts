/** What most tests work with. Each test has its own, which these names stand for while it runs. */
import { join } from 'node:path';
import type { Sandbox } from 'modal';
import type { SyncEngine, SyncEngineOptions } from '../../../src/sync/engine.ts';
import { engineFor, Sandboxes } from './sandboxes.ts';
import { removeTemporary, temporaryFolder } from './temporary.ts';

/** Where its sandboxes are made; the same for the tests of a `describe`. */
export let sandboxes: Sandboxes;
export let sandbox: Sandbox;
/** An empty folder. */
export let root: string;
/** Where the engine keeps its indexes. */
export let storageDir: string;
/** An engine for the folder, which agrees to everything unless told otherwise. */
export let engine: SyncEngine;

const ended: (SyncEngine | Sandbox)[] = [];

/** Ends one more engine or sandbox after the test. */
export function ending<Ended extends SyncEngine | Sandbox>(more: Ended): Ended {
  ended.push(more);
  return more;
}

/** In a `describe`: makes a setup for each of its tests, and tidies up behind it. */
export function withEach(
  prepare: () => void | Promise<void> = () => {},
  optionsOf: () => Partial<SyncEngineOptions> = () => ({}),
): void {
  before(async () => {
    sandboxes = await Sandboxes.start();
  });
  after(async () => {
    await sandboxes.stop();
    removeTemporary();
  });
  beforeEach(async () => {
    sandbox = ending(await sandboxes.create());
    root = temporaryFolder();
    storageDir = join(temporaryFolder(), 'storage');
    engine = ending(engineFor(root, { storageDir, ...optionsOf() }));
    await prepare();
  });
  afterEach(async () => {
    await sandboxes.server.control.clearFaults();
    for (const each of ended.splice(0)) await ('dispose' in each ? each.dispose() : each.terminate());
  });
}
