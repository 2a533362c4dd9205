import type { IntegrationLaunch } from '../../../scripts/stages/integration-launch.ts';

/** The API for other extensions. */
export default {
  workspace: 'examples/hello',
  settings: { 'modal.account': 'local' },
  extensions: ['test/fixtures/api-user'],
} satisfies IntegrationLaunch;
