import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { strings } from '../../../src/providers/sync/strings.ts';
import { strings as sandboxTexts } from '../../../src/sandboxes/strings.ts';
import { strings as syncStrings, strings as syncTexts } from '../../../src/sync/strings.ts';
import { answering, printed, runFile, withSetting, writeWorkspaceFile } from '../extension-under-test.ts';

const root = () => vscode.workspace.workspaceFolders?.[0]?.uri as vscode.Uri;
const read = async (path: string) =>
  new TextDecoder().decode(await vscode.workspace.fs.readFile(vscode.Uri.joinPath(root(), path)));
const exists = (path: string) =>
  vscode.workspace.fs.stat(vscode.Uri.joinPath(root(), path)).then(
    () => true,
    () => false,
  );
const run = async (script: string) => runFile(await writeWorkspaceFile('script.sh', script));
const configuration = () => vscode.workspace.getConfiguration('modal', root());

describe('Explain Sync Status', () => {
  const why = async (uri: vscode.Uri) =>
    (await answering({}, async () => vscode.commands.executeCommand<string>('modal.whySynced', uri))).result;

  it('names the rule and its line', async () => {
    await writeWorkspaceFile('.gitignore', '# logs\n*.log\n__pycache__/\n');
    assert.equal(
      await why(await writeWorkspaceFile('a.log', '')),
      strings.notSynced('a.log', syncTexts.ruleOfLine(2, '.gitignore', '*.log')),
    );
    assert.equal(
      await why(await writeWorkspaceFile('__pycache__/a.pyc', '')),
      strings.notSynced(
        '__pycache__/a.pyc',
        syncTexts.appliesTo(syncTexts.excludedByDefault('__pycache__/'), '__pycache__'),
      ),
    );
    assert.match(await why(await writeWorkspaceFile('.env', 'A=1')), /“\.env” isn't synced .*credential/);
    assert.match(await why(await writeWorkspaceFile('plain.txt', '')), /“plain\.txt” is synced \(.+\)\./);
  });

  it("reports a file that isn't in a workspace folder", async () => {
    assert.match(await why(vscode.Uri.file('/tmp')), /isn't in a workspace folder/);
  });
});

describe("Running a file that isn't synced", () => {
  it('warns before anything starts, and runs the file once it is included', async () => {
    const uri = await writeWorkspaceFile('left out.log', 'echo ran');
    await withSetting('runners', { '.log': ['sh'] }, async () => {
      const refused = await answering({}, () => runFile(uri));
      assert.equal(refused.messages.length, 1, 'there is no second message after a no');
      assert.equal(
        refused.messages[0],
        strings.requiredNotSynced('left out.log', syncTexts.ruleOfLine(2, '.gitignore', '*.log')),
      );
      assert.match(refused.result.error ?? '', /modal\.sync\.include/);
      assert.equal(refused.result.text, '');

      const { result } = await answering({ showWarningMessage: strings.include() }, () => runFile(uri));
      assert.match(result.text, /^ran$/m);
      assert.deepEqual(configuration().get('sync.include'), ['/left\\ out.log']);
    });
    await configuration().update('sync.include', undefined, vscode.ConfigurationTarget.WorkspaceFolder);
  });

  it('offers to include what a link leads to, and says what to do with links that no setting helps', async () => {
    await writeWorkspaceFile('target.log', 'echo linked');
    const link = (target: string, name: string) => {
      symlinkSync(target, join(root().fsPath, name));
      return vscode.Uri.joinPath(root(), name);
    };
    const uri = link('target.log', 'link.sh');
    const { result } = await answering({ showWarningMessage: strings.include() }, () => runFile(uri));
    assert.match(result.text, /^linked$/m);
    assert.deepEqual(configuration().get('sync.include'), ['/target.log']);
    await configuration().update('sync.include', undefined, vscode.ConfigurationTarget.WorkspaceFolder);

    const outside = join(mkdtempSync(join(tmpdir(), 'outside-')), 'x.sh');
    writeFileSync(outside, 'echo outside');
    const refused = await answering({}, () => runFile(link(outside, 'out.sh')));
    assert.equal(refused.result.error, strings.requiredNeverSynced('out.sh', syncStrings.linkOutside(outside)));
    assert.deepEqual(refused.messages, [refused.result.error], 'no question');
  });
});

describe('Pulling', () => {
  it('pulls files that programs changed or created, and no others', async () => {
    await writeWorkspaceFile('data.txt', 'here\n');
    await run('echo there > data.txt; mkdir -p out; echo made > out/made.txt');
    assert.equal(await read('data.txt'), 'here\n');
    const { messages } = await answering({ showQuickPick: 'all' }, async () =>
      vscode.commands.executeCommand('modal.pullChanges'),
    );
    assert.match(messages.join('\n'), /Pulled 2 files/);
    assert.deepEqual([await read('data.txt'), await read('out/made.txt')], ['there\n', 'made\n']);
  });

  it('never overwrites a local change', async () => {
    await writeWorkspaceFile('both.txt', 'first\n');
    await run('echo there > both.txt');
    await writeWorkspaceFile('both.txt', 'mine\n');
    const { messages } = await answering({}, async () => vscode.commands.executeCommand('modal.pull', ['both.txt']));
    assert.match(messages.join('\n'), /changed on both sides \(the sandbox's version was saved as (\S+)\)/);
    assert.equal(await read('both.txt'), 'mine\n');
  });

  it('pulls files by patterns, and reports when nothing matches', async () => {
    await run('mkdir -p results; echo 1 > results/a.csv; echo 2 > results/b.txt');
    await answering({}, async () => vscode.commands.executeCommand('modal.pull', ['results/*.csv']));
    assert.deepEqual([await exists('results/a.csv'), await exists('results/b.txt')], [true, false]);
    const { messages } = await answering({}, async () => vscode.commands.executeCommand('modal.pull', ['*.nothing']));
    assert.match(messages.join('\n'), /Pulled 0 files/);
  });
});

describe('Mirror Folder to Sandbox', () => {
  it('deletes files that exist only in the sandbox, after confirmation', async () => {
    await run('echo extra > only-there.txt');
    const mirror = async () => vscode.commands.executeCommand('modal.mirror');
    const refused = await answering({}, mirror);
    assert.match(refused.messages[0] ?? '', /Delete .+ only in the sandbox\?/);
    assert.match((await run('cat only-there.txt')).text, /^extra$/m);
    await answering({ showWarningMessage: syncTexts.deleteInSandbox() }, mirror);
    assert.match((await run('cat only-there.txt')).text, /No such file/);
  });
});

describe('Live sync', () => {
  it('sends a saved file while a program runs', () =>
    withSetting('sync.live', true, async () => {
      await writeWorkspaceFile('live.txt', 'old\n');
      const uri = await writeWorkspaceFile(
        'wait.sh',
        'echo waiting; for i in $(seq 200); do grep -q new live.txt && exec cat live.txt; sleep 0.05; done; exit 9',
      );
      const started = printed('waiting');
      const ended = runFile(uri);
      await started;
      const document = await vscode.workspace.openTextDocument(vscode.Uri.joinPath(root(), 'live.txt'));
      const edit = new vscode.WorkspaceEdit();
      edit.insert(document.uri, new vscode.Position(0, 0), 'new ');
      await vscode.workspace.applyEdit(edit);
      await document.save();
      const { exitCode, text } = await ended;
      assert.match(text, /^new old$/m);
      assert.equal(exitCode, 0);
    }));
});

describe('Live sync of a large file', () => {
  it('leaves a large file to the next run, tells the user once, and sends it on request', () =>
    withSetting('sync.live', true, async () => {
      const large = join(root().fsPath, 'large.bin');
      const save = (bytes: number) => {
        writeFileSync(large, `${bytes}`);
        truncateSync(large, bytes);
      };
      const { result, messages } = await answering({ showWarningMessage: strings.sendNow() }, async () => {
        const started = printed('waiting');
        const ended = run(
          'echo waiting; for i in $(seq 200); do [ "$(wc -c < large.bin)" = 60000000 ] && exit 0; sleep 0.1; done; exit 9',
        );
        await started;
        save(60_000_000);
        return ended;
      });
      rmSync(large);
      assert.equal(result.exitCode, 0);
      const said = messages.filter((message) => message.includes('large.bin'));
      assert.deepEqual(said, [strings.largeFileWaits('large.bin', '60.0 MB', '50.0 MB')]);
    }));
});

describe('modal.sync.root', () => {
  it('syncs a subfolder and runs files in it', () =>
    withSetting('sync.root', 'part', async () => {
      const uri = await writeWorkspaceFile('part/here.sh', 'pwd; ls');
      assert.match((await runFile(uri)).text, /^\/workspace\nhere\.sh$/m);
      const outside = await answering({}, async () => runFile(await writeWorkspaceFile('script.sh', '')));
      assert.match(outside.result.error ?? '', /outside the synced folder \(modal\.sync\.root\)/);
    }));

  it("can't point outside the workspace folder", () =>
    withSetting('sync.root', '../..', async () => {
      const { result } = await answering({}, () => run('true'));
      assert.equal(result.error, sandboxTexts.syncRootOutside('../..'));
    }));

  it("can't lead outside the workspace folder through a link", async () => {
    const link = join(root().fsPath, 'elsewhere');
    symlinkSync(tmpdir(), link);
    try {
      await withSetting('sync.root', 'elsewhere', async () => {
        const { result } = await answering({}, () => run('true'));
        assert.equal(result.error, sandboxTexts.syncRootOutside('elsewhere'));
      });
    } finally {
      rmSync(link);
    }
  });
});
