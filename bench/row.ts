/** One measurement. Times are medians. */
export interface Row {
  readonly suite: string;
  readonly name: string;
  readonly ours: number;
  /** The same work by the peer, in the same run. */
  readonly peer?: number | undefined;
  readonly ratio?: number | undefined;
  readonly unit: string;
  /** What must hold, in words. */
  readonly goal?: string | undefined;
  readonly holds?: boolean | undefined;
  readonly note?: string | undefined;
}

export interface BenchContext {
  /** Smaller trees and fewer rounds, to see that it works. */
  readonly quick: boolean;
  add(row: Omit<Row, 'suite'>): void;
}

export interface Suite {
  run(context: BenchContext): Promise<void>;
}

/** The middle one of the measured times, in milliseconds. */
export async function medianMs(
  rounds: number,
  work: (round: number) => Promise<void> | void,
  before?: (round: number) => Promise<void> | void,
): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    await before?.(round);
    const startedAt = performance.now();
    await work(round);
    times.push(performance.now() - startedAt);
  }
  return times.sort((one, other) => one - other)[Math.floor(rounds / 2)] as number;
}
