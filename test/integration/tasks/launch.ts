import type { IntegrationLaunch } from '../../../scripts/stages/integration-launch.ts';

/** A workspace whose tasks.json has every kind of task. */
export default {
  workspace: 'test/fixtures/tasks',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: VS Code's own variable
  settings: { 'modal.account': 'local', 'test.variable': '${env:MY_TEST_VALUE}' },
  env: { MODAL_TEST_TOKEN: 'harmless-value', MY_TEST_VALUE: 'from here' },
} satisfies IntegrationLaunch;
