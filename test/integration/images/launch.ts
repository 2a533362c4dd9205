import type { IntegrationLaunch } from '../../../scripts/stages/integration-launch.ts';

/** A workspace whose profiles have their own images. */
export default {
  workspace: 'test/fixtures/images',
  settings: { 'modal.account': 'local' },
} satisfies IntegrationLaunch;
