import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { strings as permissionStrings } from '../../../src/providers/permissions/strings.ts';
import { strings as profileStrings } from '../../../src/providers/profiles/strings.ts';
import { strings } from '../../../src/providers/run/strings.ts';
import { strings as permissionTexts } from '../../../src/sandboxes/permissions/strings.ts';
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

/** Chooses a profile in the picker, and returns the items that it offered. */
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

describe('Profiles of a folder', () => {
  before(activate);

  it("uses the folder's default profile until another one is chosen", async () => {
    assert.match((await runFile(inFolder('word.sh'))).text, /^word named/m);
    await choose('offline');
    assert.match((await runFile(inFolder('word.sh'))).text, /● Started sandbox.*[\s\S]*^word offline/m);
    await choose('named');
    const back = await runFile(inFolder('word.sh'));
    assert.match(back.text, /^word named/m);
    assert.doesNotMatch(back.text, /Started sandbox/, 'its sandbox is still running');
  });

  it('offers profiles with their hardware, price, image, and running sandboxes', async () => {
    const offered = await choose('named');
    const row = (name: string) => offered.find(({ label }) => label.endsWith(name));
    assert.match(row('named')?.label ?? '', /^\$\(check\)/);
    assert.equal(offered[0], row('named'), 'the picker starts at the current profile');
    assert.match(row('named')?.description ?? '', /smallest · \$0\.0\d+\/h · .*running/);
    assert.match(row('named')?.detail ?? '', /^With a word in it · base image · \.vscode\/modal\.json$/);
    assert.match(row('broken')?.description ?? '', /not valid/);
    assert.match(row('broken')?.detail ?? '', /gpu must be a GPU type that Modal offers \(did you mean “H100”\?\)/);
  });

  it("applies a profile's environment file, which its own variables override, and mounts a host volume", async () => {
    await choose('filed');
    const { result, messages } = await answering({ showWarningMessage: permissionStrings.allow() }, () =>
      runFile(inFolder('word.sh')),
    );
    assert.ok(messages.includes(permissionTexts.question('filed', 'profiles')), messages.join());
    const { text } = result;
    assert.match(text, /^word file env$/m);
    assert.match(text, /^\.cache checkpoints git-repos workspace/m);
    await choose('named');
  });

  it("starts nothing if a profile isn't valid, and explains what to fix and where", async () => {
    await choose('broken');
    const { text, error } = await runFile(inFolder('word.sh'));
    assert.match(error ?? '', /^Profile “broken” isn't valid: gpu must be .* Fix it in \.vscode\/modal\.json/);
    assert.doesNotMatch(text, /Started/);
    await choose('named');
  });

  it('shows the profile in the code lens, next to a code lens that changes it', async () => {
    const uri = await writeWorkspaceFile('lens.py', 'print()\n');
    await vscode.window.showTextDocument(uri);
    const lenses = await vscode.commands.executeCommand<vscode.CodeLens[]>('vscode.executeCodeLensProvider', uri);
    const titles = lenses.map(({ command }) => command?.title).filter((title) => /Sandbox|Profile/.test(title ?? ''));
    const run = `$(play) ${strings.lens('named')}`;
    assert.deepEqual(titles, [run, `$(debug-alt) ${strings.debugLens()}`, strings.changeProfile()]);
  });

  it('offers the profiles in the user settings', async () => {
    await withSetting('profiles', { mine: { env: { WORD: 'mine' }, hostVolume: false } }, async () => {
      await choose('mine');
      assert.match((await runFile(inFolder('word.sh'))).text, /^word mine/m);
    });
    assert.match(
      (await runFile(inFolder('word.sh'))).text,
      /^word named/m,
      "the folder's default is used once the profile is gone",
    );
  });

  it('reports that a profile changed after its sandbox started, and replaces the sandbox by command', async () => {
    const file = inFolder('.vscode/modal.json');
    const before = await vscode.workspace.fs.readFile(file);
    await runFile(inFolder('word.sh'));
    const changed = new TextDecoder().decode(before).replace('"WORD": "named"', '"WORD": "changed"');
    try {
      await answering({}, async (said) => {
        await vscode.workspace.fs.writeFile(file, new TextEncoder().encode(changed));
        await eventually(
          'the message about the change',
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

  it('pulls the files that a profile names after each run', async () => {
    await choose('pulling');
    const uri = await writeWorkspaceFile('make.sh', 'mkdir -p results; echo 1 > results/a.csv; echo 2 > results/b.txt');
    assert.match((await runFile(uri)).text, /● Pulled 1 file\./);
    assert.equal(new TextDecoder().decode(await vscode.workspace.fs.readFile(inFolder('results/a.csv'))), '1\n');
    await vscode.workspace.fs.delete(inFolder('results'), { recursive: true });
    await choose('named');
  });

  it('runs a task with the profile that it names', async () => {
    const text = await textOf(async () => {
      const ended = new Promise<void>((resolve) => {
        const listener = vscode.tasks.onDidEndTask(({ execution }) => {
          if (execution.task.name !== 'profiled') return;
          listener.dispose();
          resolve();
        });
      });
      const own = (await vscode.tasks.fetchTasks({ type: 'modal' })).find(({ name }) => name === 'profiled');
      assert.ok(own, 'the task “profiled” exists');
      await vscode.tasks.executeTask(own);
      await ended;
    });
    assert.match(text, /^word offline$/m);
  });
});

describe('A profile with warm sandboxes', () => {
  it('keeps none warm until the user allows it', async () => {
    await choose('ready');
    const offered = () => choose('ready').then((rows) => rows.find(({ label }) => label.endsWith('ready')));
    assert.doesNotMatch((await offered())?.description ?? '', /flame/);
    const allow = { showWarningMessage: permissionStrings.allow() };
    const { messages } = await answering(allow, async () => vscode.commands.executeCommand('modal.reviewPermissions'));
    assert.ok(messages.includes(permissionTexts.question('ready', 'profiles')), messages.join());
    await untilReady();
  });

  /** Waits until the picker shows a warm sandbox. */
  async function untilReady(): Promise<void> {
    await eventually(
      'a warm sandbox',
      () => choose('ready'),
      (offered) =>
        offered.some(
          ({ label, description }) =>
            label.endsWith('ready') && description?.includes(`$(flame) ${profileStrings.warm(1)}`),
        ),
    );
  }

  it('uses a warm sandbox, already set up and synced, for the next run, and starts a replacement', async () => {
    await choose('ready');
    await untilReady();
    const script = await writeWorkspaceFile('warm.sh', 'echo "word $WORD"; ls /tmp/set-up');
    const { text } = await runFile(script);
    assert.match(text, /● Using warm sandbox sb-\S+\n[\s\S]*Synced [12] files? [\s\S]*^word ready\n\/tmp\/set-up$/m);
    assert.doesNotMatch(text, /Started sandbox/);
    await untilReady();
  });

  it('stops warm sandboxes with Stop All Sandboxes and Warm-Ups, and starts them again with the next run', async () => {
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
  it('marks each problem once, and fixes a misspelled GPU type and key', async () => {
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
  it('asks for a name, image, and hardware, and adds the profile without removing comments', async () => {
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
