/**
 * Pipes for the stdio of commands. Node uses sockets, which programs cannot reopen as `/dev/stdout`; these are real pipes.
 * Node cannot create pipes, so a Perl process creates them in batches, and this process opens them through `/proc` before
 * the Perl process closes them. Without Perl or `/proc`, named FIFOs are used instead. (A program that reopens `/dev/stdin`
 * after its end hangs on a FIFO.)
 */
import { once } from 'node:events';
import { closeSync, constants, existsSync, openSync, unlinkSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { runHelper, spawnHelper } from '../isolation/helpers.ts';

/** The number of pipes to create at once. A command needs one from this process and two to it. */
const BATCH = { fromUs: 16, toUs: 32 };
/** New ones are created when fewer are left, so that a command that must start at once, such as to stop another, needn't wait. */
const RESERVE = { fromUs: 8, toUs: 16 };
const { O_RDONLY, O_WRONLY, O_NONBLOCK } = constants;

/** The two ends of a pipe, as file descriptors. Only the end of this process (`ours`) is non-blocking. */
export interface PipeEnds {
  readonly ours: number;
  readonly theirs: number;
}

type Direction = keyof typeof BATCH;

const HOLDER_SCRIPT = `
my @held; $| = 1;
for (1 .. $ARGV[0]) { pipe(my $r, my $w) or die "$!"; push @held, $r, $w; print fileno $r, ' ', fileno $w, "\\n" }
my $wait = <STDIN>;
`;

export class Pipes {
  readonly #folder: string;
  readonly #stock: Record<Direction, PipeEnds[]> = { fromUs: [], toUs: [] };
  #fifoCount = 0;
  #creating: Promise<void> | undefined;

  /** `folder` is where FIFOs exist for a moment. It is created if needed. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Returns a pipe that this process reads from. */
  toUs(): Promise<PipeEnds> {
    return this.#take('toUs');
  }

  /** Returns a pipe that this process writes to. */
  fromUs(): Promise<PipeEnds> {
    return this.#take('fromUs');
  }

  async #take(direction: Direction): Promise<PipeEnds> {
    for (;;) {
      const ends = this.#stock[direction].pop();
      // An error is reported by what has to wait.
      if (this.#stock[direction].length < RESERVE[direction]) this.#refill().catch(() => {});
      if (ends) return ends;
      await this.#refill();
    }
  }

  #refill(): Promise<void> {
    this.#creating ??= this.#create().finally(() => {
      this.#creating = undefined;
    });
    return this.#creating;
  }

  #create(): Promise<void> {
    return existsSync('/usr/bin/perl') && existsSync('/proc/self/fd') ? this.#createPipes() : this.#createFifos();
  }

  async #createPipes(): Promise<void> {
    const count = BATCH.fromUs + BATCH.toUs;
    const child = spawnHelper('perl', ['-e', HOLDER_SCRIPT, String(count)]);
    let opened = 0;
    for await (const line of createInterface({ input: child.stdout })) {
      const [reading, writing] = line.split(' ').map((fd) => `/proc/${child.pid}/fd/${fd}`);
      if (reading && writing) this.#open(opened < BATCH.fromUs ? 'fromUs' : 'toUs', reading, writing);
      if (++opened === count) child.stdin.end();
    }
    // As long as the process runs, its copies of the ends keep the pipes open.
    if (child.exitCode === null) await once(child, 'exit');
    if (child.exitCode !== 0) throw new Error(`Could not create pipes: Perl exited with code ${child.exitCode}`);
  }

  async #createFifos(): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    const count = BATCH.fromUs + BATCH.toUs;
    const names = Array.from({ length: count }, () => join(this.#folder, `${process.pid}-${this.#fifoCount++}`));
    await runHelper('mkfifo', ['-m', '600', ...names]);
    for (const [index, name] of names.entries()) {
      // A FIFO can be opened for writing only if it has a reader, and for blocking reads only if it has a writer.
      const opener = openSync(name, O_RDONLY | O_NONBLOCK);
      const holding = openSync(name, O_WRONLY);
      this.#open(index < BATCH.fromUs ? 'fromUs' : 'toUs', name, name);
      closeSync(opener);
      closeSync(holding);
      unlinkSync(name);
    }
  }

  #open(direction: Direction, reading: string, writing: string): void {
    const toUs = direction === 'toUs';
    const reader = openSync(reading, toUs ? O_RDONLY | O_NONBLOCK : O_RDONLY);
    const writer = openSync(writing, toUs ? O_WRONLY : O_WRONLY | O_NONBLOCK);
    this.#stock[direction].push(toUs ? { ours: reader, theirs: writer } : { ours: writer, theirs: reader });
  }
}
