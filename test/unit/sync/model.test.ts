import { World } from './model-world.ts';
import { Sandboxes } from './sandboxes.ts';
import { removeTemporary } from './temporary.ts';

/** Set these variables for a longer run: `MODEL_SEEDS=50 MODEL_STEPS=1000 MODEL_FIRST=100`. */
const SEEDS = Number(process.env.MODEL_SEEDS ?? 2);
const STEPS = Number(process.env.MODEL_STEPS ?? 50);
const FIRST = Number(process.env.MODEL_FIRST ?? 1);

describe('The sync model', () => {
  let sandboxes: Sandboxes;

  before(async () => {
    sandboxes = await Sandboxes.start();
  });
  after(async () => {
    await sandboxes.stop();
    removeTemporary();
  });

  for (let seed = FIRST; seed < FIRST + SEEDS; seed += 1)
    it(`keeps both sides equal for ${STEPS} random steps of seed ${seed}`, async function () {
      this.timeout(STEPS * 5000);
      const world = await World.create(seed, sandboxes);
      try {
        for (let step = 0; step < STEPS; step += 1) await world.step();
      } catch (error) {
        throw new Error(
          `${error instanceof Error ? error.message : error}\nsteps:\n${world.log.slice(-25).join('\n')}`,
          { cause: error },
        );
      } finally {
        await world.end();
      }
    });
});
