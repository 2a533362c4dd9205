import assert from 'node:assert/strict';
import type { Sandbox } from 'modal';
import { describeStart } from '../../../src/run/session-start.ts';
import { strings } from '../../../src/run/strings.ts';
import type { Session } from '../../../src/sandboxes/session.ts';

const session: Session = {
  folder: { name: 'f', path: '/f' },
  sandbox: { sandboxId: 'sb-1' } as Sandbox,
  pull: [],
  profile: 'p',
  accountLabel: 'Test',
  accountId: 'test',
  isBilled: false,
  isNew: false,
  isOutdated: false,
};
const started = strings.startedSandbox('sb-1', 'Test', '1 s');

describe('The lines with which a run begins', () => {
  it('are none for a sandbox that is running already', () => {
    assert.deepEqual(describeStart(session, '1 s'), []);
  });

  it('say from when a sandbox was resumed', () => {
    const resumption = { savedAt: Date.now() - 2 * 3_600_000 - 1_000, fromId: 'sb-0' };
    const lines = describeStart({ ...session, taken: 'resumed', resumption, refusedEnvFile: '.env' }, '1 s');
    assert.deepEqual(lines, [strings.resumedSandbox('2 hours ago', 'sb-1', '1 s'), strings.withoutEnvFile('.env')]);
  });

  for (const [refusal, reason] of [
    ['profile', strings.freshBecauseProfile('p')],
    ['image', strings.freshBecauseImage()],
    ['lost', strings.freshBecauseLost()],
    ['refused', strings.freshBecauseRefused()],
  ] as const)
    it(`say why a sandbox starts without kept files: ${refusal}`, () => {
      assert.deepEqual(describeStart({ ...session, isNew: true, resumption: { refusal } }, '1 s'), [reason, started]);
    });
});
