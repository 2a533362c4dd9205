import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { strings } from '../../../src/debug/strings.ts';
import { strings as syncTexts } from '../../../src/sync/strings.ts';
import { breakAt, debuggingEnded, evaluate, launchOf, stopDebugging, stoppedAt } from '../debugging.ts';
import { activate, textOf, writeWorkspaceFile } from '../extension-under-test.ts';

const PROGRAM = `const { fork } = require('node:child_process');

function double(number) {
  const result = number * 2;
  return result;
}

console.log(double(4), process.stdin.isTTY);
fork(require.resolve('./child.js')).on('exit', (code) => console.log('child', code));
`;
const CHILD = `const number = 7;
process.exitCode = number;
`;

describe('Debug in Sandbox for JavaScript', () => {
  let program: vscode.Uri;
  let child: vscode.Uri;

  before(async () => {
    await activate();
    program = await writeWorkspaceFile('debug-js/program.js', PROGRAM);
    child = await writeWorkspaceFile('debug-js/child.js', CHILD);
  });
  afterEach(stopDebugging);

  const config = (own?: object) => launchOf(program, own);
  const execute = (command: string) => vscode.commands.executeCommand(command);

  it('stops at breakpoints in local files, also of child processes, evaluates, steps, and ends', async () => {
    breakAt(program, 3);
    breakAt(child, 1);
    const text = await textOf(async () => {
      assert.equal(await vscode.debug.startDebugging(undefined, config()), true);
      assert.equal(await evaluate('number', await stoppedAt(program, 3)), '4');
      await execute('workbench.action.debug.stepOver');
      assert.equal(await evaluate('result', await stoppedAt(program, 4)), '8');
      await execute('workbench.action.debug.continue');
      assert.equal(await evaluate('number', await stoppedAt(child, 1)), '7');
      await execute('workbench.action.debug.continue');
      await debuggingEnded();
    });
    assert.match(text, /^8 true$/m);
    assert.match(text, /^child 7$/m);
  });

  it('starts again, and is stopped with its program', async () => {
    breakAt(program, 3);
    await vscode.debug.startDebugging(undefined, config());
    await stoppedAt(program, 3);
    await execute('workbench.action.debug.stepOver');
    await stoppedAt(program, 4);
    await execute('workbench.action.debug.restart');
    await stoppedAt(program, 3);
    await execute('workbench.action.debug.stop');
    await debuggingEnded();
  });

  it('says which rule keeps a file with a breakpoint out of the sandbox', async () => {
    await writeWorkspaceFile('debug-js/.gitignore', 'made-here.js\n');
    const excluded = await writeWorkspaceFile('debug-js/made-here.js', 'console.log(1);\n');
    const said: string[] = [];
    const tracker = vscode.debug.registerDebugAdapterTrackerFactory('modal', {
      createDebugAdapterTracker: () => ({
        onDidSendMessage: ({ command, body }) => {
          if (command === 'setBreakpoints')
            said.push(...body.breakpoints.map(({ message }: { message: string }) => message));
        },
      }),
    });
    try {
      breakAt(excluded, 0);
      breakAt(program, 3);
      await vscode.debug.startDebugging(undefined, config());
      await stoppedAt(program, 3);
      const reason = syncTexts.ruleOfLine(1, 'debug-js/.gitignore', 'made-here.js');
      assert.deepEqual(said, [strings.notSynced(reason)]);
    } finally {
      tracker.dispose();
    }
  });

  it('stops in the TypeScript file that a program was compiled from', async () => {
    const source = await writeWorkspaceFile(
      'debug-js/app.ts',
      "interface City {\n  name: string;\n}\nconst city: City = { name: 'Lima' };\nconsole.log(city.name);\n",
    );
    const mappings = 'AAGA,MAAM,OAAa,EAAE,MAAM,OAAO;AAClC,QAAQ,IAAI,KAAK,IAAI;';
    const map = Buffer.from(JSON.stringify({ version: 3, sources: ['../app.ts'], mappings, names: [] }));
    const url = `data:application/json;base64,${map.toString('base64')}`;
    const compiled = await writeWorkspaceFile(
      'debug-js/compiled/app.js',
      `const city = { name: "Lima" };\nconsole.log(city.name);\n//# sourceMappingURL=${url}\n`,
    );
    breakAt(source, 4);
    const outFiles = [vscode.Uri.joinPath(compiled, '../*.js').fsPath];
    await vscode.debug.startDebugging(undefined, config({ program: compiled.fsPath, outFiles }));
    assert.equal(await evaluate('city.name', await stoppedAt(source, 4)), "'Lima'");
  });

  it('stops at the first line if asked to', async () => {
    await vscode.debug.startDebugging(undefined, config({ stopOnEntry: true, console: 'internalConsole' }));
    await stoppedAt(program, 0);
    await execute('workbench.action.debug.stepOver');
    await stoppedAt(program, 7);
  });
});
