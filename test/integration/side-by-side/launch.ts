import type { IntegrationLaunch } from '../../../scripts/stages/integration-launch.ts';

/** Two folders in one window: one with an ignore file, and one that syncs only a subfolder. */
export default {
  workspace: 'test/fixtures/side-by-side/both.code-workspace',
  settings: { 'modal.account': 'local' },
} satisfies IntegrationLaunch;
