import type { IntegrationLaunch } from '../../../scripts/stages/integration-launch.ts';

/** A workspace with profiles of its own. */
export default {
  workspace: 'test/fixtures/profiles',
  settings: { 'modal.account': 'local' },
} satisfies IntegrationLaunch;
