import type { IntegrationLaunch } from '../../../scripts/stages/integration-launch.ts';

/** A trusted folder whose files ask for as much as possible, on Local Modal at first. */
export default {
  workspace: 'test/fixtures/stranger',
  settings: {
    'modal.account': 'local',
    'modal.profiles': { mine: { image: 'python:3.13-slim', hostVolume: false } },
  },
  env: { PLANTED_VARIABLE: 'planted' },
} satisfies IntegrationLaunch;
