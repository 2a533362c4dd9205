/**
 * A reporter for Node.js's test runner that says how each test ends, as `events.ts` describes. It's a module that is loaded from
 * its own address. In place of `OPTIONS` are its options.
 */
export const NODE_REPORTER = String.raw`import { appendFileSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
const { root, events, isFiltered } = OPTIONS;
const CHARS = 32768, FRAMES = 50, NAME = 5000;
const isOld = Number(process.versions.node.split('.')[0]) < 22;

const shortened = (text, limit = CHARS) =>
  text.length <= limit ? text : text.slice(0, limit / 2) + '\n…\n' + text.slice(-limit / 2);
const say = (kind, fields) => {
  const line = '\x1e' + JSON.stringify({ kind, ...fields }) + '\n';
  if (!events) return line;
  appendFileSync(events, line);
  return '';
};
const inRoot = (file) => (file.startsWith(root + '/') ? relative(root, file) : file);
const localPath = (file) => {
  try {
    return file.startsWith('file:') ? fileURLToPath(file) : file;
  } catch {
    return file;
  }
};

// What is known about the tests of a file. Only Node.js 24 and later say which test one belongs to.
const files = new Map();
const stateOf = (file) => {
  if (!files.has(file)) files.set(file, { types: new Map(), tests: new Map(), open: [], told: new Map(), known: new Set(), children: new Map(), errors: '' });
  return files.get(file);
};
// The tests above the one whose result comes next, in the order in which tests are defined.
let started = [];
const fileOf = ({ entryFile, file }) => entryFile ?? file;
const idOf = ({ testId, nesting, line, column, name }) => testId ?? [nesting, line, column, name].join(' ');
const isWholeFile = ({ nesting, entryFile, line, column, name, file }) =>
  nesting === 0 && file !== undefined && entryFile === undefined && line === 1 && column === 1 && resolve(name) === file;
// Those that never run are only named in their results.
function pathOf({ tests }, { testId, parentId, nesting, name }) {
  const above = nesting === 0 ? [] : tests.get(parentId);
  if (testId !== undefined && above) tests.set(testId, [...above, name]);
  return tests.get(testId);
}
const textOf = (file, path) => JSON.stringify([inRoot(file), ...path.map((name) => shortened(name, NAME))]);

// Only once a test has ended, it's known not to be a suite.
function* found(file, path, data, isPart = false) {
  const state = stateOf(file), id = textOf(file, path);
  if (state.known.has(id) && !isPart) return;
  state.known.add(id);
  const above = JSON.stringify(path.slice(0, -1));
  if (!isPart) state.children.set(above, [...(state.children.get(above) ?? []), [path, data]]);
  yield say('tests', { tests: [[id, JSON.parse(id), data.file === file && data.line ? data.line - 1 : null, isPart]] });
}

function framesOf(stack) {
  const frames = [];
  for (const line of String(stack ?? '').split('\n')) {
    const [, name = '', file, at] = /^\s+at (?:async )?(?:(.*?) \()?((?:file:\/\/)?\/[^\n]*?):(\d+):\d+\)?$/.exec(line) ?? [];
    if (file !== undefined) frames.unshift([localPath(file), Number(at), name.slice(0, NAME)]);
  }
  return frames.slice(-FRAMES);
}
const shown = (value) =>
  shortened(typeof value === 'string' ? value : inspect(value, { depth: 10, maxArrayLength: 1000, maxStringLength: CHARS, breakLength: 100, sorted: true }));
const isError = (value) => typeof value === 'object' && value !== null && typeof value.message === 'string';
function failureOf(error) {
  const cause = error.cause ?? error;
  if (!isError(cause)) return { message: shortened(typeof cause === 'string' ? cause : inspect(cause)), frames: framesOf(error.stack) };
  const isAssertion = cause.code === 'ERR_ASSERTION';
  const failure = { message: shortened(isAssertion || !cause.name ? cause.message : cause.name + ': ' + cause.message), frames: framesOf(cause.stack) };
  const isComparison = isAssertion && /^(?:==|===|.*equal|match)$/i.test(cause.operator) && !/^not/i.test(cause.operator);
  // "assert(value)" compares with true.
  if (isComparison && !(cause.operator === '==' && cause.expected === true)) Object.assign(failure, { expected: shown(cause.expected), actual: shown(cause.actual) });
  if (error.failureType === 'hookFailed') failure.phase = /after/.test(error.message) ? 'teardown' : 'setup';
  return failure;
}

function* ended(file, path, data) {
  const { details = {}, skip, todo, expectFailure } = data;
  const { error, type } = details;
  const isAsked = !(typeof skip === 'string' && /^test name (?:does not match|matches exclude)/.test(skip));
  if (!isAsked) return;
  const state = stateOf(file);
  const isSuite = type === 'suite';
  const isOwnError = error && error.failureType !== 'subtestsFailed';
  const hasStarted = state.known.has(textOf(file, path));
  yield* found(file, path, data);
  if (isSuite && !isOwnError && !hasStarted && skip === undefined) return;
  const failures = error && (isOwnError || !isSuite) ? [failureOf(error)] : [];
  const isError = ['hookFailed', 'cancelledByParent'].includes(error?.failureType);
  const result = { outcome: failures.length > 0 ? (isError ? 'error' : 'failed') : expectFailure ? 'xfailed' : 'passed', failures };
  if (skip !== undefined && skip !== false) Object.assign(result, { outcome: 'skipped', reason: typeof skip === 'string' ? skip : '' });
  else if (todo !== undefined && todo !== false) {
    const text = ['TODO', typeof todo === 'string' ? todo : '', failures[0]?.message ?? ''].filter(Boolean).join(': ');
    Object.assign(result, { outcome: 'skipped', reason: text, failures: [] });
  }
  yield say('result', { id: textOf(file, path), ms: details.duration_ms, ...result });
  const children = state.children.get(JSON.stringify(path)) ?? [];
  if (!isSuite) for (const [child, its] of children) yield* found(file, child, its, true);
}

function* endedFile(file, error) {
  const { errors } = stateOf(file);
  if (!error || error.failureType === 'subtestsFailed') {
    if (!isFiltered) yield say('collected', { file: inRoot(file) });
    return;
  }
  const [, place, line] = /^((?:file:\/\/)?\/[^\n]*):(\d+)$/m.exec(errors) ?? [];
  const frames = [...framesOf(errors), ...(place ? [[localPath(place), Number(line), '']] : [])];
  const [message = ''] = /^(?:\w+ )?(?:\w*Error|Error \[\w+\])\b.*$/m.exec(errors) ?? [];
  const { exitCode, signal } = error;
  const exit = exitCode == null && !signal ? undefined : { code: exitCode, signal };
  yield say('broken', { file: inRoot(file), exit, failure: { message: shortened(message || (exit ? '' : error.message)), frames } });
}

const handlers = {
  'test:enqueue': function* (data) {
    if (isWholeFile(data)) return;
    const state = stateOf(fileOf(data));
    state.types.set(idOf(data), data.type);
    pathOf(state, data);
  },
  'test:dequeue': function* (data) {
    if (isWholeFile(data)) return;
    const file = fileOf(data), state = stateOf(file), id = idOf(data), { nesting, name } = data;
    let path = pathOf(state, data);
    if (data.testId === undefined) {
      // Those of several that run at the same time are told apart once they have ended.
      const parents = state.open.filter((each) => each.nesting === nesting - 1);
      const above = nesting === 0 ? [] : parents.length === 1 ? parents[0].path : undefined;
      path = above && [...above, name];
      state.open.push({ nesting, id, path });
    }
    if (!path || state.types.get(id) === 'suite' || (isOld && isFiltered)) return;
    yield* found(file, path, data);
    yield say('start', { id: textOf(file, path) });
  },
  'test:complete': function* (data) {
    if (isWholeFile(data)) return yield* endedFile(fileOf(data), data.details.error);
    const file = fileOf(data), state = stateOf(file), id = idOf(data);
    if (data.testId !== undefined) {
      const path = pathOf(state, data);
      if (path) yield* ended(file, path, data);
      return;
    }
    const same = state.open.filter((each) => each.id === id);
    if (same.length !== 1 || !same[0].path) return;
    state.open.splice(state.open.indexOf(same[0]), 1);
    const text = textOf(file, same[0].path);
    state.told.set(text, (state.told.get(text) ?? 0) + 1);
    yield* ended(file, same[0].path, data);
  },
  'test:start': function* (data) {
    if (!isWholeFile(data)) started = [...started.slice(0, data.nesting), { name: data.name, file: fileOf(data) }];
  },
  // In the order of definition, and maybe late.
  'test:pass': function* (data) {
    if (data.testId !== undefined) return;
    if (isWholeFile(data)) {
      // Before Node.js 20, files have no other event.
      if (!('passed' in data.details) && isOld) yield* endedFile(data.file, data.details.error);
      return;
    }
    const above = started.slice(0, data.nesting + 1);
    const [{ file }] = above, path = above.map(({ name }) => name), state = stateOf(file), text = textOf(file, path);
    const count = state.told.get(text) ?? 0;
    if (count > 0) return void state.told.set(text, count - 1);
    const at = stateOf(fileOf(data)).open.findIndex((each) => each.id === idOf(data));
    if (at >= 0) stateOf(fileOf(data)).open.splice(at, 1);
    yield* ended(file, path, data);
  },
  'test:stderr': function* (data) {
    if (!data.file) return;
    const state = stateOf(data.entryFile ? resolve(data.entryFile) : resolve(data.file));
    state.errors = (state.errors + data.message).slice(-8192);
  },
  'test:coverage': function* ({ summary }) {
    for (const { path, lines, branches, functions } of summary.files) {
      if (!path.startsWith(root + '/')) continue;
      const numbers = (isOne) => lines.filter(({ count }) => isOne(count)).map(({ line }) => line);
      yield say('coverage', {
        file: inRoot(path),
        executed: numbers((count) => count > 0),
        missing: numbers((count) => count === 0),
        branches: branches.map(({ line, count }) => [line, line, count > 0]),
        functions: functions.map(({ name, line, count }) => [name || '(anonymous)', line, count > 0]),
      });
    }
  },
};
handlers['test:fail'] = handlers['test:pass'];

export default async function* (source) {
  for await (const { type, data } of source) if (Object.hasOwn(handlers, type)) yield* handlers[type](data);
}
`;

/**
 * Runs Node.js's test runner: once for the whole files of each package, and once for each file of which only some tests are selected,
 * since their names are a pattern for all files of a run. The program's input, or a file, has the options.
 */
export const NODE_BOOT = String.raw`'use strict';
const fs = require('fs'), os = require('os'), path = require('path'), { spawn } = require('child_process');
const settings = process.env.MODAL_TESTS;
delete process.env.MODAL_TESTS;
const { root, files, args, coverage, reporter, events } = JSON.parse(fs.readFileSync(settings || 0, 'utf8'));
const say = (kind, fields) => {
  const line = '\x1e' + JSON.stringify(Object.assign({ kind }, fields)) + '\n';
  if (events) fs.appendFileSync(events, line);
  else process.stderr.write(line);
};
const major = Number(process.versions.node.split('.')[0]);
const has = (option) => process.allowedNodeEnvironmentFlags.has(option);

function packageOf(file) {
  for (let folder = path.dirname(file); folder !== root && folder !== '/'; folder = path.dirname(folder)) {
    if (fs.existsSync(path.join(folder, 'package.json'))) return folder;
  }
  return root;
}
const quoted = (name) => name.replace(/[\\^$.*+?()[\]{}|\/]/g, '\\$&');
// Since Node.js 22, a pattern matches the names of the tests above, too.
const patternOf = (names) => '^' + quoted(major >= 22 ? names.join(' ').trim() : names[names.length - 1]) + '$';
function runs() {
  const packages = new Map(), parts = [];
  for (const { file, names } of files) {
    const place = path.join(root, file), cwd = packageOf(place);
    if (!fs.existsSync(place)) continue;
    if (names.length > 0) parts.push({ cwd, files: [place], patterns: names.map(patternOf) });
    else packages.set(cwd, (packages.get(cwd) || []).concat(place));
  }
  return [...[...packages].map(([cwd, files]) => ({ cwd, files, patterns: [] })), ...parts];
}
// Node.js 22.6 knows types with an option, and later versions without.
function optionsFor(files) {
  if (process.features.typescript || !files.some((file) => /\.[cm]?ts$/.test(file)) || args.some((arg) => /^(?:--import|--require|-r|--loader|--experimental-(?:loader|strip-types))\b/.test(arg))) return [];
  try {
    return ['--import', require('url').pathToFileURL(require.resolve('tsx', { paths: [path.dirname(files[0])] })).href];
  } catch {
    return has('--experimental-strip-types') ? ['--experimental-strip-types'] : [];
  }
}
// Since Node.js 21, files are named by patterns.
const literal = (file) => (major < 21 ? file : file.replace(/[[*?{(!+@]/g, '[$&]'));

function run({ cwd, files, patterns }, isAlone) {
  const options = JSON.stringify({ root, events, isFiltered: patterns.length > 0 });
  const module = 'data:text/javascript,' + encodeURIComponent(reporter.replace('OPTIONS', () => options));
  const argv = [
    ...args, ...optionsFor(files), '--test', '--test-reporter=spec', '--test-reporter-destination=stdout',
    '--test-reporter=' + module, '--test-reporter-destination=stderr',
    ...(coverage ? ['--experimental-test-coverage'] : []),
    ...patterns.map((pattern) => '--test-name-pattern=' + pattern), ...files.map(literal),
  ];
  const child = spawn(process.execPath, argv, { cwd, stdio: ['ignore', ...Array(2).fill(isAlone ? 'inherit' : 'pipe')] });
  const output = [];
  let rest = Buffer.alloc(0);
  if (!isAlone) {
    child.stdout.on('data', (bytes) => output.push(bytes));
    // Whole lines only, since those of the others come in between.
    child.stderr.on('data', (bytes) => {
      rest = Buffer.concat([rest, bytes]);
      const end = rest.lastIndexOf(10) + 1;
      process.stderr.write(rest.subarray(0, end));
      rest = rest.subarray(end);
    });
  }
  return new Promise((resolve) => {
    child.on('error', () => resolve({ code: 1 })).on('close', (code, signal) => {
      process.stderr.write(rest);
      process.stdout.write(Buffer.concat(output), () => resolve({ code, signal }));
    });
  });
}

(async () => {
  if (!has('--test-reporter')) {
    say('unsuitable', { needs: 'Node.js 18.15', found: process.version });
    process.exit(1);
  }
  const all = runs();
  if (all.length === 0) process.exit(5);
  let worst = 0, killed;
  const take = async (isAlone) => {
    while (!killed && all.length > 0) {
      const { code, signal } = await run(all.shift(), isAlone);
      killed = killed || signal;
      worst = Math.max(worst, code);
    }
  };
  // Several runs of single tests share the processors, as the files of one run do. A debugger gets one at a time.
  const count = events ? 1 : Math.min(all.length, os.cpus().length);
  await Promise.all(Array.from({ length: count }, () => take(count === 1)));
  if (killed) return process.kill(process.pid, killed);
  if (worst <= 1) say('finish', { code: worst });
  // A debugger has no use for another one.
  process.exitCode = events ? 0 : worst;
})();
`;
