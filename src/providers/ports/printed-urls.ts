import { stripVTControlCharacters } from 'node:util';
import type { RunOutputEvent } from '../../api/api.ts';
import { Emitter, type Event } from '../../base/events.ts';
import type { RunningCommands } from '../../run/running-commands.ts';
import { findLocalUrls, type LocalUrl } from './local-urls.ts';

/** The length of an unfinished line that is kept, which may end in the beginning of a URL. */
const MAX_LINE_CHARS = 2_000;
/** The number of runs whose output is kept until they are known to run. */
const MAX_WAITING = 20;

/** The URLs of `localhost` that programs in sandboxes have printed. */
export class PrintedUrls {
  readonly #commands: RunningCommands;
  /** The text of each run that wasn't read yet: its last line, or what came before the run was known to run. */
  readonly #unread = new Map<string, string>();
  /** By sandbox ID and port. The latest URL of a port counts. */
  readonly #urls = new Map<string, Map<number, LocalUrl>>();
  readonly #didPrint = new Emitter<string>();
  /** Fires with the sandbox's ID when a port is printed for the first time. */
  readonly onDidPrint: Event<string> = this.#didPrint.event;

  constructor(commands: RunningCommands) {
    this.#commands = commands;
    commands.onDidChange(() => {
      for (const { runId } of commands.all) if (this.#unread.has(runId)) this.read({ runId, data: '' });
    });
  }

  /** Reads what a run shows in its terminal. */
  read({ runId, data }: RunOutputEvent): void {
    const text = `${this.#unread.get(runId) ?? ''}${data}`;
    const command = this.#commands.all.find((each) => each.runId === runId);
    const lineStart = command ? text.lastIndexOf('\n') + 1 : 0;
    this.#unread.delete(runId);
    this.#unread.set(runId, text.slice(Math.max(lineStart, text.length - MAX_LINE_CHARS)));
    if (this.#unread.size > MAX_WAITING) this.#forgetOne();
    if (!command || !/https?:/i.test(text)) return;
    const known = this.#urls.get(command.sandboxId) ?? new Map<number, LocalUrl>();
    this.#urls.set(command.sandboxId, known);
    for (const url of findLocalUrls(stripVTControlCharacters(text))) {
      const isNew = !known.has(url.port);
      known.set(url.port, url);
      if (isNew) this.#didPrint.fire(command.sandboxId);
    }
  }

  of(sandboxId: string, port: number): LocalUrl | undefined {
    return this.#urls.get(sandboxId)?.get(port);
  }

  /** Returns the sandbox in which a port was printed, the latest one if it was in several. */
  sandboxOf(port: number): string | undefined {
    return [...this.#urls].findLast(([, urls]) => urls.has(port))?.[0];
  }

  forget(sandboxId: string): void {
    this.#urls.delete(sandboxId);
  }

  /** Forgets the text of the run that has been silent for the longest time. */
  #forgetOne(): void {
    const [oldest] = this.#unread.keys();
    if (oldest !== undefined) this.#unread.delete(oldest);
  }
}
