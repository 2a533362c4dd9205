import type { IntegrationLaunch } from '../../../scripts/stages/integration-launch.ts';

/** A separate folder for files that are synced and pulled. */
export default {
  workspace: 'examples/hello',
  settings: { 'modal.account': 'local' },
} satisfies IntegrationLaunch;
