import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { appendFileSync, chmodSync, cpSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { parseGitIndex } from '../../../src/sync/rules/git-index.ts';
import { type RuleSettings, Rules } from '../../../src/sync/rules/rules.ts';
import { scan } from '../../../src/sync/scan/scan.ts';
import { strings } from '../../../src/sync/strings.ts';
import { removeTemporary, type TreeSpec, temporaryFolder, writeTree } from './temporary.ts';

describe('Rules', () => {
  after(removeTemporary);

  function git(folder: string, ...args: string[]): string {
    return execFileSync(
      'git',
      ['-C', folder, '-c', 'user.name=t', '-c', 'user.email=t@t', '-c', 'protocol.file.allow=always', ...args],
      {
        encoding: 'utf8',
      },
    );
  }

  function repo(tree: TreeSpec): string {
    const root = temporaryFolder();
    git(root, 'init', '-q');
    return writeTree(root, tree);
  }

  function synced(root: string, settings: RuleSettings = {}): string[] {
    return scan(new Rules(root, settings))
      .entries.map(({ path }) => path)
      .sort();
  }

  function why(root: string, path: string, settings: RuleSettings = {}) {
    const { included, kind, text, line } = new Rules(root, settings).explain(path);
    return { included, kind, text, line };
  }

  it('includes tracked files that Git ignores, also in ignored folders', () => {
    const root = repo({
      '.gitignore': 'dist/\n*.log\n',
      'dist/kept.js': '',
      'dist/other.js': '',
      'kept.log': '',
      'other.log': '',
    });
    git(root, 'add', '-f', 'dist/kept.js', 'kept.log');
    assert.deepEqual(synced(root), ['.gitignore', 'dist/kept.js', 'kept.log']);
    assert.deepEqual(why(root, 'dist/kept.js'), { included: true, kind: 'tracked', text: strings.tracked(), line: 0 });
    git(root, 'rm', '-q', '--cached', 'kept.log');
    assert.deepEqual(synced(root), ['.gitignore', 'dist/kept.js']);
  });

  it('recognizes credentials by the folders that contain a synced subfolder, also behind a link', () => {
    const workspace = writeTree(temporaryFolder(), {
      '.aws/credentials': '',
      '.docker/config.json': '',
      '.docker/other': '',
      '.config/gcloud/x': '',
      '.envs/production/django': '',
      'code/.envs/a.py': '',
    });
    symlinkSync('.aws', join(workspace, 'link'));
    for (const root of ['.aws', 'link', '.config/gcloud', '.envs', '.envs/production'])
      assert.deepEqual(synced(join(workspace, root), { root }), [], root);
    assert.deepEqual(synced(join(workspace, '.docker'), { root: '.docker' }), ['other']);
    assert.deepEqual(synced(join(workspace, '.config'), { root: '.config' }), []);
    assert.equal(why(join(workspace, 'link'), 'credentials', { root: 'link' }).kind, 'credential');
    const include = ['/credentials'];
    assert.deepEqual(synced(join(workspace, '.aws'), { root: '.aws', include }), ['credentials']);
    // The user's own choice of a folder, unless its name stands for credentials only.
    assert.deepEqual(synced(join(workspace, 'code/.envs')), ['a.py']);
    assert.deepEqual(synced(join(workspace, '.aws')), []);
  });

  it('reads all versions of the Git index', () => {
    const root = repo(
      Object.fromEntries(Array.from({ length: 60 }, (_, at) => [`${'d'.repeat(at % 9)}x/é${'f'.repeat(at)}`, 'x'])),
    );
    git(root, 'add', '.');
    git(root, 'update-index', '--skip-worktree', 'x/é');
    for (const version of ['2', '3', '4']) {
      git(root, 'update-index', '--index-version', version);
      const expected = git(root, 'ls-files', '-z').split('\0').slice(0, -1).sort();
      assert.deepEqual(parseGitIndex(readFileSync(join(root, '.git/index')))?.sort(), expected, `version ${version}`);
    }
    git(root, 'update-index', '--split-index');
    assert.equal(parseGitIndex(readFileSync(join(root, '.git/index'))), undefined);
    assert.equal(synced(root).length, 60);
  });

  it("follows the user's own ignore file and .git/info/exclude", () => {
    const root = repo({ 'a.own': '', 'b.info': '', c: '', 'own-list': '*.own\n' });
    git(root, 'config', 'core.excludesFile', join(root, 'own-list'));
    appendFileSync(join(root, '.git/info/exclude'), '*.info\n');
    assert.deepEqual(synced(root), ['c', 'own-list']);
    assert.equal(why(root, 'b.info').kind, 'git');
  });

  it('follows the ignore files of an enclosing repository', () => {
    const root = repo({
      '.gitignore': '*.top\n/sub/here\n',
      'sub/a.top': '',
      'sub/here': '',
      'sub/b': '',
      'sub/deep/here': '',
    });
    assert.deepEqual(synced(join(root, 'sub')), ['b', 'deep/here']);
  });

  it('includes everything in a folder that the enclosing repository ignores', () => {
    const root = repo({ '.gitignore': 'build/\n', 'build/a': '', 'build/b/c': '' });
    assert.deepEqual(synced(join(root, 'build')), ['a', 'b/c']);
  });

  it("follows a nested repository's own rules, and excludes its .git", () => {
    const root = repo({
      '.gitignore': '*.log\n',
      'in/a.log': '',
      'in/.gitignore': '*.tmp\n',
      'in/b.tmp': '',
      'a.log': '',
    });
    git(join(root, 'in'), 'init', '-q');
    assert.deepEqual(synced(root), ['.gitignore', 'in/.gitignore', 'in/a.log']);
  });

  it('supports submodules and worktrees, whose .git is a file', () => {
    const inner = repo({ 'x.txt': '', '.gitignore': '*.log' });
    git(inner, 'add', '.');
    git(inner, 'commit', '-qm', 'x');
    const root = repo({ a: '' });
    git(root, 'submodule', '--quiet', 'add', inner, 'sub');
    writeTree(root, { 'sub/y.log': '' });
    assert.deepEqual(synced(root), ['.gitmodules', 'a', 'sub/.gitignore', 'sub/x.txt']);
    const tree = join(temporaryFolder(), 'tree');
    git(inner, 'worktree', 'add', '-q', tree);
    writeTree(tree, { 'z.log': '' });
    assert.deepEqual(synced(tree), ['.gitignore', 'x.txt']);
  });

  it('supports a folder that is a link', () => {
    const root = repo({ '.gitignore': 'x\n', x: '', y: '' });
    const link = join(temporaryFolder(), 'link');
    symlinkSync(root, link);
    assert.deepEqual(synced(link), ['.gitignore', 'y']);
  });

  it('follows .gitignore without a repository', () => {
    const root = writeTree(temporaryFolder(), {
      '.gitignore': '*.log\n',
      'a.log': '',
      'sub/.gitignore': '!b.log',
      'sub/b.log': '',
    });
    assert.deepEqual(synced(root), ['.gitignore', 'sub/.gitignore', 'sub/b.log']);
  });

  it('includes a single file in an ignored folder if a setting names it', () => {
    const root = repo({
      '.gitignore': 'data/\n',
      'data/a/x.bin': '',
      'data/a/y.bin': '',
      'data/b/z': '',
      'node_modules/m/index.js': '',
      'node_modules/n/x.js': '',
    });
    const settings = { include: ['data/a/x.bin', '/node_modules/m/'] };
    assert.deepEqual(synced(root, settings), ['.gitignore', 'data/a/x.bin', 'node_modules/m/index.js']);
    assert.deepEqual(why(root, 'data/a/x.bin', settings), {
      included: true,
      kind: 'include',
      text: 'data/a/x.bin',
      line: 1,
    });
    assert.deepEqual(why(root, 'data/a/y.bin', settings), { included: false, kind: 'git', text: 'data/', line: 1 });
  });

  it("lets .modalignore override Git's rules, both ways", () => {
    const root = repo({
      '.gitignore': 'dist/\n',
      '.modalignore': '*.mp4\n!dist/\n/dist/*.map\n',
      'a.mp4': '',
      'dist/x.js': '',
      'dist/x.map': '',
      b: '',
    });
    assert.deepEqual(synced(root), ['.gitignore', '.modalignore', 'b', 'dist/x.js']);
    assert.deepEqual(why(root, 'a.mp4'), { included: false, kind: 'modalignore', text: '*.mp4', line: 1 });
  });

  it('includes a credential only if a pattern names it', () => {
    const tree = {
      '.env': '',
      '.env.local': '',
      'k/id_rsa': '',
      'k/x.pem': '',
      '.ssh/config': '',
      '.netrc': '',
      '.modal.toml': '',
      '.aws/credentials': '',
      'deep/.config/gcloud/x': '',
    };
    const root = repo({ ...tree, a: '' });
    git(root, 'add', '-f', '.');
    for (const include of [[], ['*'], ['**'], ['k/'], ['/k/**'], ['.aws/']])
      assert.deepEqual(
        synced(root, { include }).filter((path) => path in tree),
        [],
        String(include),
      );
    assert.deepEqual(
      synced(root, { include: ['*.pem', '.env', '.aws/credentials'] }).filter((path) => path in tree),
      ['.aws/credentials', '.env', 'k/x.pem'],
    );
  });

  it("never includes version control data or the sync's own data", () => {
    const root = repo({ a: '', '.hg/x': '', '.modal-sync/gen': '', 'sub/.svn/x': '' });
    assert.deepEqual(synced(root, { include: ['.git/', '.hg/', '.modal-sync/', '**', '.git/config'] }), ['a', 'sub']);
  });

  it('excludes Python environments, whatever their name', () => {
    const root = repo({ 'myenv/pyvenv.cfg': '', 'myenv/lib/x.py': '', a: '' });
    assert.deepEqual(synced(root), ['a']);
    assert.match(why(root, 'myenv/lib/x.py').text, /Python environment/);
  });

  it("doesn't read ignored folders", () => {
    const root = repo({ '.gitignore': 'big/\n', 'big/a/b/c': '', 'big/.gitignore': '!*', d: '' });
    const found = scan(new Rules(root));
    assert.deepEqual(
      found.excluded.map(({ rule, count, examples }) => [rule.text, count, examples]),
      [
        [strings.versionControl(), 1, ['.git/']],
        ['big/', 1, ['big/']],
      ],
    );
  });

  it('never includes the data of a Git repository, whatever the name and place of its folder', () => {
    const root = temporaryFolder();
    git(root, 'init', '-q', '--bare', '.bare');
    writeTree(root, { '.git': 'gitdir: ./.bare\n', 'a.py': '', 'refs/objects/HEAD': 'ref: refs/heads/main' });
    git(root, 'init', '-q', '--bare', 'cache/x.git');
    git(root, 'init', '-q', '--separate-git-dir', join(root, 'data/store'), 'data/work');
    writeTree(root, { 'data/work/b.py': '', 'data/HEAD': 'ours', 'data/objects/x': '', 'data/refs/y': '' });
    const mine = ['a.py', 'data/HEAD', 'data/objects/x', 'data/refs/y', 'data/work/b.py', 'refs/objects/HEAD'];
    for (const settings of [{}, { include: ['**/*', 'cache/x.git/config', '.bare/**'] }])
      assert.deepEqual(
        synced(root, settings).filter((path) => path !== 'cache'),
        mine,
      );
    assert.equal(why(root, 'cache/x.git/config').text, strings.versionControl());
  });

  it('never includes the data of a Git repository, however it was made', () => {
    const root = temporaryFolder();
    git(root, 'init', '-q', 'src');
    writeTree(root, { 'src/a.py': '' });
    git(join(root, 'src'), 'add', '.');
    git(join(root, 'src'), 'commit', '-qm', 'x');
    git(root, 'clone', '-q', '--mirror', 'src', 'mirror');
    git(root, 'clone', '-q', '--bare', 'src', 'detached');
    git(join(root, 'detached'), 'update-ref', '--no-deref', 'HEAD', 'HEAD');
    git(join(root, 'detached'), 'pack-refs', '--all');
    git(root, 'init', '-q', '--bare', '--object-format=sha256', 'deep/sha256');
    cpSync(join(root, 'src/.git'), join(root, 'renamed'), { recursive: true });
    git(root, 'clone', '-q', '--bare', '--shared', 'src', 'borrowed');
    cpSync(join(root, 'detached'), join(root, 'copied'), { recursive: true });
    rmSync(join(root, 'copied/refs'), { recursive: true });
    git(join(root, 'detached'), 'worktree', 'add', '-q', '--detach', '../tree');
    // As in the checkouts of Android's repo, and with Git's core.preferSymlinkRefs.
    writeTree(root, {
      'projects/x/config': 'token',
      'projects/x/HEAD': 'ref: refs/heads/main',
      'projects/x/objects': { link: '../../renamed/objects' },
      'projects/x/refs': { link: '../nothing' },
      'blank/config': 'token',
      'blank/HEAD': 'ref:\trefs/heads/main\n',
      'blank/objects/x': '',
      'blank/refs/x': '',
      'old/config': 'token',
      'old/HEAD': { link: 'refs/heads/main' },
      'old/objects/x': '',
      'old/refs/x': '',
    });
    assert.deepEqual(synced(root), ['deep', 'projects', 'src/a.py', 'tree/a.py']);
    assert.deepEqual(synced(join(root, 'mirror')), []);
  });

  it('follows a .modalignore that is a link to a file', () => {
    const root = writeTree(temporaryFolder(), {
      'common/ignore': '*.bin\n',
      '.modalignore': { link: 'common/ignore' },
      'sub/.modalignore': { link: '../common/none' },
      'null/.modalignore': { link: '/dev/null' },
      'a.bin': '',
      'sub/b.bin': '',
      'sub/c': '',
      'null/d': '',
    });
    const files = synced(root).filter((path) => !path.endsWith('.modalignore'));
    assert.deepEqual(files, ['common/ignore', 'null/d', 'sub/c']);
  });

  describe("that can't be read", () => {
    /** Runs synchronous work as a user who isn't allowed to read everything, with a home folder of its own. */
    function unprivileged<T>(work: () => T): T {
      const isRoot = process.geteuid?.() === 0;
      const { HOME, XDG_CONFIG_HOME } = process.env;
      const home = temporaryFolder();
      chmodSync(home, 0o755);
      // The folders belong to another user.
      writeTree(home, { '.gitconfig': '[safe]\n  directory = *\n' });
      Object.assign(process.env, { HOME: home, XDG_CONFIG_HOME: home });
      if (isRoot) process.seteuid?.(65_534);
      try {
        return work();
      } finally {
        if (isRoot) process.seteuid?.(0);
        for (const [name, value] of Object.entries({ HOME, XDG_CONFIG_HOME }))
          if (value === undefined) delete process.env[name];
          else process.env[name] = value;
      }
    }

    it('leave out their folder, and say so', function () {
      if (!process.geteuid) this.skip(); // Windows has no permission bits.
      for (const [file, path] of [
        ['d/.modalignore', 'd'],
        ['d/.gitignore', 'd'],
        ['d/e/.gitignore', 'd/e'],
        ['d/e/.modalignore', 'd/e'],
        ['d/.git/info/exclude', 'd'],
        ['d/e/.git/info/exclude', 'd/e'],
      ] as const) {
        const root = writeTree(temporaryFolder(), { 'a.py': '', 'd/e/secret.txt': '' });
        if (file.includes('.git/')) git(join(root, path), 'init', '-q');
        writeTree(root, { [file]: 'secret*' });
        chmodSync(root, 0o755);
        chmodSync(join(root, file), 0);
        const { entries, skipped, unreadable } = unprivileged(() => scan(new Rules(root)));
        assert.ok(!entries.some((entry) => entry.path.endsWith('secret.txt')));
        assert.deepEqual(skipped, [{ path, reason: strings.rulesUnreadable(join(root, file)) }]);
        assert.deepEqual(unreadable, [path]);
        const explanation = unprivileged(() => new Rules(root).explain('d/e/secret.txt'));
        assert.deepEqual([explanation.included, explanation.text], [false, strings.rulesUnreadable(join(root, file))]);
      }
    });

    it('leave out their folder if they are links to each other or to what never ends', function () {
      if (!process.geteuid) this.skip(); // Windows has no such files.
      const root = writeTree(temporaryFolder(), {
        'loop/.modalignore': { link: '.modalignore' },
        'circle/.modalignore': { link: 'other' },
        'circle/other': { link: '.modalignore' },
        'endless/.modalignore': { link: 'pipe' },
        'endless/secret': '',
        'long/.modalignore': { link: 'x'.repeat(300) },
        'long/secret': '',
        'a.py': '',
      });
      execFileSync('mkfifo', [join(root, 'endless/pipe')]);
      const { entries, unreadable } = scan(new Rules(root));
      assert.deepEqual(
        [entries.map(({ path }) => path), unreadable],
        [['a.py'], ['circle', 'endless', 'long', 'loop']],
      );
    });

    const stopsSync = (root: string, file: string) =>
      assert.throws(() => scan(new Rules(root)), { message: strings.rulesUnreadable(join(root, file)) });

    it('stop the sync if they are those of the whole folder', function () {
      if (!process.geteuid) this.skip(); // Windows has no permission bits.
      for (const file of ['.gitignore', '.modalignore', '.git/info/exclude', 'own excludes', '.git/config', '.git']) {
        const root = repo({
          'secret.txt': '',
          ...(file !== '.git' && file !== '.git/config' && { [file]: 'secret*' }),
        });
        git(root, 'config', 'core.excludesFile', join(root, 'own excludes'));
        chmodSync(root, 0o755);
        chmodSync(join(root, file), 0);
        unprivileged(() => stopsSync(root, file));
        chmodSync(join(root, file), 0o755);
      }
    });

    it("stop the sync if the disk doesn't give them, or Git's configuration is damaged", function () {
      if (process.platform !== 'linux') this.skip(); // Nothing to read that fails.
      for (const file of ['.modalignore', '.git/info/exclude', 'own excludes']) {
        const root = repo({ 'secret.txt': '' });
        git(root, 'config', 'core.excludesFile', join(root, 'own excludes'));
        rmSync(join(root, file), { force: true });
        symlinkSync('/proc/self/mem', join(root, file)); // Fails with EIO.
        stopsSync(root, file);
      }
      const root = repo({ '.git/config': '[core\n' });
      stopsSync(root, '.git/config');
    });

    it('leave out everything below while no more files can be opened', function () {
      if (process.platform !== 'linux') this.skip();
      const root = writeTree(temporaryFolder(), { 'd/.gitignore': 'secret*', 'd/secret.txt': '', 'a.py': '' });
      const script = `
        import { openSync } from 'node:fs';
        import { Rules } from '${new URL('../../../src/sync/rules/rules.ts', import.meta.url)}';
        import { scan } from '${new URL('../../../src/sync/scan/scan.ts', import.meta.url)}';
        const rules = new Rules('${root}');
        let checks = 0;
        const checkpoint = () => {
          try { while (checks++ === 0) for (;;) openSync('/dev/null'); } catch {}
        };
        const { entries, unreadable } = scan(rules, { checkpoint });
        console.log(JSON.stringify([entries.map(({ path }) => path), unreadable]));`;
      const output = execFileSync(
        'sh',
        ['-c', 'ulimit -n 40; exec "$@"', 'sh', process.execPath, '--input-type=module'],
        {
          input: script,
          encoding: 'utf8',
        },
      );
      assert.deepEqual(JSON.parse(output), [['a.py'], ['d']]);
    });
  });

  it('are read in UTF-16, as PowerShell writes them', () => {
    const marked = Buffer.from('\ufeff*.log\r\nsecret*\r\n', 'utf16le');
    const root = writeTree(temporaryFolder(), {
      'a/.modalignore': marked,
      'b/.gitignore': Buffer.from(marked).swap16(),
      'c/.modalignore': Buffer.from('\ufeff*.log\nsecret*\n'),
    });
    for (const name of ['a', 'b', 'c'])
      writeTree(root, { [`${name}/x.log`]: '', [`${name}/secret.txt`]: '', [`${name}/y`]: '' });
    assert.deepEqual(synced(root), ['a/.modalignore', 'a/y', 'b/.gitignore', 'b/y', 'c/.modalignore', 'c/y']);
  });

  it("names folders whose names aren't valid UTF-8, and what is in them", () => {
    const root = writeTree(temporaryFolder(), { a: '' });
    execFileSync('sh', ['-c', `cd '${root}' && d=$(printf 'd\\351') && mkdir -p "$d/sub" && touch "$d/x" "x$d"`]);
    const { entries, skipped } = scan(new Rules(root));
    assert.deepEqual(
      entries.map(({ path }) => path),
      ['a'],
    );
    assert.deepEqual(skipped.map(({ path, reason }) => [path, reason]).sort(), [
      ['d\ufffd', strings.notUtf8()],
      ['xd\ufffd', strings.notUtf8()],
    ]);
  });

  it('reports links that point outside the folder, and pipes', () => {
    const root = repo({
      in: { link: 'sub/x' },
      'sub/up': { link: '../a' },
      out: { link: '../../x' },
      abs: { link: '/etc' },
      loop: { link: 'loop' },
      a: '',
    });
    execFileSync('mkfifo', [join(root, 'pipe')]);
    const found = scan(new Rules(root));
    assert.deepEqual(found.entries.map(({ path }) => path).sort(), ['a', 'in', 'loop', 'sub/up']);
    assert.deepEqual(found.skipped.map(({ path }) => path).sort(), ['abs', 'out', 'pipe']);
  });

  it('explains links, and files behind them, as a scan judges them', () => {
    const tree: TreeSpec = {
      '.gitignore': 'build/\n',
      'build/x.py': '',
      'conf/key.pem': '',
      'conf/a.py': '',
      '.env': '',
      'node_modules/x': '',
      'src/up.py': { link: '../../x.py' },
      'abs.py': { link: '/etc/x' },
      'second.py': { link: 'abs.py' },
      'env.py': { link: '.env' },
      'dep.js': { link: 'node_modules/x' },
      'built.py': { link: 'build/x.py' },
      'fine.py': { link: 'conf/a.py' },
      'more.py': { link: 'fine.py' },
      'loop.py': { link: 'loop.py' },
      tmp: { link: '/tmp' },
      linked: { link: 'conf' },
      inner: { link: 'linked' },
    };
    const rules = new Rules(repo(tree));
    const explained = (path: string) => {
      const { included, text, path: at, leadsTo, target } = rules.explain(path);
      return [included, included ? '' : text, at, leadsTo?.target ?? '', target ?? ''];
    };
    assert.deepEqual(explained('src/up.py'), [false, strings.linkOutside('../../x.py'), 'src/up.py', '', '']);
    assert.deepEqual(explained('abs.py'), [false, strings.linkOutside('/etc/x'), 'abs.py', '', '']);
    assert.deepEqual(explained('tmp/x.py'), [false, strings.linkOutside('/tmp'), 'tmp', '', '']);
    assert.deepEqual(explained('second.py'), [false, strings.linkToExcluded('abs.py'), 'second.py', 'abs.py', '']);
    assert.deepEqual(explained('env.py'), [false, strings.linkToExcluded('.env'), 'env.py', '.env', '']);
    assert.equal(explained('dep.js')[1], strings.linkToExcluded('node_modules/x'));
    assert.deepEqual(explained('built.py'), [true, '', 'built.py', 'build/x.py', '']);
    assert.deepEqual(explained('inner/key.pem'), [false, '*.pem', 'conf/key.pem', '', 'conf/key.pem']);
    assert.deepEqual(explained('inner/a.py'), [true, '', 'conf/a.py', '', 'conf/a.py']);
    for (const path of ['fine.py', 'more.py', 'loop.py', 'linked'])
      assert.deepEqual(explained(path), [true, '', path, '', ''], path);
    const { entries } = scan(rules);
    const links = Object.keys(tree).filter((path) => typeof tree[path] === 'object');
    for (const path of links)
      assert.equal(
        entries.some((entry) => entry.path === path),
        rules.explain(path).included,
        path,
      );
  });

  it('explains the line and the file that decide', () => {
    const root = repo({
      '.gitignore': '# comment\n\n*.log\n',
      'sub/.gitignore': '!keep.log\n',
      'sub/keep.log': '',
      'x.log': '',
    });
    const { source, line } = new Rules(root).explain('x.log');
    assert.deepEqual([source, line], [join(new Rules(root).root, '.gitignore'), 3]);
    assert.equal(why(root, 'sub/keep.log').included, true);
    assert.equal(why(root, 'not/there/y.log').included, false);
  });
});
