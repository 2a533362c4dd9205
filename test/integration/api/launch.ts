import type { IntegrationLaunch } from '../../../scripts/stages/integration-launch.ts';

/** What other extensions can do. */
export default {
  workspace: 'examples/hello',
  settings: { 'modal.account': 'local' },
  extensions: ['test/fixtures/api-user'],
} satisfies IntegrationLaunch;
