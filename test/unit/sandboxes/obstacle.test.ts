import { strict as assert } from 'node:assert';
import { ProfileSchema } from '../../../src/profiles/schema.ts';
import { type Circumstances, obstacleTo } from '../../../src/sandboxes/warm/pause-reason.ts';

const NOON_ON_FRIDAY = Date.parse('2026-11-20T12:00:00Z');
const NEVER_ASKED = async () => assert.fail('was asked');

/** All is well: the window is in front and in use, on mains, and nothing is spent. */
const WELL: Circumstances = {
  now: NOON_ON_FRIDAY,
  stoppedAt: undefined,
  resumedAt: NOON_ON_FRIDAY - 60_000,
  isFocused: true,
  idleMs: 0,
  pauseAfterIdleMs: 900_000,
  pauseOnBattery: false,
  isOnBattery: async () => false,
  isBudgetSpent: async () => false,
};

describe('what stands against keeping a profile warm', () => {
  const obstacle = (known: Partial<Circumstances>, warm: object = {}) => {
    const profile = ProfileSchema.parse({ warm: { timezone: 'UTC', ...warm } });
    assert.ok(profile.warm);
    return obstacleTo(profile.warm, { ...WELL, ...known });
  };
  const words = async (...args: Parameters<typeof obstacle>) => (await obstacle(...args))?.words;

  it('is nothing while the window is in front and in use', async () => {
    assert.equal(await obstacle({}), undefined);
  });

  it('is a window that is not in front, unless the profile says otherwise', async () => {
    assert.equal(await words({ isFocused: false }), 'this window is not in front');
    assert.equal(await words({ isFocused: false }, { when: 'always' }), undefined);
    assert.equal(await words({ isFocused: false }, { when: 'working-hours' }), undefined);
  });

  it('is an hour outside of the working hours of the profile’s time zone, and the weekend', async () => {
    const warm = { when: 'working-hours', workingHours: '08:00-18:00' };
    assert.equal(await words({}, warm), undefined);
    assert.equal(await words({}, { ...warm, timezone: 'Asia/Tokyo' }), 'it is outside of 08:00-18:00');
    assert.equal(await words({ now: NOON_ON_FRIDAY + 86_400_000 }, warm), 'it is outside of 08:00-18:00');
  });

  it('is a window that nobody has used for longer than the setting says; 0 is never', async () => {
    assert.equal(await words({ idleMs: 900_001 }), 'nobody has used this window for a while');
    assert.equal(await words({ idleMs: 900_000 }), undefined);
    assert.equal(await words({ idleMs: 1e9, pauseAfterIdleMs: 0 }), undefined);
    assert.equal(await words({ idleMs: -1e9 }), undefined, 'a clock that was set back');
  });

  it('is the battery, where the setting says so; it is not asked otherwise', async () => {
    const isOnBattery = async () => true;
    assert.equal(await words({ isOnBattery, pauseOnBattery: true }), 'this machine runs on its battery');
    assert.equal(await words({ isOnBattery: NEVER_ASKED }), undefined);
  });

  it('is a budget that is spent, which ends what is warm, and is asked last', async () => {
    assert.deepEqual(await obstacle({ isBudgetSpent: async () => true }), { words: 'the budget is spent', ends: true });
    assert.ok(await obstacle({ isFocused: false, isBudgetSpent: NEVER_ASKED }));
  });

  it('is Stop Everything, in whichever window, until the next run in this one', async () => {
    const stoppedAt = NOON_ON_FRIDAY - 1;
    assert.equal((await obstacle({ stoppedAt }))?.ends, true);
    assert.equal(await obstacle({ stoppedAt, resumedAt: NOON_ON_FRIDAY }), undefined);
  });
});
