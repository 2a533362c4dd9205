import type { IntegrationLaunch } from '../../../scripts/stages/integration-launch.ts';

/** A folder that isn't trusted. */
export default {
  workspace: 'examples/hello',
  settings: { 'modal.account': 'local' },
  workspaceTrust: true,
} satisfies IntegrationLaunch;
