import { type FSWatcher, watch } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { type Disposable, Emitter, type Event } from '../../base/events.ts';
import { logError } from '../../base/log.ts';
import { HEARTBEAT_INTERVAL_MS } from '../../run/control.ts';
import { openConnections, type SshConnection } from '../../ssh/connections.ts';
import type { SshFolder } from '../../ssh/hosts.ts';

/** The open SSH connections of this user, which any program may have started. */
export class SshConnections implements Disposable {
  readonly #folder: SshFolder;
  readonly #noteUse: (sandboxId: string) => Promise<void>;
  readonly #didChange = new Emitter<void>();
  #open: readonly SshConnection[] = [];
  #watcher: FSWatcher | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isDisposed = false;
  /** Fires when a connection was made or has ended. */
  readonly onDidChange: Event<void> = this.#didChange.event;

  constructor(folder: SshFolder, noteUse: (sandboxId: string) => Promise<void>) {
    this.#folder = folder;
    this.#noteUse = noteUse;
  }

  /** The connections into a sandbox. */
  in(sandboxId: string): readonly SshConnection[] {
    return this.#open.filter((each) => each.sandboxId === sandboxId);
  }

  async watch(): Promise<void> {
    const path = this.#folder.connections();
    await mkdir(path, { recursive: true, mode: 0o700 });
    if (this.#isDisposed) return;
    const read = () => void this.#read().catch(logError);
    this.#watcher = watch(path, read).on('error', logError);
    // A relay that was killed changes no file.
    this.#timer = setInterval(read, HEARTBEAT_INTERVAL_MS);
    read();
  }

  dispose(): void {
    this.#isDisposed = true;
    this.#watcher?.close();
    clearInterval(this.#timer);
  }

  async #read(): Promise<void> {
    const before = JSON.stringify(this.#open);
    this.#open = await openConnections(this.#folder);
    if (JSON.stringify(this.#open) !== before) this.#didChange.fire();
    for (const sandboxId of new Set(this.#open.map((each) => each.sandboxId))) await this.#noteUse(sandboxId);
  }
}
