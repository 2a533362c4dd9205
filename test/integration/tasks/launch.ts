import type { IntegrationLaunch } from '../../../scripts/stages/integration-launch.ts';

/** A workspace whose tasks.json has every kind of task. */
export default {
  workspace: 'test/fixtures/tasks',
  settings: { 'modal.account': 'local' },
  env: { MODAL_TEST_TOKEN: 'harmless-value' },
} satisfies IntegrationLaunch;
