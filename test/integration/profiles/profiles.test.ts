import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { strings as profileStrings } from '../../../src/providers/profiles/strings.ts';
import { strings } from '../../../src/providers/run/strings.ts';
import {
  activate,
  answering,
  eventually,
  runFile,
  textOf,
  waitForProblems,
  withSetting,
  writeWorkspaceFile,
} from '../extension-under-test.ts';

const root = () => vscode.workspace.workspaceFolders?.[0]?.uri as vscode.Uri;
const inFolder = (path: string) => vscode.Uri.joinPath(root(), path);

/** Chooses a profile as the pick would, and returns what the pick offered. */
async function choose(name: string): Promise<readonly vscode.QuickPickItem[]> {
  const window = vscode.window as { showQuickPick: unknown };
  const original = window.showQuickPick;
  let offered: readonly (vscode.QuickPickItem & { profile?: string })[] = [];
  window.showQuickPick = async (items: typeof offered) => {
    offered = items;
    return items.find(({ profile }) => profile === name);
  };
  try {
    assert.equal(await vscode.commands.executeCommand('modal.chooseProfile'), name);
    return offered;
  } finally {
    window.showQuickPick = original;
  }
}

describe('profiles of a folder', () => {
  before(activate);

  it('are used as the folder says until another one is chosen', async () => {
    assert.match((await runFile(inFolder('word.sh'))).text, /^word named/m);
    await choose('offline');
    assert.match((await runFile(inFolder('word.sh'))).text, /● Started sandbox.*[\s\S]*^word offline/m);
    await choose('named');
    const back = await runFile(inFolder('word.sh'));
    assert.match(back.text, /^word named/m);
    assert.doesNotMatch(back.text, /Started sandbox/, 'its sandbox was kept');
  });

  it('are offered with hardware, price, image and whether their sandbox runs', async () => {
    const offered = await choose('named');
    const row = (name: string) => offered.find(({ label }) => label.endsWith(name));
    assert.match(row('named')?.label ?? '', /^\$\(check\)/);
    assert.equal(offered[0], row('named'), 'the pick begins at the one that is used');
    assert.match(row('named')?.description ?? '', /smallest · \$0\.0\d+\/h · .*running/);
    assert.match(row('named')?.detail ?? '', /^With a word in it · base image · \.vscode\/modal\.json$/);
    assert.match(row('broken')?.description ?? '', /not valid/);
    assert.match(row('broken')?.detail ?? '', /gpu must be a GPU type that Modal offers \(did you mean “H100”\?\)/);
  });

  it('take variables from a file that is not sent, under those of the profile, and have a host volume', async () => {
    await choose('filed');
    const { text } = await runFile(inFolder('word.sh'));
    assert.match(text, /^word file env$/m);
    assert.match(text, /^\.cache checkpoints git-repos workspace/m);
    await choose('named');
  });

  it('that cannot be used start nothing, and say what is wrong and where', async () => {
    await choose('broken');
    const { text, error } = await runFile(inFolder('word.sh'));
    assert.match(error ?? '', /^Profile “broken” isn't valid: gpu must be .* Fix it in \.vscode\/modal\.json/);
    assert.doesNotMatch(text, /Started/);
    await choose('named');
  });

  it('are named by the lens, beside one that changes them', async () => {
    const uri = await writeWorkspaceFile('lens.py', 'print()\n');
    await vscode.window.showTextDocument(uri);
    const lenses = await vscode.commands.executeCommand<vscode.CodeLens[]>('vscode.executeCodeLensProvider', uri);
    const titles = lenses.map(({ command }) => command?.title).filter((title) => /Sandbox|Profile/.test(title ?? ''));
    assert.deepEqual(titles, [`$(play) ${strings.lens('named')}`, strings.changeProfile()]);
  });

  it('of the user are there too', async () => {
    await withSetting('profiles', { mine: { env: { WORD: 'mine' }, hostVolume: false } }, async () => {
      await choose('mine');
      assert.match((await runFile(inFolder('word.sh'))).text, /^word mine/m);
    });
    assert.match((await runFile(inFolder('word.sh'))).text, /^word named/m, 'the folder’s default, once it is gone');
  });

  it('say that a running sandbox is older than they are, and replace it', async () => {
    const file = inFolder('.vscode/modal.json');
    const before = await vscode.workspace.fs.readFile(file);
    await runFile(inFolder('word.sh'));
    const changed = new TextDecoder().decode(before).replace('"WORD": "named"', '"WORD": "changed"');
    try {
      await answering({}, async (said) => {
        await vscode.workspace.fs.writeFile(file, new TextEncoder().encode(changed));
        await eventually(
          'word of the change',
          () => said,
          (all) => all.includes(profileStrings.outdated('named')),
        );
      });
      assert.match(
        (await runFile(inFolder('word.sh'))).text,
        /Profile “named” changed after this sandbox started[\s\S]*^word named/m,
      );
      await answering({}, async () => vscode.commands.executeCommand('modal.replaceSandbox'));
      assert.match((await runFile(inFolder('word.sh'))).text, /Started sandbox[\s\S]*^word changed/m);
    } finally {
      await vscode.workspace.fs.writeFile(file, before);
    }
  });

  it('bring back the files that they name, after each run', async () => {
    await choose('pulling');
    const uri = await writeWorkspaceFile('make.sh', 'mkdir -p results; echo 1 > results/a.csv; echo 2 > results/b.txt');
    assert.match((await runFile(uri)).text, /● Pulled 1 file\./);
    assert.equal(new TextDecoder().decode(await vscode.workspace.fs.readFile(inFolder('results/a.csv'))), '1\n');
    await vscode.workspace.fs.delete(inFolder('results'), { recursive: true });
    await choose('named');
  });

  it('are named by a task', async () => {
    const text = await textOf(async () => {
      const ended = new Promise<void>((resolve) => {
        const listener = vscode.tasks.onDidEndTask(({ execution }) => {
          if (execution.task.name !== 'profiled') return;
          listener.dispose();
          resolve();
        });
      });
      const own = (await vscode.tasks.fetchTasks({ type: 'modal' })).find(({ name }) => name === 'profiled');
      assert.ok(own, 'there is a task “profiled”');
      await vscode.tasks.executeTask(own);
      await ended;
    });
    assert.match(text, /^word offline$/m);
  });
});

describe('a profile that is kept warm', () => {
  /** Waits until the pick says that one is ready. */
  async function untilReady(): Promise<void> {
    await eventually(
      'a sandbox to be ready',
      () => choose('ready'),
      (offered) =>
        offered.some(
          ({ label, description }) =>
            label.endsWith('ready') && description?.includes(`$(flame) ${profileStrings.warm(1)}`),
        ),
    );
  }

  it('has a sandbox ready, set up and synced, which the next run takes; another one follows', async () => {
    await choose('ready');
    await untilReady();
    const script = await writeWorkspaceFile('warm.sh', 'echo "word $WORD"; ls /tmp/set-up');
    const { text } = await runFile(script);
    assert.match(text, /● Using warm sandbox sb-\S+\n[\s\S]*Synced [12] files? [\s\S]*^word ready\n\/tmp\/set-up$/m);
    assert.doesNotMatch(text, /Started sandbox/);
    await untilReady();
  });

  it('is ended with everything else by Stop Everything, and comes back with the next run', async () => {
    await choose('ready');
    await untilReady();
    const { messages } = await answering({}, async () => vscode.commands.executeCommand('modal.stopEverything'));
    assert.match(messages.join('\n'), /Stopped \d sandboxes\. Warm-ups are paused until the next run/);
    const offered = await choose('ready');
    assert.ok(!offered.some(({ description }) => /flame|running/.test(description ?? '')));
    assert.match((await runFile(inFolder('word.sh'))).text, /Started sandbox[\s\S]*^word ready/m);
    await untilReady();
    await choose('named');
  });
});

describe('modal.json in the editor', () => {
  it('marks what is wrong at its place, once, and mends a misspelt GPU and key', async () => {
    const file = inFolder('.vscode/wrong/.vscode/modal.json');
    const text =
      '{\n  "profiles": {\n    "a": { "gpu": "H1OO", "memryMiB": 4096, "cpu": "2", "envFile": "none.env" }\n  }\n}\n';
    await vscode.workspace.fs.writeFile(file, new TextEncoder().encode(text));
    const document = await vscode.workspace.openTextDocument(file);
    await vscode.window.showTextDocument(document);
    const found = await waitForProblems(file, ({ length }) => length === 4);
    const at = (word: string) =>
      found.filter(({ range }) => document.getText(range) === word).map(({ message }) => message);
    assert.match(at('"H1OO"').join(), /^“gpu” must be a GPU type that Modal offers \(did you mean “H100”\?\)\.$/);
    assert.match(at('"none.env"').join(), /doesn't exist in the workspace folder/);
    assert.match(at('"memryMiB"').join(), /not allowed/);
    assert.match(at('"2"').join(), /Incorrect type/);
    for (const [word, fixed] of [
      ['"H1OO"', '"H100"'],
      ['"memryMiB"', '"memoryMiB"'],
    ] as const) {
      const range = found.find((each) => document.getText(each.range) === word)?.range as vscode.Range;
      const actions = await vscode.commands.executeCommand<vscode.CodeAction[]>(
        'vscode.executeCodeActionProvider',
        file,
        range,
      );
      const fix = actions.find(({ title }) => title.startsWith('Change to'));
      assert.ok(fix?.edit, `a fix for ${word}`);
      await vscode.workspace.applyEdit(fix.edit);
      await eventually(
        fixed,
        () => document.getText(),
        (edited) => edited.includes(fixed),
      );
    }
    await document.save();
    await vscode.workspace.fs.delete(inFolder('.vscode/wrong'), { recursive: true });
  });
});

describe('New Profile', () => {
  it('asks for name, image and hardware, writes the file and keeps its comments', async () => {
    const file = inFolder('.vscode/modal.json');
    const before = await vscode.workspace.fs.readFile(file);
    try {
      const { result } = await answering({ showInputBox: 'fresh', showQuickPick: 'first' }, async () =>
        vscode.commands.executeCommand('modal.newProfile'),
      );
      assert.equal(result, 'fresh');
      const after = new TextDecoder().decode(await vscode.workspace.fs.readFile(file));
      assert.match(after, /\/\/ What the tests of profiles choose from\./);
      assert.match(after, /"fresh": \{\}/);
      await choose('fresh');
    } finally {
      await vscode.workspace.fs.writeFile(file, before);
      await choose('named');
    }
  });
});
