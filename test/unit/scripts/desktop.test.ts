import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { desktopVsCode } from '../../../scripts/vscode/desktop.ts';
import { launch } from '../../../scripts/vscode/launch.ts';
import { skipUnless } from '../../helpers/skip.ts';

describe('desktopVsCode', () => {
  let root: string;
  before(function () {
    skipUnless(this, process.platform === 'linux', 'The stand-ins for VS Code use paths on Linux.');
  });
  beforeEach(async () => {
    root = await realpath(await mkdtemp(join(tmpdir(), 'desktop-')));
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  async function program(path: string, script = ''): Promise<string> {
    const file = join(root, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, `#!/bin/sh\n${script}\n`);
    await chmod(file, 0o755);
    return file;
  }

  it('finds the executable behind the code command on PATH', async () => {
    const executable = await program('share/code/code');
    await program('share/code/bin/code');
    await mkdir(join(root, 'bin'));
    await symlink(join(root, 'share/code/bin/code'), join(root, 'bin/code'));
    assert.equal(desktopVsCode({ PATH: `/nowhere:${join(root, 'bin')}`, DISPLAY: ':0' }), executable);
  });

  it('ignores the code command of a remote', async () => {
    const command = await program('server/bin/remote-cli/code');
    assert.equal(desktopVsCode({ PATH: dirname(command), DISPLAY: ':0' }), undefined);
  });

  it('uses the executable that VSCODE names', async () => {
    const executable = await program('my-code');
    assert.equal(desktopVsCode({ VSCODE: executable, DISPLAY: ':0' }), executable);
    assert.throws(() => desktopVsCode({ VSCODE: join(root, 'missing'), DISPLAY: ':0' }), /VSCODE is set to .*missing/);
  });

  it('finds no desktop without a screen, or if VSCODE=server is set', async () => {
    const executable = await program('my-code');
    assert.equal(desktopVsCode({ VSCODE: executable }), undefined);
    assert.equal(desktopVsCode({ VSCODE: 'server', DISPLAY: ':0' }), undefined);
  });

  it('launches the desktop with flags and environment, and returns its output and exit code', async () => {
    const executable = await program('my-code', 'echo "$GREETING"; for flag; do echo "$flag"; done; exit 5');
    const lines: string[] = [];
    const flags = {
      folder: '/folder',
      extensionDevelopmentPaths: ['/extension'],
      extensionTestsPath: '/tests.cjs',
      userDataDir: '/u',
      extensionsDir: '/e',
      workspaceTrust: false,
    };
    const env = { ...process.env, VSCODE: executable, DISPLAY: ':0', GREETING: 'hello' };
    const code = await launch(flags, { print: (line) => lines.push(line), env, timeoutMs: 10_000 });
    assert.equal(code, 5);
    assert.deepEqual(lines.slice(0, 3), ['hello', '/folder', '--extensionDevelopmentPath=/extension']);
  });
});
