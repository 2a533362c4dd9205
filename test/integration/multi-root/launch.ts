import type { IntegrationLaunch } from '../../../scripts/stages/integration-launch.ts';

/** A window that can take more folders without a restart. */
export default {
  workspace: 'test/fixtures/multi-root/multi-root.code-workspace',
  settings: { 'modal.account': 'local' },
} satisfies IntegrationLaunch;
