import assert from 'node:assert/strict';
import { formatMinutes } from '../../../src/base/text.ts';
import { mountTags } from '../../../src/modal/mounts.ts';
import { Prices } from '../../../src/modal/prices.ts';
import type { SandboxSummary } from '../../../src/modal/sandbox-list.ts';
import { Tag } from '../../../src/modal/sandboxes.ts';
import { describeSandbox, detailsOf, factsOf, groupsOf } from '../../../src/views/sandboxes/sandbox-rows.ts';
import { strings } from '../../../src/views/sandboxes/strings.ts';

const prices = new Prices();
const minute = 60_000;
const start = new Date('2026-11-21T10:00:00Z');
const at = (minutes: number) => new Date(start.getTime() + minutes * minute);

function sandbox(id: string, more: Partial<SandboxSummary> = {}): SandboxSummary {
  return {
    id,
    state: 'running',
    createdAt: start,
    endsAt: at(240),
    imageId: 'im-1',
    hardware: {},
    ports: [],
    tags: {},
    ...more,
  };
}

describe('Rows of the Sandboxes view', () => {
  it('groups sandboxes by where they were started, without empty groups', () => {
    const origin = { folderKeys: ['here'], machineKey: 'me' };
    const tags = (folder: string, machine?: string) => ({
      tags: { [Tag.folder]: folder, ...(machine && { [Tag.machine]: machine }) },
    });
    const sandboxes = [
      sandbox('mine', tags('here', 'me')),
      sandbox('other folder', tags('there', 'me')),
      sandbox('same folder elsewhere', tags('here', 'other')),
      sandbox('older than the tag', tags('here')),
      sandbox('no tags'),
      sandbox('ended', { ...tags('here', 'me'), state: 'ended', end: 'timeout', endedAt: at(5) }),
    ];
    const groups = groupsOf({ sandboxes, prices: undefined }, origin);
    assert.deepEqual(
      groups.map(({ id, sandboxes: members }) => [id, members.map((each) => each.id)]),
      [
        ['folder', ['mine', 'older than the tag']],
        ['machine', ['other folder']],
        ['others', ['same folder elsewhere', 'no tags']],
        ['ended', ['ended']],
      ],
    );
    assert.deepEqual(groupsOf({ sandboxes: [], prices: undefined }, origin), []);
  });

  it('shows profile, age, remaining time, and cost so far', () => {
    const now = at(62.5).getTime();
    assert.equal(describeSandbox(sandbox('a'), prices, now), '1 h 2 min · 2 h 57 min left · about $0.022');
    assert.equal(
      describeSandbox(sandbox('a', { tags: { [Tag.profile]: 'gpu' } }), undefined, now),
      'gpu · 1 h 2 min · 2 h 57 min left',
    );
    assert.equal(
      describeSandbox(sandbox('a', { hardware: { gpu: 'NEW-GPU' } }), prices, now),
      '1 h 2 min · 2 h 57 min left',
      'no price is shown for an unknown GPU',
    );
    assert.match(
      describeSandbox(sandbox('a', { state: 'starting' }), prices, start.getTime()),
      /^starting · under 1 min/,
    );
  });

  it('shows how a sandbox stopped, how long it ran, and what it cost', () => {
    const ended = sandbox('a', { state: 'ended', end: 'timeout', endedAt: at(240), hardware: { gpu: 'T4' } });
    assert.equal(describeSandbox(ended, prices, at(2000).getTime()), 'timed out · ran for 4 h 0 min · about $2.44');
  });

  it('shows ports with their URLs, mounts, hardware, and user-defined tags below a sandbox', () => {
    const mounts = [{ path: '/mnt/data', volume: 'data', isReadOnly: true }];
    const rows = detailsOf(
      sandbox('sb-1', {
        name: 'web',
        ports: [{ port: 8000, url: 'https://a.modal.host' }],
        hardware: { cpu: 2, memoryMiB: 1024, gpu: 'H100' },
        idleTimeoutMs: 600_000,
        tags: { [Tag.folder]: 'x', [Tag.profile]: 'gpu', team: 'vision', ...mountTags(mounts) },
      }),
    );
    assert.deepEqual(
      rows.map((row) => {
        if (row.kind === 'mount') return [row.path, row.volume, row.isReadOnly];
        return row.kind === 'port' ? [row.port, row.url] : [row.label, row.text];
      }),
      [
        [8000, 'https://a.modal.host'],
        ['/mnt/data', 'data', true],
        ['Profile', 'gpu'],
        ['Hardware', 'H100, 2 cores, 1024 MiB'],
        [strings.idleTimeout(), '10 min'],
        ['Image', 'im-1'],
        ['Tag team', 'vision'],
        [strings.id(), 'sb-1'],
      ],
    );
  });

  it("shows the facts about a sandbox in its tooltip, without the extension's own tags", () => {
    const ended = sandbox('sb-1', {
      name: 'web',
      state: 'ended',
      end: 'timeout',
      endedAt: at(240),
      tags: { [Tag.folder]: 'x', [Tag.profile]: 'gpu', team: 'vision', ...mountTags([]) },
    });
    assert.deepEqual(factsOf(ended, prices, at(300).getTime()), [
      ['Started', start.toLocaleString()],
      [strings.stoppedAt(), `${at(240).toLocaleString()} (timed out)`],
      ['Cost', 'about $0.083'],
      ['Profile', 'gpu'],
      ['Image', 'im-1'],
      ['Tag team', 'vision'],
      [strings.id(), 'sb-1'],
    ]);
    assert.deepEqual(factsOf(sandbox('a'), undefined, 0)[1], [strings.expires(), at(240).toLocaleString()]);
  });

  it('never shows a negative duration', () => assert.equal(formatMinutes(-5), 'under 1 min'));
});
