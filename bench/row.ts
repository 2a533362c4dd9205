/** A measurement. Times are medians. */
export interface Row {
  /** The module in this folder that took the measurement. */
  readonly suite: string;
  /** Identifies the measurement across versions, so it must not be reworded. */
  readonly name: string;
  readonly ours: number;
  /** The same work done by the peer, in the same run. */
  readonly peer?: number | undefined;
  /** Our time divided by the peer's. */
  readonly ratio?: number | undefined;
  readonly unit: string;
  /** The goal, in words. */
  readonly goal?: string | undefined;
  /** True if the goal was met. */
  readonly holds?: boolean | undefined;
  readonly note?: string | undefined;
}

export interface BenchContext {
  /** Use less data and fewer rounds, just to check that the suite works. */
  readonly quick: boolean;
  add(row: Omit<Row, 'suite'>): void;
}

export interface Suite {
  run(context: BenchContext): Promise<void>;
}

/** Returns the median time of `work`, in milliseconds. `before` isn't measured. */
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
  return median(times);
}

/** Measures both sides by turns, so that other load on the computer affects both. Returns the medians. */
export async function mediansByTurns(
  rounds: number,
  ours: () => Promise<number>,
  peer: () => Promise<number>,
): Promise<{ ours: number; peer: number }> {
  const [own, other] = [[], []] as [number[], number[]];
  for (let round = 0; round < rounds; round += 1) {
    own.push(await ours());
    other.push(await peer());
  }
  return { ours: median(own), peer: median(other) };
}

export function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] as number;
}
