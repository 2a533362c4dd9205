import { cleanLine, formatMinutes } from '../../base/text.ts';
import { formatUsd } from '../../modal/prices.ts';
import { strings } from '../strings.ts';
import type { RunRecord } from './record.ts';
import { dayOf } from './run-records.ts';

/** The profiles with colors of their own in the chart, and columns of their own in the table of days. */
const MAX_PROFILES = 5;
/** Visible on a light and on a dark background. */
const COLORS = ['#4e94ce', '#d18616', '#4fa35a', '#a371c9', '#d9605a', '#8a8a8a'];
const TEXT_COLOR = '#8a8a8a';
const CHART = { width: 760, height: 190, left: 56, top: 24, bottom: 24 } as const;

interface Sum {
  runs: number;
  durationMs: number;
  costUsd: number;
}

/** Runs that have ended, and what they cost. */
interface CountedRun {
  readonly day: string;
  readonly profile: string;
  readonly durationMs: number;
  readonly costUsd: number;
}

/** Returns a Markdown report of what the runs of a month (`2026-12`) cost, by profile and day. All numbers are estimates. */
export function costReport(records: readonly RunRecord[], month: string): string {
  const runs = records.flatMap(({ at, end }): CountedRun[] => {
    const profile = end?.profile ?? strings.noProfile();
    return end?.costUsd === undefined || !dayOf(at).startsWith(month)
      ? []
      : [{ day: dayOf(at), profile, durationMs: end.durationMs, costUsd: end.costUsd }];
  });
  const unpriced = records.filter(({ at, end }) => end?.costUsd === undefined && dayOf(at).startsWith(month)).length;
  const title = `# ${strings.costTitle(monthName(month))}`;
  const basis = ['', `## ${strings.costBasis()}`, '', ...basisLines(unpriced).map((line) => `- ${line}`), ''];
  if (runs.length === 0) return [title, '', strings.noCosts(), ...basis].join('\n');
  const total = sumOf(runs);
  const byProfile = [...Map.groupBy(runs, ({ profile }) => profile)]
    .map(([profile, own]) => ({ profile, ...sumOf(own) }))
    .sort((a, b) => b.costUsd - a.costUsd);
  const named = byProfile.slice(0, MAX_PROFILES).map(({ profile }) => profile);
  const columns = byProfile.length > MAX_PROFILES ? [...named, strings.otherProfiles()] : named;
  const columnOf = ({ profile }: CountedRun) => (named.includes(profile) ? profile : strings.otherProfiles());
  const byDay = [...Map.groupBy(runs, ({ day }) => day)].sort(([a], [b]) => (a < b ? -1 : 1));
  const costsOf = (own: readonly CountedRun[]) =>
    columns.map((column) => sumOf(own.filter((run) => columnOf(run) === column)).costUsd);
  const days = byDay.map(([day, own]) => ({ day, costs: costsOf(own), ...sumOf(own) }));
  return [
    title,
    '',
    strings.costTotal(amount(total.costUsd), total.runs, formatMinutes(total.durationMs)),
    '',
    `![${strings.costChart()}](data:image/svg+xml;base64,${Buffer.from(chart(month, days, columns)).toString('base64')})`,
    '',
    `## ${strings.byProfile()}`,
    '',
    ...table(
      [strings.costProfile(), strings.costRuns(), strings.costTime(), strings.costShare(), strings.costAmount()],
      byProfile.map(({ profile, runs: count, durationMs, costUsd }) => [
        escaped(profile),
        String(count),
        formatMinutes(durationMs),
        `${Math.round((100 * costUsd) / (total.costUsd || 1))}%`,
        amount(costUsd),
      ]),
    ),
    '',
    `## ${strings.byDay()}`,
    '',
    ...table(
      [strings.costDay(), strings.costRuns(), strings.costTime(), ...columns.map(escaped), strings.costAmount()],
      days.map(({ day, runs: count, durationMs, costs, costUsd }) => [
        day,
        String(count),
        formatMinutes(durationMs),
        ...costs.map((cost) => (cost === 0 ? '–' : amount(cost))),
        amount(costUsd),
      ]),
    ),
    ...basis,
  ].join('\n');
}

/** Returns a month's name, such as `December 2026`. */
export function monthName(month: string): string {
  return new Date(`${month}-01T00:00`).toLocaleDateString([], { year: 'numeric', month: 'long' });
}

function basisLines(unpriced: number): string[] {
  return [
    strings.costOfRun(),
    strings.costMissing(),
    ...(unpriced > 0 ? [strings.costUnpriced(unpriced)] : []),
    strings.costOfModal('[modal.com/settings/usage](https://modal.com/settings/usage)'),
  ];
}

function sumOf(runs: readonly CountedRun[]): Sum {
  const sum: Sum = { runs: runs.length, durationMs: 0, costUsd: 0 };
  for (const { durationMs, costUsd } of runs) {
    sum.durationMs += durationMs;
    sum.costUsd += costUsd;
  }
  return sum;
}

/** Returns the lines of a table whose columns are right-aligned, except for the first. */
function table(headers: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(headers), line(headers.map((_, at) => (at === 0 ? '---' : '---:'))), ...rows.map(line)];
}

/** Formats an amount with cents, so that the numbers of a column align, unless it has none. */
function amount(usd: number): string {
  return usd >= 0.01 ? `$${usd.toFixed(2)}` : formatUsd(usd);
}

/** Escapes a name of the user for Markdown. */
function escaped(text: string): string {
  return cleanLine(text, 60).replaceAll(/[\\`*_{}[\]()#+!|<>&~]/g, '\\$&');
}

interface Day {
  readonly day: string;
  /** By column. */
  readonly costs: readonly number[];
  readonly costUsd: number;
}

/** Returns an SVG image with a bar for each day of the month. Its text must be visible in light and dark themes. */
function chart(month: string, days: readonly Day[], columns: readonly string[]): string {
  const { width, height, left, top, bottom } = CHART;
  const [year = 0, number = 0] = month.split('-').map(Number);
  const count = new Date(year, number, 0).getDate();
  const most = Math.max(...days.map(({ costUsd }) => costUsd)) || 1;
  const step = (width - left) / count;
  const scale = (height - top - bottom) / most;
  const base = height - bottom;
  const text = (x: number, y: number, content: string, anchor = 'middle') =>
    `<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}">${xml(content)}</text>`;
  const bars = days.flatMap(({ day, costs }) => {
    const x = left + (Number(day.slice(8)) - 1) * step;
    let y = base;
    return costs.map((cost, at) => {
      y -= cost * scale;
      return `<rect x="${round(x + step * 0.15)}" y="${round(y)}" width="${round(step * 0.7)}" height="${round(cost * scale)}" fill="${COLORS[at]}"/>`;
    });
  });
  const labels = Array.from({ length: count }, (_, at) =>
    at % 5 === 0 ? text(left + (at + 0.5) * step, height - 6, String(at + 1)) : '',
  );
  const grid = [0, 0.5, 1].flatMap((share) => {
    const y = base - share * most * scale;
    return [
      `<line x1="${left}" y1="${round(y)}" x2="${width}" y2="${round(y)}" stroke="${TEXT_COLOR}" stroke-opacity="0.35"/>`,
      text(left - 6, y + 4, amount(share * most), 'end'),
    ];
  });
  let x = left;
  const legend = columns.flatMap((column, at) => {
    const name = cleanLine(column, 24);
    const parts = [
      `<rect x="${x}" y="4" width="10" height="10" fill="${COLORS[at]}"/>`,
      text(x + 14, 13, name, 'start'),
    ];
    x += 30 + name.length * 7;
    return parts;
  });
  const style = `font-family="sans-serif" font-size="11" fill="${TEXT_COLOR}"`;
  const parts = [...grid, ...bars, ...labels, ...legend].join('');
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" ${style}>${parts}</svg>`;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

function xml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
