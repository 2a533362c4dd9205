import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { strings as questions } from '../../../src/providers/permissions/strings.ts';
import { strings as permissionTexts, strings } from '../../../src/sandboxes/permissions/strings.ts';
import { strings as syncTexts } from '../../../src/sync/strings.ts';
import { type RunningLocalModal, startLocalModal, useProfileOf } from '../../helpers/local-modal.ts';
import { activate, answering, eventually, runFile } from '../extension-under-test.ts';

const VARIABLE = 'PLANTED_VARIABLE';

describe('A trusted folder whose files ask for as much as possible', () => {
  const script = () => vscode.Uri.joinPath(vscode.workspace.workspaceFolders?.[0]?.uri as vscode.Uri, 'hello.sh');
  /** The variables of this process that were read, or `*` if all were. */
  const read = new Set<string>();
  let server: RunningLocalModal | undefined;
  let leaveAccount = () => {};

  before(() => {
    assert.equal(process.env[VARIABLE], 'planted');
    process.env = watched(process.env, read);
  });
  after(async () => {
    leaveAccount();
    await server?.stop();
  });

  /** Looks at a file for as long as it takes until more would have happened. */
  async function look(): Promise<void> {
    await vscode.window.showTextDocument(script());
    await activate();
    // biome-ignore lint/plugin: Nothing but time can show that nothing happens.
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    await vscode.commands.executeCommand('workbench.action.closeActiveEditor');
  }
  const isSdkLoaded = () => Object.keys(require.cache).some((path) => path.endsWith('modal-sdk.cjs'));

  it('starts no Local Modal, loads no SDK, and reads no variable when it is opened and a file is looked at', async () => {
    await look();
    assert.deepEqual(
      childCommands().filter((line) => line.includes('local-modal')),
      [],
    );
    assert.deepEqual([isSdkLoaded(), read.has(VARIABLE), read.has('*')], [false, false, false]);
  });

  it('makes no call with an account either, and names what the folder asks for in one notification', async () => {
    const extension = vscode.extensions.getExtension('modal-sandboxes.modal-sandboxes');
    const bundle = join(extension?.extensionPath ?? '', 'dist', 'local-modal.cjs');
    const env = { ...(process.env as Record<string, string>), ELECTRON_RUN_AS_NODE: '1' };
    server = await startLocalModal({
      bundle,
      env,
      tokens: ['ak-1:as-1'],
      seed: { secrets: { production: { KEY: 'value' } } },
    });
    leaveAccount = useProfileOf(server);
    read.clear();
    const { messages } = await answering({}, async (shown) => {
      const configuration = vscode.workspace.getConfiguration('modal');
      await configuration.update('account', 'profile:main', vscode.ConfigurationTarget.Global);
      await eventually(
        'the notification',
        () => shown,
        (all) => all.length > 0,
      );
      await look();
    });
    assert.equal(messages.length, 1, 'one notification, and no dialog');
    assert.match(
      messages[0] ?? '',
      /^Profile “everything” in “stranger” asks for your permission: Keep 10 sandboxes running while VS Code is open \(H100:8 or L4, about \$316\.\d+ per hour in total\); Rebuild the image every minute; Read the variable PLANTED_VARIABLE on this computer, for the image's build; … and 5 more$/,
    );
    assert.deepEqual(await server.control.calls(), {});
    assert.deepEqual([isSdkLoaded(), read.has(VARIABLE), read.has('*')], [false, false, false]);
  });

  const run = (answer: string | undefined) =>
    answering(answer === undefined ? {} : { showWarningMessage: answer }, () => runFile(script()));
  const created = async () =>
    Object.keys((await server?.control.calls()) ?? {}).filter((name) => /Create|Exec|Upload|Put/.test(name));

  it('asks about everything in one dialog when a file is run, and starts nothing without an answer', async () => {
    const { messages, details, result } = await withDetails(() => run(undefined));
    assert.deepEqual(messages, [permissionTexts.question('everything', 'stranger')]);
    const lines = (details[0] ?? '').split('\n').filter((line) => line.startsWith('•'));
    const [, size = ''] = /\(([\d.]+ KB)\)/.exec(lines[8] ?? '') ?? [];
    assert.match(lines[6] ?? '', /^• Move to a new sandbox before the maximum lifetime ends/);
    assert.deepEqual(lines.toSpliced(6, 1).slice(2), [
      permissionTexts.line(strings.buildVariable(VARIABLE)),
      permissionTexts.line(strings.envFile('.env')),
      permissionTexts.line(strings.secret('production')),
      permissionTexts.line(strings.changeVolume('customer-data')),
      permissionTexts.line(strings.publicPort(8000)),
      permissionTexts.line(
        strings.copyFiles('5 files', size, '.modalignore, .vscode/modal.json, .vscode/settings.json'),
      ),
      permissionTexts.line(strings.copyCredential('deploy.pem')),
    ]);
    assert.equal(result.error, strings.canceled());
    assert.deepEqual([await created(), read.has(VARIABLE)], [['AppGetOrCreate'], false]);
  });

  it("says what is missing after “Don't Allow”, asks no second time, and runs other profiles", async () => {
    const refused = await run(questions.dontAllow());
    assert.match(
      refused.result.error ?? '',
      /^Profile “everything” needs something that you didn't allow \(Read the var/,
    );
    const again = await run(undefined);
    assert.deepEqual([again.messages, again.result.error], [[], refused.result.error]);
    assert.deepEqual([await created(), read.has(VARIABLE)], [['AppGetOrCreate'], false]);

    await choose('mine');
    const { details, result } = await withDetails(() => run(syncTexts.sync()));
    assert.match(result.text, /hello from a stranger/);
    assert.match(details[0] ?? '', /Sent although they look like credentials[^:]*:\n\.env\ndeploy\.pem/);
    await choose('everything');
  });

  it('changes the answers by command', async () => {
    await choose('secret');
    assert.match((await run(undefined)).result.error ?? '', /Use the secret “production”/);
    await answering({ showQuickPick: 'all' }, async () => vscode.commands.executeCommand('modal.reviewPermissions'));
    const { messages, result } = await run(undefined);
    assert.deepEqual([messages, result.exitCode], [[], 0], 'what was refused is allowed now');
  });
});

/** Answers like `answering`, and collects the details of dialogs as well. */
async function withDetails<T extends object>(action: () => Promise<T>): Promise<T & { details: string[] }> {
  const details: string[] = [];
  const host = vscode.window as unknown as { showWarningMessage: unknown };
  const original = host.showWarningMessage;
  const descriptor = Object.getOwnPropertyDescriptor(host, 'showWarningMessage');
  let current = original as (...args: unknown[]) => unknown;
  Object.defineProperty(host, 'showWarningMessage', {
    configurable: true,
    get:
      () =>
      (...args: unknown[]) => {
        const options = args.find((each) => typeof each === 'object') as { detail?: string } | undefined;
        if (options?.detail !== undefined) details.push(options.detail);
        return current(...args);
      },
    set: (value: typeof current) => {
      current = value;
    },
  });
  try {
    return { ...(await action()), details };
  } finally {
    Object.defineProperty(
      host,
      'showWarningMessage',
      descriptor ?? { configurable: true, writable: true, value: original },
    );
  }
}

/** Chooses a profile in the picker. */
async function choose(name: string): Promise<void> {
  const host = vscode.window as { showQuickPick: unknown };
  const original = host.showQuickPick;
  host.showQuickPick = async (items: { profile?: string }[]) => items.find(({ profile }) => profile === name);
  try {
    assert.equal(await vscode.commands.executeCommand('modal.chooseProfile'), name);
  } finally {
    host.showQuickPick = original;
  }
}

/** The command lines of this process's child processes. Empty where there is no `/proc`. */
function childCommands(): string[] {
  try {
    const children = readdirSync('/proc/self/task').flatMap((thread) =>
      readFileSync(`/proc/self/task/${thread}/children`, 'utf8').split(' '),
    );
    return children.filter((pid) => pid !== '').map((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8'));
  } catch {
    return [];
  }
}

/** Returns true while code of the extension runs. Other extensions share this process. */
const isOurs = () => /dist[\\/]extension\.cjs/.test(new Error().stack ?? '');

/** Notes which variables the extension reads. */
function watched(env: NodeJS.ProcessEnv, read: Set<string>): NodeJS.ProcessEnv {
  return new Proxy(env, {
    get: (target, name) => {
      if (typeof name === 'string' && isOurs()) read.add(name);
      return Reflect.get(target, name);
    },
    ownKeys: (target) => {
      if (isOurs()) read.add('*');
      return Reflect.ownKeys(target);
    },
  });
}
