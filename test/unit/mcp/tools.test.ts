import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { createInterface } from 'node:readline';
import { AGENT_TAG } from '../../../src/mcp/sandboxes.ts';
import { MAX_RESULT_BYTES } from '../../../src/mcp/text.ts';
import { Snapshots } from '../../../src/snapshots/snapshots.ts';
import { type RunningLocalModal, startLocalModal } from '../../helpers/local-modal.ts';
import { accountOf, sessionsOf, starterOf } from '../../helpers/sessions.ts';
import { waitFor } from '../../helpers/wait-for.ts';
import { AgentFolder, MAY_RUN, resultOf, type TestAgent } from './clients.ts';

/** A PNG of one pixel. */
const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
/** The text between the lines that mark data. */
const DATA = /<(data-\w+)>\n([\s\S]*?)\n?<\/\1>/;

describe('The MCP server', () => {
  let server: RunningLocalModal;
  let folder: AgentFolder;
  const agents: TestAgent[] = [];
  const connect = async (...[setup]: Parameters<AgentFolder['connect']>) => {
    const agent = await folder.connect(setup);
    agents.push(agent);
    return agent;
  };
  const running = async () => (await server.control.running()).sandboxes;
  const noSandboxes = () => waitFor('the end of all sandboxes', 20_000, running, (all) => all.length === 0);

  /** Returns the names of the agents that started sandboxes. */
  const agentsOf = (sandboxes: readonly { id: string }[]) =>
    Promise.all(
      sandboxes.map(async ({ id }) => (await (await server.client().sandboxes.fromId(id)).getTags())[AGENT_TAG]),
    );

  before(async () => {
    server = await startLocalModal();
    folder = await AgentFolder.create(server);
    await writeFile(join(folder.path, 'greet.sh'), 'echo "hello $1"');
  });
  afterEach(async () => {
    await Promise.all(agents.splice(0).map((agent) => agent.close()));
    await noSandboxes();
  });
  after(async () => {
    await folder.dispose();
    await server.stop();
  });

  it('runs, reads, writes, and lists, and says what the user must allow', async () => {
    const noSend = await connect({ policy: { allow: { start: true } } });
    assert.equal((await noSend.call('sandbox_run', { shell: 'true' })).error?.permission, 'send');
    const agent = await connect();
    const { tools } = await agent.client.listTools();
    assert.equal(tools.length, 12);
    assert.ok(JSON.stringify(tools).length <= 6 * 1024, `${JSON.stringify(tools).length}`);

    const early = await agent.call('sandbox_output');
    assert.deepEqual([early.isError, early.error], [true, { kind: 'invalid' }]);
    const ran = await agent.call('sandbox_run_file', { path: 'greet.sh', args: ['you'] });
    assert.match(ran.text, /^run-1 ended in sandbox-1: Exited with code 0/);
    assert.equal(DATA.exec(ran.text)?.[2], 'hello you');
    assert.deepEqual(new Set(await agentsOf(await running())), new Set(['tester']));
    const quoted = await agent.call('sandbox_run', { argv: ['printf', '%s|', 'a b', '$HOME'], cwd: '.' });
    assert.equal(DATA.exec(quoted.text)?.[2], 'a b|$HOME|');
    const secret = await agent.call('sandbox_run', { shell: 'echo "token: $API_TOKEN" >&2; exit 3' });
    assert.match(secret.text, /code 3/);
    assert.equal(DATA.exec(secret.text)?.[2], 'token: ***');

    await agent.call('sandbox_write_file', { path: 'out/a.txt', content: 'ä'.repeat(9000) });
    await agent.call('sandbox_run', { shell: `echo ${PNG} | base64 -d > out/dot.png; ln -s /etc out/etc` });
    assert.deepEqual((await agent.call('sandbox_read_file', { path: 'out/dot.png' })).image, {
      type: 'image',
      mimeType: 'image/png',
      data: PNG,
    });
    const listed = await agent.call('sandbox_list_files', { path: 'out' });
    assert.equal(DATA.exec(listed.text)?.[2], 'a.txt (18.0 KB)\ndot.png (70 B)\netc/');
    let text = '';
    for (let offset: number | undefined = 0; offset !== undefined; ) {
      const page: string = (await agent.call('sandbox_read_file', { path: '/workspace/out/a.txt', offset })).text;
      text += DATA.exec(page)?.[2];
      const [, next] = /^more: offset (\d+)$/m.exec(page) ?? [];
      offset = next === undefined ? undefined : Number(next);
    }
    assert.equal(text, 'ä'.repeat(9000));

    const secretFile = join(folder.home, 'local.sh');
    await writeFile(secretFile, 'echo local secret');
    await symlink(secretFile, join(folder.path, 'link.sh'));
    for (const path of [relative(folder.path, secretFile), 'link.sh'])
      assert.equal((await agent.call('sandbox_run_file', { path })).error?.kind, 'denied');
    await rm(join(folder.path, 'link.sh'));
    for (const [tool, input, key] of [
      ['sandbox_read_file', { path: '/etc/passwd' }, 'outside'],
      ['sandbox_read_file', { path: 'out/etc/passwd' }, 'outside'],
      ['sandbox_write_file', { path: 'out/etc/new', content: '' }, 'outside'],
      ['sandbox_pull', { patterns: ['out/*.txt'] }, 'pull'],
      ['sandbox_terminate', {}, 'terminate'],
    ] as const) {
      const denied = await agent.call(tool, input);
      assert.deepEqual(denied.error, { kind: 'denied', permission: key });
      assert.ok(denied.text.includes(`"allow": {"${key}": true} in ${agent.policyPath}`), denied.text);
    }
    const own = await agent.call('sandbox_terminate', { confirm: true });
    assert.match(own.text, /Unrecognized key: "confirm"/);
    await writeFile(agent.policyPath, JSON.stringify({ allow: { ...MAY_RUN, pull: true, terminate: true } }));
    assert.equal((await agent.call('sandbox_pull', { patterns: ['out/*.txt'] })).text, 'Pulled 1 file.');
    assert.equal((await readFile(join(folder.path, 'out', 'a.txt'))).length, 18_000);

    const saved = await agent.call('sandbox_snapshot', { name: 'before' });
    assert.match(saved.text, /snapshot-1/);
    const forked = await agent.call('sandbox_fork', { from: 'snapshot-1' });
    assert.match(forked.text, /^sandbox-2/);
    const inFork = await agent.call('sandbox_run', { shell: 'ls out', sandbox: 'sandbox-2' });
    assert.match(inFork.text, /dot\.png/);
    assert.match((await agent.call('sandbox_terminate')).text, /^sandbox-1/);
    const gone = await agent.call('sandbox_run', { shell: 'true', sandbox: 'sandbox-1' });
    assert.deepEqual(gone.error, { kind: 'gone', why: 'terminated', sandbox: 'sandbox-1' });
    const unknown = await agent.call('sandbox_run', { shell: 'true', sandbox: 'sb-123' });
    assert.match(unknown.text, /Valid: sandbox-2\./);
    await writeFile(join(folder.path, 'later.txt'), '');
    const status = await agent.call('sandbox_status');
    assert.match(status.text, /synced before each run \(1 files to send and 0 to delete in sandbox-2\)/);
    assert.match(status.text, /^sandbox-2: fork/m);
    assert.match(status.text, /^run-1: greet\.sh: ended/m);
  });

  it('cuts long outputs, and returns the rest in pages', async () => {
    const agent = await connect();
    const lines = 'for i in $(seq 1 3000); do echo "line $i äöü 日本"; done';
    const ran = await agent.call('sandbox_run', { shell: lines });
    assert.ok(Buffer.byteLength(ran.text) <= MAX_RESULT_BYTES);
    const [, run = '', first] = /sandbox_output \{"run": "(run-1)", "offset": (\d+)\}/.exec(ran.text) ?? [];
    assert.match(ran.text, /line 1 .*[\s\S]*line 3000 /);
    let rest = '';
    for (let offset = Number(first), isEnd = false; !isEnd; ) {
      const page = await agent.call('sandbox_output', { run, offset });
      assert.ok(Buffer.byteLength(page.text) <= MAX_RESULT_BYTES);
      rest += /<(data-\w+)>\n([\s\S]*?)<\/\1>/.exec(page.text)?.[2];
      offset = Number(/^more: offset (\d+)/m.exec(page.text)?.[1]);
      isEnd = /^end of output$/m.test(page.text);
    }
    assert.deepEqual(rest.match(/line 3000 äöü 日本/g)?.length, 1);
    assert.ok((rest.match(/äöü 日本/g)?.length ?? 0) > 2800);
  });

  it('asks the user in both versions of the protocol, and keeps to the answer', async () => {
    for (const isModern of [false, true]) {
      const questions: string[] = [];
      const answers = ['Allow once', undefined, 'Allow for this session'] as const;
      const answer = (question: string) => answers[questions.push(question) - 1];
      const agent = await connect({ answer, isModern });
      const read = () => agent.call('sandbox_read_file', { path: '/etc/hostname' });
      assert.equal((await read()).isError, false);
      assert.deepEqual((await read()).error, { kind: 'denied', permission: 'outside' });
      assert.equal((await read()).isError, false);
      assert.equal((await read()).isError, false);
      assert.equal(questions.length, 3);
      assert.match(questions[0] ?? '', /\/etc\/hostname/);
    }
  });

  it("copies the user's sandbox, or shares it without being able to terminate it", async () => {
    const user = sessionsOf(starterOf(() => accountOf(server)));
    const { sandbox } = await user.acquire({ name: 'folder', path: folder.path }, 'other');
    await sandbox.filesystem.writeText('from the user', '/opt/note');
    const copy = await connect();
    const inCopy = await copy.call('sandbox_run', { shell: 'cat /opt/note; echo mine > /opt/note; echo $PROFILE' });
    assert.match(inCopy.text, /from the user\s*other/);
    assert.equal(await sandbox.filesystem.readText('/opt/note'), 'from the user');
    const sharing = await connect({ policy: { sandbox: 'shared', allow: { ...MAY_RUN, terminate: true } } });
    const shared = await sharing.call('sandbox_run', { shell: 'cat /opt/note' });
    assert.match(shared.text, /from the user/);
    const points = await new Snapshots(async () => server.client()).list();
    assert.deepEqual(
      points.flatMap(({ name, savePoint }) => (savePoint ? [[name, savePoint]] : [])),
      [['Before tester', 'automatic']],
    );
    assert.equal((await sharing.call('sandbox_terminate')).error?.kind, 'denied');
    assert.equal((await running()).length, 2);
    await sharing.close();
    assert.equal(await sandbox.poll(), null);
    await user.dispose();
  });

  it('keeps two agents apart', async () => {
    const policy = { allow: { ...MAY_RUN, terminate: true } };
    const [one, other] = await Promise.all([connect({ name: 'one', policy }), connect({ name: 'other', policy })]);
    const [ofOne, ofOther] = await Promise.all([
      one.call('sandbox_run', { shell: 'echo one > who; sleep 0.2; cat who' }),
      other.call('sandbox_run', { shell: 'echo other > who; sleep 0.2; cat who' }),
    ]);
    assert.deepEqual([DATA.exec(ofOne.text)?.[2], DATA.exec(ofOther.text)?.[2]], ['one', 'other']);
    await one.call('sandbox_run', { shell: 'sleep 600', background: true });
    assert.match((await other.call('sandbox_output', { run: 'run-2' })).text, /Valid: run-1\./);
    await other.call('sandbox_terminate');
    await other.close();
    assert.match((await one.call('sandbox_output')).text, /^run-2 is running/);
    assert.deepEqual(await agentsOf(await running()), ['one']);
  });

  it('stops everything once the budget is spent, and starts nothing without permission', async () => {
    const careful = await connect({ policy: {} });
    const denied = await careful.call('sandbox_run', { shell: 'true' });
    assert.deepEqual(denied.error, { kind: 'denied', permission: 'start' });
    assert.match(denied.text, /per hour/);
    const secretive = { profile: 'secretive', allow: MAY_RUN };
    const noSecret = await connect({ policy: secretive });
    const refused = await noSecret.call('sandbox_run', { shell: 'true' });
    assert.deepEqual(refused.error, { kind: 'denied', permission: 'profile' });
    await writeFile(noSecret.policyPath, JSON.stringify({ ...secretive, allow: { ...MAY_RUN, profile: true } }));
    const missing = await noSecret.call('sandbox_run', { shell: 'true' });
    assert.match(missing.text, /^failed: .*“missing”/);
    const settings = join(folder.home, 'settings.json');
    await writeFile(settings, '{ "modal.budget.perDay": 0.000001 }');
    const overall = await connect();
    const first = await overall.call('sandbox_run', { shell: 'true' });
    const forked = first.isError ? first : await overall.call('sandbox_fork');
    assert.equal(forked.error?.kind, 'budget', "the user's own");
    await rm(settings);
    // About a second of the smallest sandbox.
    const policy = { budgetUsd: 0.000_005, allow: MAY_RUN };
    const agent = await connect({ policy });
    const kinds: (string | undefined)[] = [];
    for (let at = 0; at < 5; at += 1) kinds.push((await agent.call('sandbox_run', { shell: 'sleep 600' })).error?.kind);
    assert.deepEqual(kinds, Array(5).fill('budget'));
    assert.equal((await agent.call('sandbox_fork')).error?.kind, 'budget');
  });

  it('stops programs when asked, and says what became of a sandbox', async () => {
    const agent = await connect();
    const canceling = new AbortController();
    let progress = 0;
    const call = agent.call(
      'sandbox_run',
      { shell: 'trap "" HUP; sleep 600 & sleep 601' },
      { signal: canceling.signal, onprogress: () => (progress += 1) },
    );
    const sleeping = async () => (await running()).flatMap(({ execs }) => execs);
    await waitFor('progress of the program', 10_000, sleeping, (all) => all.length > 0 && progress > 0);
    canceling.abort();
    await assert.rejects(call);
    await waitFor('the end of the program', 10_000, sleeping, (all) => all.length === 0);
    await agent.call('sandbox_run', { shell: 'sleep 3; echo more; sleep 602', background: true });
    const startedAt = performance.now();
    const more = await agent.call('sandbox_output', { offset: 0, wait_s: 25 });
    assert.equal(DATA.exec(more.text)?.[2], 'more');
    assert.ok(performance.now() - startedAt < 20_000, "it doesn't wait for the end");
    assert.match((await agent.call('sandbox_stop_run')).text, /SIGINT/);

    const [lost] = await running();
    await agent.call('sandbox_run', { shell: 'sleep 603', background: true });
    await server.control.preempt(lost?.id ?? '');
    const end = await agent.call('sandbox_output', { wait_s: 20 });
    assert.match(end.text, /^run-3 failed in sandbox-1 .*: sandbox-1 has ended \(preempted\)/);
    const gone = await agent.call('sandbox_run', { shell: 'true', sandbox: 'sandbox-1' });
    assert.deepEqual(gone.error, { kind: 'gone', why: 'preempted', sandbox: 'sandbox-1' });
    assert.match((await agent.call('sandbox_run', { shell: 'true' })).text, /ended in sandbox-2: Exited with code 0/);
  });

  it('finishes its calls when its input ends, and leaves nothing when its client is killed', async () => {
    const finishing = await folder.spawn();
    const lines: string[] = [];
    createInterface(finishing.stdout).on('line', (line) => lines.push(line));
    const params = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'raw', version: '1' } };
    const send = (message: object) => finishing.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
    send({ id: 1, method: 'initialize', params });
    send({ method: 'notifications/initialized' });
    const run = { name: 'sandbox_run', arguments: { shell: 'sleep 0.5; echo done' } };
    send({ id: 2, method: 'tools/call', params: run });
    finishing.stdin.end();
    const [code] = await once(finishing, 'exit');
    assert.equal(code, 0);
    const answer = JSON.parse(lines.at(-1) ?? '');
    assert.equal(answer.id, 2);
    assert.match(resultOf(answer.result).text, /done/);
    await noSandboxes();

    const orphan = await folder.spawn();
    orphan.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params })}\n`);
    const background = { name: 'sandbox_run', arguments: { shell: 'sleep 600', background: true } };
    orphan.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id: 2, method: 'tools/call', params: background })}\n`);
    await waitFor('the program', 20_000, running, (all) => all.some(({ execs }) => execs.length > 0));
    const exited = once(orphan, 'exit');
    orphan.stdout.destroy();
    orphan.stderr.destroy();
    orphan.stdin.destroy();
    await exited;
  });
});
