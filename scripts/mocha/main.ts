/** Runs test files with mocha in plain Node, and sends the counts to the process that started it. */
import { parseArgs } from 'node:util';
import { exit } from '../cleanup.ts';
import { runMocha } from './run-mocha.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { 'timeout-ms': { type: 'string', default: '10000' }, grep: { type: 'string' } },
});
const counts = await runMocha({ files: positionals, timeoutMs: Number(values['timeout-ms']), grep: values.grep });
const end = () => void exit(counts.failed === 0 ? 0 : 1);
if (process.send) process.send(counts, end);
else end();
