import assert from 'node:assert/strict';
import { desktopArguments, parseFlags } from '../../../scripts/vscode/flags.ts';

/** The command line of `@vscode/test-electron`. */
const fromTestElectron = [
  '/work space/hello',
  '--user-data-dir=/tmp/u',
  '--extensions-dir=/tmp/e',
  '--no-sandbox',
  '--disable-gpu-sandbox',
  '--disable-updates',
  '--skip-welcome',
  '--skip-release-notes',
  '--disable-workspace-trust',
  '--extensionTestsPath=/dist/runner.cjs',
  '--extensionDevelopmentPath=/a',
  '--extensionDevelopmentPath=/b',
];

describe('Launcher flags', () => {
  it("parses VS Code's flags", () => {
    assert.deepEqual(parseFlags(fromTestElectron), {
      flags: {
        folder: '/work space/hello',
        extensionDevelopmentPaths: ['/a', '/b'],
        extensionTestsPath: '/dist/runner.cjs',
        userDataDir: '/tmp/u',
        extensionsDir: '/tmp/e',
        workspaceTrust: false,
      },
      log: undefined,
      timeoutMs: undefined,
    });
  });

  it('keeps workspace trust with --launcher-keep-trust', () => {
    const { flags } = parseFlags([...fromTestElectron, '--launcher-keep-trust']);
    assert.equal(flags.workspaceTrust, true);
    assert.ok(!desktopArguments(flags).includes('--disable-workspace-trust'));
  });

  it("passes only VS Code's flags to the desktop", () => {
    const { flags } = parseFlags([...fromTestElectron, '--launcher-log=/l', '--launcher-timeout-ms=5']);
    const handed = desktopArguments(flags);
    for (const flag of fromTestElectron) assert.ok(handed.includes(flag), flag);
    assert.ok(!handed.some((flag) => flag.startsWith('--launcher')));
  });

  it("requires a user data folder, so that it never uses the user's own profile", () => {
    assert.throws(() => parseFlags(['--extensions-dir=/e']), /Specify --user-data-dir=/);
  });
});
