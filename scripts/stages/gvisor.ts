import { existsSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { findRunsc } from '../../local/isolation/gvisor/runsc.ts';
import { projectFolder } from '../paths.ts';
import { said, type TestJob } from './in-parallel.ts';
import { runLaunch } from './integration.ts';
import { mochaInNode } from './mocha-in-node.ts';
import type { Stage, StageOptions } from './stage.ts';
import { testFiles } from './test-files.ts';

/** The unit tests that meet the kernel most. The others take too long for each run: `npm test -- gvisor FILE` runs them, too. */
const UNIT_TESTS = [
  ...['local/runtime', 'local/execs', 'local/isolation', 'sync/push'],
  ...['run/run-control', 'ssh/connections', 'sync/process-starts'],
].map((name) => join(projectFolder, 'test', 'unit', `${name}.test.ts`));

/** A launch of VS Code whose tests start programs in sandboxes in many ways, and follow them to their ends. */
const LAUNCH = 'api';

/** Tests whose sandboxes run in gVisor, if it's installed. */
export const gvisor: Stage = {
  name: 'gvisor',
  title: 'Tests in gVisor',
  needsBuild: true,
  jobs: async (options) => {
    const { RUNSC = '', RUNSC_PROBLEM } = process.env;
    const installed = findRunsc();
    if (existsSync(RUNSC)) return jobsIn(RUNSC, options);
    if ('path' in installed) return jobsIn(installed.path, options);
    const problem = RUNSC_PROBLEM ? `: ${RUNSC_PROBLEM}` : ', nor is RUNSC its path';
    const skipped = `    Skipped: gVisor (runsc) isn't installed${problem}\n    - runs the tests that meet the kernel most\n\n  1 pending\n`;
    return [said(skipped)];
  },
};

function jobsIn(runsc: string, { files, grep }: StageOptions): TestJob[] {
  const env = {
    LOCAL_MODAL_RUNTIME: 'gvisor',
    RUNSC: runsc,
    PATH: `${process.env.PATH}${delimiter}${dirname(runsc)}`,
  };
  const unit = files.length > 0 ? testFiles('test/unit', files) : UNIT_TESTS;
  // Two processes share the tests.
  const halves = [0, 1].map((half) => unit.filter((_, at) => at % 2 === half)).filter((half) => half.length > 0);
  const ofUnits = halves.map(
    (half): TestJob =>
      (write) =>
        mochaInNode({ files: half, grep, env, testTimeoutMs: 40_000, timeoutMs: 900_000, write }),
  );
  if (files.length > 0) return ofUnits;
  const launched = { files: testFiles('test/integration', [join(projectFolder, 'test', 'integration', LAUNCH)]), grep };
  return [...ofUnits, (write) => runLaunch(LAUNCH, launched, write, env)];
}
