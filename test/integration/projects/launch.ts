import type { IntegrationLaunch } from '../../../scripts/stages/integration-launch.ts';

/**
 * Makes stand-ins for tools that not every computer has. They print their name, arguments, and folder, and come before real
 * ones on the PATH.
 */
const STAND_INS = `cat > /usr/local/bin/stand-in <<'END'
#!/bin/sh
printf 'stand-in %s' "\${0##*/}"; [ $# = 0 ] || printf ' <%s>' "$@"; echo " in $PWD"
END
chmod +x /usr/local/bin/stand-in
for tool in uv pnpm go ruby bundle rake rspec Rscript tsx cmake zsh; do ln -sf stand-in "/usr/local/bin/$tool"; done`;

/** Ten projects of common kinds, as folders of one window. The tenth is a Git worktree, which the tests create. */
export default {
  workspace: 'test/fixtures/projects/projects.code-workspace',
  settings: {
    'modal.account': 'local',
    // Only what the extension itself does.
    'javascript.validate.enable': false,
    'typescript.validate.enable': false,
    'json.validate.enable': false,
    'git.enabled': false,
    'modal.profiles': { default: { image: { commands: [STAND_INS] } } },
  },
} satisfies IntegrationLaunch;
