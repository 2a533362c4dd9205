import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { strings as runStrings } from '../../../src/providers/run/strings.ts';
import { strings as permissionTexts } from '../../../src/sandboxes/permissions/strings.ts';
import { activate, answering, runFile, withSetting, writeWorkspaceFile } from '../extension-under-test.ts';

const MODAL_JSON = '.vscode/modal.json';

/** The profiles of the folder, which of them is used, a file to run, and what is said at the end. */
const REFUSALS: readonly (readonly [what: string, modalJson: string, file: string, says: RegExp])[] = [
  [
    'a file of profiles that is not valid JSON',
    '{ "default": "one", "profiles": { ',
    'a.sh',
    /^\.vscode\/modal\.json isn't valid JSON .* Fix it/,
  ],
  [
    'a default profile that does not exist',
    '{ "default": "gone", "profiles": { "one": {} } }',
    'a.sh',
    /“gone”.* Use one of .*one/,
  ],
  [
    'a profile that is not valid',
    '{ "default": "one", "profiles": { "one": { "cpu": "two" } } }',
    'a.sh',
    /^Profile “one” isn't valid: cpu .* Fix it in \.vscode\/modal\.json/,
  ],
  [
    'a missing Dockerfile',
    '{ "default": "one", "profiles": { "one": { "hostVolume": false, "image": { "dockerfile": "No.Dockerfile" } } } }',
    'a.sh',
    /No\.Dockerfile/,
  ],
  ['a notebook', '{}', 'a.ipynb', new RegExp(escaped(runStrings.noNotebooks('a.ipynb')))],
  ['a file that is excluded', '{}', 'node_modules/a.sh', /node_modules/],
];

describe('A run that is refused', () => {
  let original: Uint8Array;
  before(async () => {
    await activate();
    original = await vscode.workspace.fs.readFile(inFolder(MODAL_JSON));
  });
  afterEach(() => vscode.workspace.fs.writeFile(inFolder(MODAL_JSON), original));

  for (const [what, modalJson, file, says] of REFUSALS) {
    it(`ends with a sentence about ${what}`, async () => {
      await writeWorkspaceFile(MODAL_JSON, modalJson);
      await refused(file, says);
    });
  }

  it('asks what a profile may do, and runs nothing without an answer', async () => {
    await writeWorkspaceFile('unseen.env', 'A=1\n');
    await writeWorkspaceFile(MODAL_JSON, '{ "default": "asks", "profiles": { "asks": { "envFile": "unseen.env" } } }');
    const uri = await writeWorkspaceFile('a.sh', 'echo ran\n');
    const { result, messages } = await answering({}, () => runFile(uri));
    assert.deepEqual(messages, [permissionTexts.question('asks', 'profiles')]);
    assert.equal(result.exitCode, undefined);
  });

  it('ends with a sentence about an account that does not exist', () =>
    withSetting('account', 'profile:absent', () => refused('a.sh', /absent|account/)));

  async function refused(file: string, says: RegExp): Promise<void> {
    const uri = await writeWorkspaceFile(file, 'echo ran\n');
    const { result } = await answering({}, () => runFile(uri));
    assert.match(result.error ?? `It ran: ${result.exitCode}`, says);
    assert.equal(result.exitCode, undefined);
  }
});

function inFolder(path: string): vscode.Uri {
  return vscode.Uri.joinPath(vscode.workspace.workspaceFolders?.[0]?.uri as vscode.Uri, path);
}

function escaped(text: string): string {
  return text.replaceAll(/[$()*+.?[\\\]^{|}]/g, '\\$&');
}
