import type { IntegrationLaunch } from '../../../scripts/stages/integration-launch.ts';

/** An account with paid sandboxes. Its server is a Local Modal that the tests start. */
export default {
  workspace: 'examples/hello',
  settings: {
    'modal.account': 'profile:main',
    'modal.profiles': {
      default: { image: 'python:3.13-slim', hostVolume: false },
      ready: { image: 'python:3.13-slim', hostVolume: false, warm: { when: 'always' } },
    },
  },
} satisfies IntegrationLaunch;
