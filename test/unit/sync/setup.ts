/** What most tests need. The exported names are bound to new objects for each test. */
import { join } from 'node:path';
import type { Sandbox } from 'modal';
import type { SyncEngine, SyncEngineOptions } from '../../../src/sync/engine.ts';
import { engineFor, Sandboxes } from './sandboxes.ts';
import { removeTemporary, temporaryFolder } from './temporary.ts';

/** Creates sandboxes. Shared by the tests of a `describe`. */
export let sandboxes: Sandboxes;
export let sandbox: Sandbox;
/** An empty folder. */
export let root: string;
/** The folder in which the engine stores its indexes. */
export let storageDir: string;
/** An engine for the folder that answers every question with yes by default. */
export let engine: SyncEngine;

const ended: (SyncEngine | Sandbox)[] = [];

/** Disposes an additional engine, or terminates a sandbox, after the test. */
export function ending<Ended extends SyncEngine | Sandbox>(more: Ended): Ended {
  ended.push(more);
  return more;
}

/** Sets up and cleans up for each test of the surrounding `describe`. */
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
