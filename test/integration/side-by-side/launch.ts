import type { IntegrationLaunch } from '../../../scripts/stages/integration-launch.ts';

/** Two folders in one window: one with an ignore file, one of which a sub-folder is synced. */
export default {
  workspace: 'test/fixtures/side-by-side/both.code-workspace',
  settings: { 'modal.account': 'local' },
} satisfies IntegrationLaunch;
