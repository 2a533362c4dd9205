/**
 * The Node.js program of an interactive session. Arguments: the pipe to create, and what to print when it exists. Reads
 * one JSON object per line from the pipe (`code`, `file`, `line`, `isTypeScript`, `mark`) and runs it as a browser's console
 * would: `await` works, and names can be redeclared. Then prints the mark, with the exit status for `%s`. Output and
 * interrupts go through the terminal.
 */
export const NODE_DRIVER = String.raw`
(() => {
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const { Session } = require('node:inspector');
const { createRequire, stripTypeScriptTypes } = require('node:module');
const { Socket } = require('node:net');
const path = require('node:path');
const { pathToFileURL } = require('node:url');
const { inspect } = require('node:util');
const vm = require('node:vm');

const [fifo, ready] = process.argv.splice(1);
const folder = process.cwd();
const session = new Session();
session.connect();
let interrupt = () => {};
let received;

const hidden = (name, value) =>
  Object.defineProperty(globalThis, name, { value, enumerable: false, configurable: true, writable: true });
const dirnameOf = (file) => (path.isAbsolute(file) ? path.dirname(file) : folder);
// The default loader resolves paths relative to this program, which isn't in a file.
const load = (specifier) => {
  const from = dirnameOf(place.file);
  try {
    const found = globalThis.require.resolve(specifier);
    return import(path.isAbsolute(found) ? pathToFileURL(found).href : found);
  } catch {
    return import(/^\.{0,2}\//.test(specifier) ? pathToFileURL(path.resolve(from, specifier)).href : specifier);
  }
};
const place = { file: '' };
hidden('modalImport', load);
hidden('modalImportMeta', () => {
  const filename = path.resolve(folder, place.file);
  return { url: pathToFileURL(filename).href, filename, dirname: path.dirname(filename) };
});
hidden('modalReceive', (value) => (received = value));

/** Returns the value of the inspector's remote object. */
function valueOf(remote) {
  if (remote.objectId) {
    const functionDeclaration = 'function () { "use strict"; modalReceive(this) }';
    session.post('Runtime.callFunctionOn', { functionDeclaration, objectId: remote.objectId });
    return received;
  }
  if (remote.subtype === 'null') return null;
  if (remote.unserializableValue === undefined) return remote.value;
  const text = remote.unserializableValue;
  return text.endsWith('n') ? BigInt(text.slice(0, -1)) : Number(text);
}

const show = (value) => inspect(value, { colors: process.stdout.isTTY });

function report(error) {
  if (error instanceof Error && typeof error.stack === 'string') {
    // The frames below belong to this program.
    const [own] = error.stack.split(/\n\s+at (?:Session\.post|Object\.runInThisContext) /);
    try {
      error.stack = own;
    } catch {}
  }
  console.error('Uncaught ' + inspect(error, { colors: process.stderr.isTTY }));
}

/** Evaluates so that an interrupt from the terminal stops even code that never awaits. */
function evaluate(expression) {
  return new Promise((resolve) => {
    interrupt = () => resolve(undefined);
    hidden('modalEvaluate', () => {
      const parameters = { expression, replMode: true, awaitPromise: true };
      session.post('Runtime.evaluate', parameters, (error, reply) => resolve(error ? undefined : reply));
    });
    try {
      vm.runInThisContext('modalEvaluate()', { breakOnSigint: true });
    } catch {
      resolve(undefined);
    }
  });
}

/** Returns the exit status: 0, 1 after an error, or 130 after an interrupt. */
async function run({ code, file, line, isTypeScript }) {
  place.file = file;
  const filename = path.resolve(folder, file);
  hidden('require', createRequire(filename));
  hidden('__filename', filename);
  hidden('__dirname', path.dirname(filename));
  let source = '\n'.repeat(line - 1) + code;
  if (isTypeScript) {
    if (!stripTypeScriptTypes) {
      console.error('TypeScript requires Node.js 22.13 or later. The sandbox has ' + process.version + '.');
      return 1;
    }
    try {
      source = stripTypeScriptTypes(source);
    } catch (error) {
      console.error(file + ':' + line + '\n' + error.name + ': ' + error.message);
      return 1;
    }
  }
  const reply = await evaluate(source + '\n//# sourceURL=' + file.replaceAll(' ', '%20'));
  if (!reply) {
    console.error('Interrupted');
    return 130;
  }
  const { result, exceptionDetails: details } = reply;
  if (!details) {
    const value = valueOf(result);
    if (value !== undefined) console.log(show(value));
    return 0;
  }
  const error = valueOf(details.exception);
  if (error instanceof SyntaxError && details.scriptId) {
    const lines = source.split('\n');
    const at = Math.min(details.lineNumber, lines.length - 1);
    const column = at === details.lineNumber ? details.columnNumber : lines[at].length;
    console.error([file + ':' + (at + 1), lines[at], ' '.repeat(column) + '^', String(error)].join('\n'));
  } else report(error);
  return 1;
}

process.on('SIGINT', () => interrupt());
process.on('uncaughtException', report);
process.on('exit', () => fs.rmSync(fifo, { force: true }));
execFileSync('mkfifo', ['-m', '600', fifo]);
const print = (mark, status) => fs.writeSync(1, mark.replace('%s', status));
const pipe = new Socket({ fd: fs.openSync(fifo, fs.constants.O_RDWR | fs.constants.O_NONBLOCK), writable: false });
pipe.setEncoding('utf8');
let waiting = '';
let running = Promise.resolve();
pipe.on('data', (text) => {
  const lines = (waiting + text).split('\n');
  waiting = lines.pop();
  for (const line of lines) running = running.then(() => take(line));
});
async function take(line) {
  let snippet;
  try {
    snippet = JSON.parse(line);
  } catch {
    // The rest of a snippet whose delivery was canceled.
    return;
  }
  const status = await run(snippet).catch(report);
  interrupt = () => {};
  print(snippet.mark, status ?? 1);
}
print(ready, 0);
})();
`;
