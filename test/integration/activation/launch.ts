import type { IntegrationLaunch } from '../../../scripts/stages/integration-launch.ts';

/** A separate launch, so that no other test has run anything before, and without an account, with which VS Code would activate it at once. */
export default {
  workspace: 'examples/hello',
  settings: {},
} satisfies IntegrationLaunch;
