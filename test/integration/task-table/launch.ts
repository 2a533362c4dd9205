import type { IntegrationLaunch } from '../../../scripts/stages/integration-launch.ts';

/** A workspace with a table of tasks, to run them both natively and in a sandbox. */
export default {
  workspace: 'test/fixtures/task-table',
  settings: { 'modal.account': 'local', 'table.tool': 'sub dir/tool.sh', 'table.words': 'set ting' },
} satisfies IntegrationLaunch;
