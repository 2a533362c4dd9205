import type { IntegrationLaunch } from '../../../scripts/stages/integration-launch.ts';

/** A launch of its own, so that no other test has run anything before. */
export default {
  workspace: 'examples/hello',
  settings: { 'modal.account': 'local' },
} satisfies IntegrationLaunch;
