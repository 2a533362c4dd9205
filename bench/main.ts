/**
 * `npm run bench -- [SUITE…] [--json FILE] [--quick]`: runs the given suites, or all of them, and prints their rows.
 * `--json` also writes the rows to a file. Exits with 1 if a goal was missed.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { Row, Suite } from './row.ts';

const suites: Readonly<Record<string, () => Promise<Suite>>> = {
  gvisor: () => import('./gvisor.ts'),
  channel: () => import('./channel.ts'),
  local: () => import('./local.ts'),
  run: () => import('./run.ts'),
  service: () => import('./service.ts'),
  sync: () => import('./sync.ts'),
  tests: () => import('./tests.ts'),
  views: () => import('./views.ts'),
  warm: () => import('./warm.ts'),
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'string' }, quick: { type: 'boolean', default: false } },
});
const unknown = positionals.find((name) => !suites[name]);
if (unknown !== undefined)
  throw new Error(`Unknown suite “${unknown}”. The suites are ${Object.keys(suites).join(', ')}.`);
const rows: Row[] = [];
for (const name of positionals.length > 0 ? positionals : Object.keys(suites)) {
  const suite = await suites[name]?.();
  await suite?.run({
    quick: values.quick,
    add: (row) => {
      rows.push({ suite: name, ...row });
      console.log(lineOf(row));
    },
  });
}
if (values.json) writeFileSync(values.json, `${JSON.stringify(rows, undefined, 2)}\n`);
process.exit(rows.some(({ holds }) => holds === false) ? 1 : 0);

function lineOf({ name, ours, peer, ratio, unit, goal, holds, note }: Omit<Row, 'suite'>): string {
  const shown = [
    name.padEnd(44),
    `${round(ours)} ${unit}`.padStart(14),
    peer === undefined ? '' : `peer ${round(peer)}`.padStart(14),
    ratio === undefined ? '' : `ratio ${ratio.toFixed(2)}`,
    goal ? `goal ${goal}${holds ? '' : ' (MISSED)'}` : '',
    note ?? '',
  ];
  return shown.filter((part) => part !== '').join('  ');
}

function round(value: number): string {
  return value >= 100 ? String(Math.round(value)) : value.toFixed(1);
}
