/**
 * Draws which folders of `src` import which, from the imports themselves: `docs/house.svg`, written by `npm run generate`.
 *
 * Folders appear in the order of `scripts/checks/import-boundary.ts`, the lowest at the bottom. An arrow that follows from
 * others (a → b → c, so a → c) is omitted.
 */
import { folderImports, ORDER } from './checks/import-boundary.ts';
import { projectFolder } from './paths.ts';

const WIDTH = 1000;
const BOX_HEIGHT = 44;
const ROW_GAP = 34;
const BOX_GAP = 12;
const MARGIN = 24;
/** With more boxes in a row, their names wouldn't fit. */
const MAX_BOXES = 9;

/** The purpose of each folder, in a few words. */
const PURPOSES: Readonly<Record<string, string>> = {
  base: 'clock, log, events, text, errors',
  modal: 'all calls to Modal, through its SDK',
  profiles: 'what a profile can specify',
  sync: 'scan, plan, push, pull',
  snapshots: 'snapshots and their records',
  images: 'the image of a profile',
  sandboxes: 'which sandbox serves which folder',
  channel: 'connections into a sandbox',
  doctor: 'checks of the whole way to a sandbox',
  run: 'one command line, from start to exit',
  ssh: 'SSH to a sandbox, without an open port',
  debug: 'debug adapters in the sandbox',
  testing: 'test frameworks in the sandbox',
  api: 'for other extensions',
  service: 'all of it without a window',
  mcp: 'the tools of agents',
  cli: 'the program `sandboxes`',
  'providers/common': 'commands, settings, progress',
  'views/common': 'stores and trees',
  'window-services.ts': 'what features are created from',
  'extension.ts': 'one line per feature',
};

interface Box {
  readonly folder: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
}

/** Returns the drawing as SVG. */
export async function drawHouse(root = projectFolder): Promise<string> {
  const imports = await folderImports(root);
  const folders = [...imports.keys()];
  const rows = ORDER.map((names) =>
    names.flatMap((name) =>
      name.endsWith('/*')
        ? folders
            .filter((folder) => folder.startsWith(name.slice(0, -1)) && !ORDER.some((row) => row.includes(folder)))
            .sort()
        : folders.filter((folder) => folder === name),
    ),
  ).flatMap(inRows);
  const height = MARGIN * 2 + rows.length * BOX_HEIGHT + (rows.length - 1) * ROW_GAP;
  const boxes = rows.flatMap((row, index) =>
    boxesOf(row, height - MARGIN - BOX_HEIGHT - index * (BOX_HEIGHT + ROW_GAP)),
  );
  const placed = new Map(boxes.map((box) => [box.folder, box]));
  const arrows = folders.flatMap((from) =>
    [...(imports.get(from) ?? [])].filter((to) => !isImplied(from, to, imports)).map((to) => arrow(from, to, placed)),
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="system-ui, sans-serif">`,
    '<title>The folders of src and their imports, from the bottom up</title>',
    '<style>',
    '  .box { fill: #eef3fb; stroke: #4a6fa5; } .edge .box { fill: #f3eefb; stroke: #7a5aa6; }',
    '  text { fill: #1b1f24; text-anchor: middle; } .name { font-size: 13px; font-weight: 600; } .purpose { font-size: 11px; }',
    '  .arrow { stroke: #8b949e; fill: none; } marker path { fill: #8b949e; }',
    '  @media (prefers-color-scheme: dark) {',
    '    .box { fill: #16243a; stroke: #6f9ad8; } .edge .box { fill: #261b3a; stroke: #a98bd8; } text { fill: #e6edf3; }',
    '  }',
    '</style>',
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">' +
      '<path d="M0 0 8 4 0 8z"/></marker></defs>',
    ...arrows,
    ...boxes.map(drawBox),
    '</svg>',
    '',
  ].join('\n');
}

/** Divides folders of the same level evenly among as many rows as they need. */
function inRows(folders: readonly string[]): string[][] {
  const count = Math.ceil(folders.length / MAX_BOXES);
  const perRow = Math.ceil(folders.length / count);
  return Array.from({ length: count }, (_, index) => folders.slice(index * perRow, (index + 1) * perRow));
}

function boxesOf(row: readonly string[], y: number): Box[] {
  const width = Math.min(300, (WIDTH - 2 * MARGIN - (row.length - 1) * BOX_GAP) / row.length);
  const start = (WIDTH - row.length * width - (row.length - 1) * BOX_GAP) / 2;
  return row.map((folder, index) => ({ folder, x: start + index * (width + BOX_GAP), y, width }));
}

/** Returns true if `from` also reaches `to` through a folder in between. */
function isImplied(from: string, to: string, imports: ReadonlyMap<string, ReadonlySet<string>>): boolean {
  const waiting = [...(imports.get(from) ?? [])].filter((folder) => folder !== to);
  const seen = new Set([from, ...waiting]);
  for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
    for (const next of imports.get(folder) ?? []) {
      if (next === to) return true;
      if (!seen.has(next)) waiting.push(next);
      seen.add(next);
    }
  }
  return false;
}

function arrow(from: string, to: string, placed: ReadonlyMap<string, Box>): string {
  const [start, end] = [placed.get(from), placed.get(to)];
  if (!start || !end) return '';
  const [x1, y1, x2, y2] = [start.x + start.width / 2, start.y + BOX_HEIGHT, end.x + end.width / 2, end.y - 2];
  const bend = (y2 - y1) / 2;
  const round = (value: number) => Math.round(value);
  return `<path class="arrow" marker-end="url(#tip)" d="M${round(x1)} ${y1}C${round(x1)} ${round(y1 + bend)} ${round(x2)} ${round(y2 - bend)} ${round(x2)} ${y2}"/>`;
}

function drawBox({ folder, x, y, width }: Box): string {
  const isEdge = /^(?:providers|views)\/|\.ts$/.test(folder);
  const purpose = PURPOSES[folder];
  const middle = Math.round(x + width / 2);
  const isTight = purpose === undefined;
  return [
    `<g${isEdge ? ' class="edge"' : ''}>`,
    `<rect class="box" x="${Math.round(x)}" y="${y}" width="${Math.round(width)}" height="${BOX_HEIGHT}" rx="6"/>`,
    ...(isTight
      ? [`${folder.split('/')[0]}/`, folder.split('/')[1] ?? ''].map((part, index) =>
          textAt(middle, y + 18 + index * 16, 'name', part),
        )
      : [textAt(middle, y + 19, 'name', folder), textAt(middle, y + 35, 'purpose', purpose)]),
    '</g>',
  ].join('');
}

function textAt(x: number, y: number, style: string, text: string): string {
  return `<text class="${style}" x="${x}" y="${y}">${text}</text>`;
}
