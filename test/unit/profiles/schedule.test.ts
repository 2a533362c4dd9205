import { strict as assert } from 'node:assert';
import { isWorkingTime, nextRefresh, scheduleProblem } from '../../../src/profiles/schedule.ts';
import { strings } from '../../../src/profiles/strings.ts';

const at = (text: string) => Date.parse(text);
const iso = (ms: number) => new Date(ms).toISOString();

describe('Warm-up schedules', () => {
  it('schedules a refresh after a number of minutes', () => {
    assert.equal(nextRefresh(30, undefined, at('2026-11-21T10:07:00Z')), at('2026-11-21T10:37:00Z'));
  });

  it('follows a cron expression in its time zone', () => {
    const nine = (after: string) => iso(nextRefresh('0 9 * * *', 'America/New_York', at(after)));
    assert.equal(nine('2026-11-21T10:00:00Z'), '2026-11-21T14:00:00.000Z');
    assert.equal(nine('2026-07-21T10:00:00Z'), '2026-07-21T13:00:00.000Z', 'in summer an hour earlier');
  });

  it("refreshes once in a repeated hour, and doesn't skip a missing one", () => {
    const next = (after: string) => iso(nextRefresh('30 2 * * *', 'Europe/Berlin', at(after)));
    // On March 29, 2026, 2:30 doesn't exist; on October 25, it happens twice.
    assert.equal(next('2026-03-28T12:00:00Z').slice(0, 10), '2026-03-29');
    const first = nextRefresh('30 2 * * *', 'Europe/Berlin', at('2026-10-24T12:00:00Z'));
    assert.equal(iso(first).slice(0, 10), '2026-10-25');
    assert.equal(iso(nextRefresh('30 2 * * *', 'Europe/Berlin', first)).slice(0, 10), '2026-10-26');
  });

  it('never refreshes if the cron expression has no match', () => {
    assert.equal(nextRefresh('0 0 30 2 *', undefined, at('2026-01-01T00:00:00Z')), Number.POSITIVE_INFINITY);
  });

  it('validates schedules', () => {
    assert.equal(scheduleProblem('*/30 * * * *', 'Europe/Berlin'), undefined);
    assert.equal(scheduleProblem('every day', undefined)?.key, 'refresh');
    assert.equal(scheduleProblem('* * * * * *', undefined)?.key, 'refresh', 'seconds would cost too much');
    assert.equal(scheduleProblem(30, 'Europe/Nowhere')?.key, 'timezone');
    for (const never of [
      '0 0 30 2 *',
      '0 0 31 4,6,9,11 *',
      '0 0 31 2 *',
      '0 0 30-31 2 *',
      '0 0 31 feb,sep *',
      '0 0 31 2 +1',
    ])
      assert.equal(scheduleProblem(never, undefined)?.message, strings.scheduleNeverComes(), never);
    for (const wrong of ['61 * * * *', '0 24 * * *', '5-1 * * * *', '*/0 * * * *', '@daily', '0 0 * * 1#6', ''])
      assert.equal(scheduleProblem(wrong, undefined)?.message, strings.schedule(), wrong);
    assert.equal(scheduleProblem('0 0 29 2 *', undefined), undefined, 'every four years');
    assert.equal(scheduleProblem('0 0 30 2 1', undefined), undefined, 'Mondays in February');
  });

  it('applies working hours in their time zone, except on weekends', () => {
    const working = (text: string) => isWorkingTime('08:00-18:00', 'Europe/Berlin', at(text));
    assert.equal(working('2026-11-20T07:30:00Z'), true);
    assert.equal(working('2026-11-20T06:59:00Z'), false);
    assert.equal(working('2026-11-20T17:00:00Z'), false);
    assert.equal(working('2026-11-21T10:00:00Z'), false, 'a Saturday');
  });

  it('counts hours that cross midnight as part of the day on which they begin', () => {
    const working = (text: string) => isWorkingTime('22:00-06:00', 'UTC', at(text));
    assert.equal(working('2026-11-20T23:00:00Z'), true, 'Friday night');
    assert.equal(working('2026-11-21T05:00:00Z'), true, 'the morning after it');
    assert.equal(working('2026-11-21T23:00:00Z'), false, 'Saturday night');
    assert.equal(working('2026-11-23T05:00:00Z'), false, 'the morning after Sunday');
    assert.equal(working('2026-11-23T22:00:00Z'), true, 'Monday night');
    assert.equal(isWorkingTime('18:00-00:00', 'UTC', at('2026-11-20T23:59:00Z')), true, 'until midnight');
    assert.equal(isWorkingTime('18:00-00:00', 'UTC', at('2026-11-21T00:00:00Z')), false);
    assert.equal(isWorkingTime('22:00-06:00', 'America/New_York', at('2026-11-21T05:00:00Z')), true, 'midnight there');
    assert.equal(working('2026-11-24T12:00:00Z'), false);
  });
});
