import type { IntegrationLaunch } from '../../../scripts/stages/integration-launch.ts';

/** A folder of its own for what goes to the sandbox and comes back. */
export default {
  workspace: 'examples/hello',
  settings: { 'modal.account': 'local' },
} satisfies IntegrationLaunch;
