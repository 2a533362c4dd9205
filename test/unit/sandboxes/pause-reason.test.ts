import { strict as assert } from 'node:assert';
import { ProfileSchema } from '../../../src/profiles/schema.ts';
import { strings } from '../../../src/sandboxes/strings.ts';
import { pauseReasonFor, type WarmConditions } from '../../../src/sandboxes/warm/pause-reason.ts';

const NOON_ON_FRIDAY = Date.parse('2026-11-20T12:00:00Z');
const NEVER_ASKED = async () => assert.fail('was asked');

/** The window has focus and is in use, the computer is plugged in, and nothing has been spent. */
const FINE: WarmConditions = {
  isAllowed: async () => true,
  now: NOON_ON_FRIDAY,
  isStopped: false,
  isFocused: true,
  idleMs: 0,
  pauseAfterIdleMs: 900_000,
  pauseOnBattery: false,
  isOnBattery: async () => false,
  isBudgetSpent: async () => false,
};

describe('pauseReasonFor', () => {
  const reason = (conditions: Partial<WarmConditions>, warm: object = {}) => {
    const profile = ProfileSchema.parse({ warm: { timezone: 'UTC', ...warm } });
    assert.ok(profile.warm);
    return pauseReasonFor(profile.warm, { ...FINE, ...conditions });
  };
  const text = async (...args: Parameters<typeof reason>) => (await reason(...args))?.text;

  it('finds no reason while the window has focus and is in use', async () => {
    assert.equal(await reason({}), undefined);
  });

  it('pauses until the user has allowed what the profile causes, before anything else is found out', async () => {
    const found = await reason({ isAllowed: async () => false, isBudgetSpent: NEVER_ASKED, isOnBattery: NEVER_ASKED });
    assert.deepEqual(found, { text: strings.pausedUntilAllowed(), stopsSandboxes: true, needsPermission: true });
  });

  it('pauses while the window has no focus, unless the profile says otherwise', async () => {
    assert.equal(await text({ isFocused: false }), strings.pausedWithoutFocus());
    assert.equal(await text({ isFocused: false }, { when: 'always' }), undefined);
    assert.equal(await text({ isFocused: false }, { when: 'working-hours' }), undefined);
  });

  it("pauses outside working hours in the profile's time zone, and on weekends", async () => {
    const warm = { when: 'working-hours', workingHours: '08:00-18:00' };
    const outside = strings.pausedOutsideWorkingHours('08:00-18:00');
    assert.equal(await text({}, warm), undefined);
    assert.equal(await text({}, { ...warm, timezone: 'Asia/Tokyo' }), outside);
    assert.equal(await text({ now: NOON_ON_FRIDAY + 86_400_000 }, warm), outside);
  });

  it('pauses after the configured time of inactivity, and never if that is 0', async () => {
    assert.equal(await text({ idleMs: 900_001 }), strings.pausedByInactivity());
    assert.equal(await text({ idleMs: 900_000 }), undefined);
    assert.equal(await text({ idleMs: 1e9, pauseAfterIdleMs: 0 }), undefined);
    assert.equal(await text({ idleMs: -1e9 }), undefined, 'the clock was set back');
  });

  it("pauses on battery power if configured, and doesn't check the battery otherwise", async () => {
    const isOnBattery = async () => true;
    assert.equal(await text({ isOnBattery, pauseOnBattery: true }), strings.pausedOnBattery());
    assert.equal(await text({ isOnBattery: NEVER_ASKED }), undefined);
  });

  it('pauses and stops sandboxes once the budget is spent, which it checks last', async () => {
    assert.deepEqual(await reason({ isBudgetSpent: async () => true }), {
      text: strings.pausedByBudget(),
      stopsSandboxes: true,
    });
    assert.ok(await reason({ isFocused: false, isBudgetSpent: NEVER_ASKED }));
  });

  it('pauses and stops sandboxes after everything was stopped', async () => {
    assert.equal((await reason({ isStopped: true }))?.stopsSandboxes, true);
  });
});
