import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { projectFolder } from '../paths.ts';
import { licenseProblems, THIRD_PARTY_DOCUMENT, thirdPartyDocument, thirdPartyPackages } from '../third-party.ts';

/** Checks the licenses of the packages that the extension is shipped with, and the document that lists them. */
export async function thirdParty(): Promise<string[]> {
  const packages = await thirdPartyPackages();
  const document = await readFile(join(projectFolder, THIRD_PARTY_DOCUMENT), 'utf8').catch(() => '');
  const isCurrent = document === thirdPartyDocument(packages);
  return [
    ...licenseProblems(packages),
    ...(isCurrent ? [] : [`${THIRD_PARTY_DOCUMENT} is out of date. Run npm run generate.`]),
  ];
}
