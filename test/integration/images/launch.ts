import type { IntegrationLaunch } from '../../../scripts/stages/integration-launch.ts';

/** A workspace whose profiles have images of their own. */
export default {
  workspace: 'test/fixtures/images',
  settings: { 'modal.account': 'local' },
} satisfies IntegrationLaunch;
