import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { APPLY_SCRIPT, parseReply } from '../src/sync/push/apply-script.ts';
import { Core } from '../src/sync/worker/core.ts';

/** Pushes without a network: with the engine's core, a pipe, and the shell script that a sandbox runs. */
export class PipeSync {
  readonly #core: Core;
  readonly #remoteRoot: string;

  constructor(root: string, storageDir: string, remoteRoot: string) {
    this.#core = new Core({ root, storageDir, remoteRoot, rules: {} });
    this.#remoteRoot = remoteRoot;
  }

  /** Throws if the script fails. */
  async push(): Promise<void> {
    const plan = this.#core.prepare({ sandboxId: 'pipe', fresh: true });
    if (plan.isEmpty && !plan.isFirst) return;
    const { next, accept } = this.#core.open('pipe');
    const child = spawn('sh', ['-c', APPLY_SCRIPT, 'modal-sync', this.#remoteRoot, next, '0', ...accept]);
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    child.stdin.write('raw\n');
    const piece = () => this.#core.next('pipe', next, 'raw').bytes;
    for (let bytes = piece(); bytes; bytes = piece()) if (!child.stdin.write(bytes)) await once(child.stdin, 'drain');
    child.stdin.end();
    await once(child, 'close');
    if (parseReply(output).kind !== 'ok') throw new Error(output);
    this.#core.commit('pipe');
  }
}
