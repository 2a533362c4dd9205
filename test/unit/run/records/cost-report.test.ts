import assert from 'node:assert/strict';
import { costReport } from '../../../../src/run/records/cost-report.ts';
import type { RunRecord } from '../../../../src/run/records/record.ts';

describe("The report of a month's cost", () => {
  const run = (day: string, profile: string | undefined, costUsd: number | undefined): RunRecord =>
    ({
      at: new Date(`${day}T12:00`).getTime(),
      end: { durationMs: 90 * 60_000, profile, costUsd },
    }) as unknown as RunRecord;
  const rows = (report: string, heading: string) =>
    (report.split(`## ${heading}\n\n`)[1] ?? '')
      .split('\n\n')[0]
      ?.split('\n')
      .slice(2)
      .map((line) =>
        line
          .split(/(?<!\\)\|/)
          .map((cell) => cell.trim())
          .slice(1, -1),
      );

  it('adds up what each profile and each day of the month cost, and says what is missing', () => {
    const records = [
      run('2026-12-01', 'gpu', 3),
      run('2026-12-01', 'default', 0.25),
      run('2026-12-31', 'gpu', 0.5),
      run('2026-12-02', 'default', undefined),
      run('2026-11-30', 'gpu', 100),
      { ...run('2026-12-03', 'gpu', 1), end: undefined },
    ];
    const report = costReport(records, '2026-12');
    assert.match(report, /^# Cost of runs in December 2026\n\nAbout \*\*\$3\.75\*\* for 3 runs of .+ \(estimated\)/);
    assert.deepEqual(
      rows(report, 'By profile')?.map(([profile, runs, , share, cost]) => [profile, runs, share, cost]),
      [
        ['gpu', '2', '93%', '$3.50'],
        ['default', '1', '7%', '$0.25'],
      ],
    );
    assert.deepEqual(
      rows(report, 'By day')?.map(([day, runs, , ...costs]) => [day, runs, ...costs]),
      [
        ['2026-12-01', '2', '$3.00', '$0.25', '$3.25'],
        ['2026-12-31', '1', '$0.50', '–', '$0.50'],
      ],
    );
    assert.match(report, /2 runs without a price/);
    const [, image = ''] = /data:image\/svg\+xml;base64,([A-Za-z0-9+/=]+)\)/.exec(report) ?? [];
    const svg = Buffer.from(image, 'base64').toString();
    assert.match(svg, /^<svg [^>]+>.*<\/svg>$/);
    assert.doesNotMatch(svg, /NaN|undefined|Infinity/);
  });

  it('merges the cheapest of many profiles, and shows names as they are', () => {
    const names = ['a|b', '<img>', '[x](command:y)', 'd', 'e', 'f', 'g'];
    const report = costReport(
      names.map((name, at) => run('2026-12-05', name, 10 - at)),
      '2026-12',
    );
    assert.equal(rows(report, 'By profile')?.length, 7);
    assert.deepEqual(rows(report, 'By day')?.[0]?.slice(3), [
      '$10.00',
      '$9.00',
      '$8.00',
      '$7.00',
      '$6.00',
      '$9.00',
      '$49.00',
    ]);
    assert.match(report, /\| a\\\|b \|/);
    assert.match(report, /\\\[x\\\] \\\(command:y\\\)/);
    assert.doesNotMatch(report.replace(/\(data:[^)]+\)/, ''), /[^\\]<img/);
  });

  it('says so if no run had a price', () => {
    assert.match(costReport([run('2026-12-01', 'default', undefined)], '2026-12'), /No run of this month/);
  });
});
