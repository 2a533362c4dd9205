import assert from 'node:assert/strict';
import { closeSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Jail } from '../../../local/isolation/jail.ts';

describe('Jail', () => {
  let outside: string;
  let root: string;
  let jail: Jail;

  beforeEach(() => {
    outside = mkdtempSync(path.join(tmpdir(), 'jail-'));
    root = path.join(outside, 'root');
    mkdirSync(path.join(root, 'etc'), { recursive: true });
    writeFileSync(path.join(outside, 'secret'), 'outside');
    writeFileSync(path.join(root, 'etc/secret'), 'inside');
    jail = new Jail(root);
  });
  afterEach(() => rmSync(outside, { recursive: true }));

  function read(file: string): string {
    const fd = jail.open(file);
    try {
      return readFileSync(fd, 'utf8');
    } finally {
      closeSync(fd);
    }
  }

  it("keeps paths with '..' inside its root", () => {
    assert.equal(read('/../../../../etc/secret'), 'inside');
    assert.throws(() => read('../secret'), { code: 'ENOENT' });
    assert.equal(jail.realpath('/etc/../../..'), '/');
  });

  it('resolves absolute links relative to its root', () => {
    symlinkSync('/etc/secret', path.join(root, 'link'));
    assert.equal(read('/link'), 'inside');
    symlinkSync(path.join(outside, 'secret'), path.join(root, 'bad'));
    assert.throws(() => read('/bad'), { code: 'ENOENT' });
  });

  it("doesn't follow links to folders beyond its root", () => {
    symlinkSync('../../../../..', path.join(root, 'etc/up'));
    assert.equal(read('/etc/up/etc/secret'), 'inside');
    assert.equal(jail.realpath('/etc/up/etc'), '/etc');
  });

  it("doesn't create or remove files outside its root through links", () => {
    symlinkSync(outside, path.join(root, 'out'));
    assert.throws(() => jail.mkdir('/out/made'), { code: 'ENOENT' });
    assert.throws(() => jail.remove('/out/secret', true), { code: 'ENOENT' });
    jail.remove('/out', true);
    assert.equal(readFileSync(path.join(outside, 'secret'), 'utf8'), 'outside');
  });

  it('removes a folder without following the links in it', () => {
    mkdirSync(path.join(root, 'tree/deep'), { recursive: true });
    symlinkSync(outside, path.join(root, 'tree/deep/out'));
    jail.remove('/tree', true);
    assert.equal(readFileSync(path.join(outside, 'secret'), 'utf8'), 'outside');
  });

  it('throws ELOOP for circular links', () => {
    symlinkSync('/b', path.join(root, 'a'));
    symlinkSync('/a', path.join(root, 'b'));
    assert.throws(() => read('/a'), { code: 'ELOOP' });
  });

  it('throws if a file is used as a folder', () => {
    assert.throws(() => read('/etc/secret/more'), { code: 'ENOTDIR' });
    assert.throws(() => jail.mkdirs('/etc/secret/more'), { code: 'ENOTDIR' });
    assert.throws(() => jail.mkdirs('/etc/secret'), { code: 'EEXIST' });
  });
});
