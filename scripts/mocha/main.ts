/** Runs test files with mocha in plain Node, and sends the results to the parent process. */
import { parseArgs } from 'node:util';
import { exit } from '../cleanup.ts';
import { runMocha } from './run-mocha.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { 'timeout-ms': { type: 'string', default: '10000' }, grep: { type: 'string' }, color: { type: 'boolean' } },
});
const { 'timeout-ms': timeoutMs, ...options } = values;
const results = await runMocha({ files: positionals, timeoutMs: Number(timeoutMs), ...options });
const end = () => void exit(results.failures.length === 0 ? 0 : 1);
if (process.send) process.send(results, end);
else end();
