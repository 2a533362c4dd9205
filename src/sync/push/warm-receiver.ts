import type { ContainerProcess, Sandbox } from 'modal';
import { untilAborted } from '../../base/cancellation.ts';
import { QUIET_MS } from '../../modal/exec.ts';
import { STATE_FOLDER } from '../rules/builtin.ts';
import { APPLY_PERL } from './apply-perl.ts';
import { APPLY_REST, APPLY_SCRIPT, parseReply, type Reply } from './apply-script.ts';

/** Larger pushes are sent as a stream. One request to Modal can carry a few megabytes. */
export const MAX_WARM_BYTES = 256 * 1024;
/** An open process keeps the sandbox from becoming idle, so it is stopped soon after the last save. */
const IDLE_MS = 60_000;
/** The sandbox stops a process whose window has closed. */
const TIMEOUT_MS = 5 * 60_000;
const MAX_REPLY_BYTES = 256 * 1024;
/** Printed on its own line after each reply. */
const END = '\u0004\n';

/**
 * Applies one push after another: with Perl, in the same process. Arguments: the apply script and the root, then what Perl needs.
 * Input for each push: a line with the number of bytes and the apply script's arguments after the root, then the bytes. `dd` reads no
 * more than it is asked to, and some versions read all of it at once.
 */
const RECEIVE_SCRIPT = `! command -v perl >/dev/null 2>&1 || exec perl -e "$3" modal-sync warm "$4" "$2"
root=$2 file=$2/${STATE_FOLDER}/warm.$$
trap 'rm -f "$file"' EXIT; trap 'exit 0' HUP INT TERM
while read -r bytes args; do
  : > "$file" || exit 1
  have=0
  ! dd bs="$bytes" count=1 iflag=fullblock 2>/dev/null >> "$file" || have=$bytes
  while [ "$have" -lt "$bytes" ]; do
    dd bs=$((bytes - have)) count=1 2>/dev/null >> "$file"
    got=$(wc -c < "$file"); [ "$got" -gt "$have" ] || exit 1
    have=$got
  done
  MODAL_SYNC_LIVE=1 sh -c "$1" modal-sync "$root" $args < "$file"
  printf '\\004\\n'
done`;

/**
 * A process kept in a sandbox that applies small pushes with one request each: the input. Its output, which carries the
 * replies, is already open. Its owner sends one push at a time.
 */
export class WarmReceiver {
  readonly #process: ContainerProcess<Uint8Array>;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #idleMs: number;
  #output = '';
  #waiting: { resolve(reply: Reply): void; reject(error: unknown): void } | undefined;
  #idle: NodeJS.Timeout | undefined;
  #isOpen = true;
  #hasWorked = false;
  /** Settles when the process has exited. */
  readonly ended: Promise<void>;

  /** Throws the SDK's errors. */
  static async start(sandbox: Sandbox, remoteRoot: string, idleMs = IDLE_MS): Promise<WarmReceiver> {
    const argv = ['sh', '-c', RECEIVE_SCRIPT, 'modal-receive', APPLY_SCRIPT, remoteRoot, APPLY_PERL, APPLY_REST];
    const process = await sandbox.exec(argv, { mode: 'binary', stderr: 'ignore', timeoutMs: TIMEOUT_MS });
    return new WarmReceiver(process, idleMs);
  }

  private constructor(process: ContainerProcess<Uint8Array>, idleMs: number) {
    this.#process = process;
    this.#writer = process.stdin.getWriter() as WritableStreamDefaultWriter<Uint8Array>;
    this.#idleMs = idleMs;
    this.ended = this.#read();
  }

  /** True while the process accepts another push. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** True if the process has ever replied. An image may lack what it needs. */
  get hasWorked(): boolean {
    return this.#hasWorked;
  }

  /** Sends one push. `args` follow the root in the apply script's arguments. Throws if no reply comes. */
  async apply(args: readonly string[], payload: Uint8Array, signal?: AbortSignal): Promise<Reply> {
    clearTimeout(this.#idle);
    const reply = new Promise<Reply>((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
    reply.catch(() => {});
    const head = Buffer.from(`${payload.length} ${args.join(' ')}\n`);
    try {
      const inTime = AbortSignal.any([AbortSignal.timeout(QUIET_MS), ...(signal ? [signal] : [])]);
      await untilAborted(this.#writer.write(Buffer.concat([head, payload])), inTime);
      return await untilAborted(reply, inTime);
    } catch (error) {
      this.close();
      throw error;
    } finally {
      this.#waiting = undefined;
      this.#idle = setTimeout(() => this.close(), this.#idleMs).unref();
    }
  }

  /** Closes the process's input, so that it exits. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    clearTimeout(this.#idle);
    void this.#process.closeStdin().catch(() => {});
  }

  async #read(): Promise<void> {
    try {
      for await (const chunk of this.#process.stdout as AsyncIterable<Uint8Array>) {
        this.#output += Buffer.from(chunk).toString('latin1');
        const end = this.#output.indexOf(END);
        if (end < 0 && this.#output.length > MAX_REPLY_BYTES) break;
        if (end < 0) continue;
        const reply = Buffer.from(this.#output.slice(0, end), 'latin1').toString();
        this.#output = this.#output.slice(end + END.length);
        this.#hasWorked = true;
        this.#waiting?.resolve(parseReply(reply));
      }
    } catch {
      // Reported below to the push that is waiting, if any.
    }
    this.close();
    this.#waiting?.reject(new Error('the process kept for saved files has exited'));
  }
}
