import type { IntegrationLaunch } from '../../../scripts/stages/integration-launch.ts';

/** A separate launch, so that no other test has run anything before. */
export default {
  workspace: 'examples/hello',
  settings: { 'modal.account': 'local' },
} satisfies IntegrationLaunch;
