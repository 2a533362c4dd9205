/** The packages of others that are part of the extension's bundles, and their licenses. */
import { globSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { packagedBundles } from './bundles.ts';
import { projectFolder } from './paths.ts';

export const THIRD_PARTY_DOCUMENT = 'docs/third-party.md';

/** Licenses that allow shipping the code with their text. `npm test` fails if a package with another one is bundled. */
const ALLOWED_LICENSES = ['0BSD', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'BlueOak-1.0.0', 'ISC', 'MIT'];

/** Packages that others contain in their own bundles, with their licenses. Their texts are in `scripts/licenses`. */
const INLINED_LICENSES: Readonly<Record<string, string>> = {
  '@bufbuild/protobuf': 'Apache-2.0 AND BSD-3-Clause',
};

/** The package folder that a bundled file is in. */
const PACKAGE_FOLDER = /^.*node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/;
/** The comment that esbuild puts before a file that a package has bundled. */
const INLINED_FILE = /^\/\/ node_modules\/((?:@[^/\n]+\/)?[^/\n]+)\//gm;

/** A package in the extension's bundles. */
export interface ThirdPartyPackage {
  readonly name: string;
  /** The version, or the package that contains it. */
  readonly version: string;
  /** An SPDX expression. */
  readonly license: string;
  readonly text: string;
}

/** Bundles the extension in memory, and returns the packages in the bundles by name. */
export async function thirdPartyPackages(): Promise<ThirdPartyPackage[]> {
  const built = await Promise.all(
    packagedBundles.map((options) => build({ ...options, metafile: true, write: false, absWorkingDir: projectFolder })),
  );
  const files = built.flatMap(({ metafile }) =>
    Object.values(metafile?.outputs ?? {}).flatMap(({ inputs }) =>
      Object.entries(inputs).flatMap(([path, { bytesInOutput }]) => (bytesInOutput > 0 ? [path] : [])),
    ),
  );
  const bundled = [...new Set(files)].filter((path) => PACKAGE_FOLDER.test(path));
  const folders = new Set(bundled.map((path) => PACKAGE_FOLDER.exec(path)?.[0] ?? ''));
  const packages = await Promise.all([...folders].map(packageIn));
  const inlined = (await Promise.all(bundled.map(inlinedIn))).flat();
  const byName = new Map([...packages, ...inlined].map((each) => [`${each.name} ${each.version}`, each]));
  return [...byName.entries()].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, each]) => each);
}

async function packageIn(folder: string): Promise<ThirdPartyPackage> {
  const { name, version, license = 'unknown', author } = JSON.parse(await read(join(folder, 'package.json')));
  const [own] = globSync(['LICEN[CS]E*', 'licen[cs]e*', 'COPYING*'], { cwd: join(projectFolder, folder) });
  const [notice] = globSync('NOTICE*', { cwd: join(projectFolder, folder) });
  const text = own === undefined ? await standardText(license, author?.name ?? author) : await read(join(folder, own));
  return { name, version, license, text: notice ? `${text}\n${await read(join(folder, notice))}` : text };
}

async function inlinedIn(path: string): Promise<ThirdPartyPackage[]> {
  const names = new Set([...(await read(path)).matchAll(INLINED_FILE)].map(([, name = '']) => name));
  const container = PACKAGE_FOLDER.exec(path)?.[0].replace(/^.*node_modules\//, '');
  return Promise.all(
    [...names].map(async (name) => {
      const license = INLINED_LICENSES[name] ?? 'unknown';
      const text =
        license === 'unknown' ? '' : await read(`scripts/licenses/${name.replace(/^@/, '').replace('/', '-')}.txt`);
      return { name, version: `in ${container}`, license, text };
    }),
  );
}

/** The text for a package that doesn't contain one. */
async function standardText(license: string, author: string | undefined): Promise<string> {
  if (!/^(?:Apache-2\.0|MIT)$/.test(license)) return '';
  const text = await read(`scripts/licenses/${license}.txt`);
  if (text.includes('COPYRIGHT HOLDER') && !author) return '';
  return text.replace('COPYRIGHT HOLDER', author ?? '');
}

function read(path: string): Promise<string> {
  return readFile(join(projectFolder, path), 'utf8');
}

/** Returns a sentence for each package that must not be shipped as it is. */
export function licenseProblems(packages: readonly ThirdPartyPackage[]): string[] {
  return packages.flatMap(({ name, version, license, text }) => {
    const unknown = (license.match(/[\w.-]+/g) ?? [])
      .filter((word) => !/^(?:AND|OR)$/.test(word))
      .filter((word) => !ALLOWED_LICENSES.includes(word));
    return [
      ...unknown.map(
        (id) => `${name} (${version}) has the license “${id}”, which scripts/third-party.ts doesn't allow.`,
      ),
      ...(text.trim() === '' ? [`${name} (${version}) has no license text. Add it to scripts/licenses.`] : []),
    ];
  });
}

/** Returns the document that lists the packages, with their versions and licenses. */
export function thirdPartyDocument(packages: readonly ThirdPartyPackage[]): string {
  return `# Third-party software

The packaged extension contains code of these packages. The license texts are in its file \`dist/ThirdPartyNotices.txt\`.
\`npm run generate\` writes this list from the bundles, and \`npm test\` fails if a package has a license that isn't allowed.

| Package | Version | License |
| --- | --- | --- |
${packages.map(({ name, version, license }) => `| ${name} | ${version} | ${license} |`).join('\n')}
`;
}

/** Writes the license texts of all bundled packages next to the bundles. Throws if one must not be shipped. */
export async function writeNotices(): Promise<void> {
  const packages = await thirdPartyPackages();
  const problems = licenseProblems(packages);
  if (problems.length > 0) throw new Error(problems.join('\n'));
  const sections = packages.map(
    ({ name, version, license, text }) => `${'='.repeat(80)}\n${name} (${version})\n${license}\n\n${text.trim()}\n`,
  );
  const head = 'Sandboxes for Modal contains code of the following packages.\n';
  await writeFile(join(projectFolder, 'dist', 'ThirdPartyNotices.txt'), [head, ...sections].join('\n'));
}
