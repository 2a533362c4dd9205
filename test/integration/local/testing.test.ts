import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import type { SandboxesApi } from '../../../src/api/api.ts';
import { DEBUGPY_FOLDER } from '../../../src/debug/python.ts';
import { strings } from '../../../src/providers/testing/strings.ts';
import { PYTEST_FOLDER } from '../../../src/testing/pytest.ts';
import { debugpyArchive, hasDebugpy, NO_DEBUGPY } from '../../helpers/debugpy.ts';
import { hasPytest, NO_PYTEST, pytestArchive } from '../../helpers/pytest.ts';
import { skipUnless } from '../../helpers/skip.ts';
import { activate, answering, closeTerminals, eventually, writeWorkspaceFile } from '../extension-under-test.ts';

const TESTS = `import pytest

def test_passes():
    print("a text of the test")

class TestGroup:
    @pytest.mark.parametrize("number", [1, 2])
    def test_cases(self, number):
        assert number == 1
`;
const RESULTS = ['passed test_passes', 'passed [1]', 'failed [2] test_sample.py 8'];

type Lens = vscode.CodeLens & { command: vscode.Command };

describe('Sandbox Tests', () => {
  let api: SandboxesApi;
  let file: vscode.Uri;
  /** What VS Code was told about tests, and how many runs have ended. */
  let said: string[] = [];
  let ended = 0;
  const profiles = new Map<string, vscode.TestRunProfile>();
  /** The tests that had results, by label. */
  const items = new Map<string, vscode.TestItem>();
  const { createTestController } = vscode.tests;

  before(async function () {
    skipUnless(this, hasPytest, NO_PYTEST);
    Object.assign(vscode.tests, {
      createTestController: (...args: Parameters<typeof createTestController>) => noted(createTestController(...args)),
    });
    api = await activate();
    file = await writeWorkspaceFile('testing/test_sample.py', TESTS);
    await put(pytestArchive(), PYTEST_FOLDER);
  });
  after(() => Object.assign(vscode.tests, { createTestController }));
  beforeEach(() => {
    said = [];
    ended = 0;
  });

  const put = async (archive: Buffer | undefined, folder: string) => {
    const { sandboxId = '' } = await api.execute(['mkdir', '-p', folder]);
    if (!archive) return;
    await (await api.sandboxes.connect(sandboxId)).files.write('/tmp/packages.tar.gz', archive);
    await api.execute(['tar', '-xzf', '/tmp/packages.tar.gz', '-C', folder]);
  };

  /** Notes what the extension tells a controller. */
  const noted = (controller: vscode.TestController): vscode.TestController => {
    const createProfile = controller.createRunProfile.bind(controller);
    controller.createRunProfile = (...args) => {
      const profile = createProfile(...args);
      profiles.set(profile.label, profile);
      return profile;
    };
    const create = controller.createTestRun.bind(controller);
    controller.createTestRun = (...args) => {
      const run = create(...args);
      for (const kind of ['passed', 'failed', 'errored', 'skipped'] as const) {
        const original = run[kind].bind(run) as (item: vscode.TestItem, ...rest: unknown[]) => void;
        run[kind] = (item: vscode.TestItem, ...rest: unknown[]) => {
          items.set(item.label, item);
          const { location } = kind === 'failed' ? ((rest[0] as vscode.TestMessage[])[0] ?? {}) : {};
          const place = location ? [location.uri.path.split('/').at(-1), location.range.start.line] : [];
          said.push([kind, item.label, ...place].join(' '));
          original(item, ...rest);
        };
      }
      const { addCoverage, end } = run;
      run.addCoverage = (coverage) => {
        const { covered, total } = coverage.statementCoverage;
        said.push(`${coverage.uri.path.split('/').at(-1)} ${covered}/${total}`);
        addCoverage.call(run, coverage);
      };
      run.end = () => {
        ended += 1;
        end.call(run);
      };
      return run;
    };
    return controller;
  };

  const lenses = async () =>
    (await vscode.commands.executeCommand<Lens[]>('vscode.executeCodeLensProvider', file)).filter(
      ({ command }) => command.command === 'modal.runTest',
    );
  const runEnded = () =>
    eventually(
      'the end of the run',
      () => {
        const { window, debug } = vscode;
        return {
          ended,
          said,
          line: window.activeTextEditor?.selection.active.line,
          session: debug.activeDebugSession?.name,
        };
      },
      (state) => state.ended === 1,
    );

  const stoppedAt = (line: number) =>
    eventually(
      'the stop',
      () => {
        const { window, debug } = vscode;
        return [
          window.activeTextEditor?.selection.active.line,
          debug.activeStackItem instanceof vscode.DebugStackFrame,
        ].join();
      },
      (state) => state === `${line},true`,
    );

  it('runs a test from its code lens, and then shows all in the Test Explorer instead', async () => {
    await vscode.window.showTextDocument(file);
    const shown = await eventually('the lenses', lenses, (found) => found.length === 3);
    const { command } = shown[2] as Lens;
    await vscode.commands.executeCommand(command.command, ...(command.arguments ?? []));
    assert.deepEqual(said, RESULTS.slice(1));
    await eventually('no lenses', lenses, (found) => found.length === 0);
  });

  it('runs all tests with coverage', async () => {
    await vscode.commands.executeCommand('testing.coverageAll');
    await runEnded();
    assert.deepEqual(said, [...RESULTS, 'test_sample.py 7/7']);
  });

  it('runs all tests in two sandboxes', async () => {
    const profile = profiles.get(strings.shards());
    const { token } = new vscode.CancellationTokenSource();
    const request = new vscode.TestRunRequest(undefined, undefined, profile);
    await answering({ showQuickPick: strings.shardCount(2) }, async () => profile?.runHandler(request, token));
    assert.deepEqual(said.sort(), [...RESULTS].sort());
  });

  it('debugs tests, stops at a breakpoint, and shows the results', async function () {
    skipUnless(this, hasDebugpy, NO_DEBUGPY);
    await put(debugpyArchive(), DEBUGPY_FOLDER);
    const breakpoint = new vscode.SourceBreakpoint(new vscode.Location(file, new vscode.Position(3, 0)));
    vscode.debug.addBreakpoints([breakpoint]);
    void vscode.commands.executeCommand('testing.debugAll');
    await stoppedAt(3);
    await vscode.commands.executeCommand('workbench.action.debug.continue');
    await runEnded();
    vscode.debug.removeBreakpoints([breakpoint]);
    assert.deepEqual(said, RESULTS);
    await closeTerminals();
  });

  it('runs a test of Node.js, and debugs it with VS Code’s own debugger', async () => {
    const script = await writeWorkspaceFile(
      'testing/sample.test.mjs',
      "import assert from 'node:assert';\nimport { describe, it } from 'node:test';\ndescribe('numbers', () => {\n  it('are equal', () => {\n    assert.equal(1, 2);\n  });\n});\n",
    );
    const result = 'failed are equal sample.test.mjs 4';
    await writeWorkspaceFile('testing/build/.gitignore', '*\n');
    const copy = "import { it } from 'node:test';\nit('is not synced', () => {});\n";
    const ignored = await writeWorkspaceFile('testing/build/sample.test.mjs', copy);
    await vscode.commands.executeCommand('modal.runTest', ignored, ['is not synced']);
    assert.equal(ended, 0);
    await vscode.commands.executeCommand('modal.runTest', script, ['numbers', 'are equal']);
    assert.deepEqual([said, ended], [[result], 1]);
    said = [];
    ended = 0;
    const breakpoint = new vscode.SourceBreakpoint(new vscode.Location(script, new vscode.Position(4, 0)));
    vscode.debug.addBreakpoints([breakpoint]);
    const { token } = new vscode.CancellationTokenSource();
    const item = items.get('are equal');
    void profiles.get(strings.debug())?.runHandler(new vscode.TestRunRequest(item && [item]), token);
    await stoppedAt(4);
    await vscode.commands.executeCommand('workbench.action.debug.continue');
    await runEnded();
    vscode.debug.removeBreakpoints([breakpoint]);
    assert.deepEqual(said, [result]);
    await closeTerminals();
  });
});
