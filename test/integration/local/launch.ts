import type { IntegrationLaunch } from '../../../scripts/stages/integration-launch.ts';

/** The usual case: a trusted folder, on Local Modal. */
export default {
  workspace: 'examples/hello',
  settings: { 'modal.account': 'local' },
} satisfies IntegrationLaunch;
