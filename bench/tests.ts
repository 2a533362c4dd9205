/**
 * Measures what the Test Explorer's runs cost, compared with plain pytest in the same sandbox: 5,000 tests found and run, and 200 tests
 * of 50 ms in four sandboxes instead of one. Both sides take turns.
 */
import { REMOTE_ROOT } from '../src/sync/options.ts';
import { PYTEST_FOLDER } from '../src/testing/pytest.ts';
import { splitTests } from '../src/testing/shards.ts';
import { hasPytest, NO_PYTEST } from '../test/helpers/pytest.ts';
import { testPlace } from '../test/unit/testing/test-place.ts';
import { type BenchContext, medianMs } from './row.ts';

const FILES = 50;
const SHARDS = 4;

export async function run({ quick, add }: BenchContext): Promise<void> {
  if (!hasPytest) throw new Error(NO_PYTEST);
  const place = await testPlace();
  const count = quick ? 500 : 5_000;
  const rounds = quick ? 1 : 3;
  const env = { PYTHONPATH: PYTEST_FOLDER };
  const plain = async (...args: string[]) => {
    const { output } = await place.execute(['python3', '-u', '-m', 'pytest', ...args], env);
    if (!output.includes(`${count} `)) throw new Error(output.slice(-2_000));
  };
  const ours = async (isDiscovery: boolean) => {
    const { found, ended, output } = await place.run({ isDiscovery, select: undefined });
    const seen = isDiscovery ? found.length : ended.size;
    if (seen !== count) throw new Error(`${seen} tests instead of ${count}\n${output.slice(-2_000)}`);
  };
  try {
    const test = (at: number) => `def test_${at}():\n    assert ${at} >= 0\n`;
    const text = Array.from({ length: count / FILES }, (_, at) => test(at)).join('');
    await place.write(Object.fromEntries(Array.from({ length: FILES }, (_, at) => [`tests/test_${at}.py`, text])));
    await ours(true);
    const peerFinds = await medianMs(rounds, () => plain('--collect-only'));
    const finds = await medianMs(rounds, () => ours(true));
    const found = { ours: finds, peer: peerFinds, ratio: finds / peerFinds, unit: 'ms', goal: 'at most 2' };
    add({ name: `find ${count} tests`, ...found, holds: found.ratio <= 2 });
    const peerRuns = await medianMs(rounds, () => plain());
    const runs = await medianMs(rounds, () => ours(false));
    const ran = { ours: runs, peer: peerRuns, ratio: runs / peerRuns, unit: 'ms', goal: 'at most 1.1' };
    add({ name: `run ${count} tests`, ...ran, holds: ran.ratio <= 1.1 });

    const waits =
      'import time, pytest\n@pytest.mark.parametrize("at", range(200))\ndef test_waits(at): time.sleep(0.05)\n';
    await place.write({ 'waits/test_waits.py': waits });
    const { found: all } = await place.run({ isDiscovery: true, args: [`${REMOTE_ROOT}/waits`] });
    const keys = all.map(({ key }) => key);
    const one = await medianMs(rounds, async () => void (await place.run({ select: keys })));
    const groups = splitTests(keys, SHARDS, () => undefined);
    const several = await medianMs(rounds, async () => void (await place.run({ groups })));
    const sharded = { ours: several, peer: one, ratio: several / one, unit: 'ms', goal: 'at most 0.35' };
    add({ name: `200 tests of 50 ms in ${SHARDS} sandboxes, not one`, ...sharded, holds: sharded.ratio <= 0.35 });
  } finally {
    await place.dispose();
  }
}
