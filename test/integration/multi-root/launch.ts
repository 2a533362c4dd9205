import type { IntegrationLaunch } from '../../../scripts/stages/integration-launch.ts';

/** A multi-root workspace, to which folders can be added without a restart. */
export default {
  workspace: 'test/fixtures/multi-root/multi-root.code-workspace',
  settings: { 'modal.account': 'local' },
} satisfies IntegrationLaunch;
