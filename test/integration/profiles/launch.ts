import type { IntegrationLaunch } from '../../../scripts/stages/integration-launch.ts';

/** A workspace that defines profiles. */
export default {
  workspace: 'test/fixtures/profiles',
  settings: { 'modal.account': 'local' },
} satisfies IntegrationLaunch;
