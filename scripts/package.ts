/** `npm run package [path]`: packs the VSIX that users get. */
import { exit, fail } from './cleanup.ts';
import { packageVsix } from './package-vsix.ts';
import { say } from './say.ts';

try {
  say(`Packed ${await packageVsix(process.argv[2])}.`);
  await exit(0);
} catch (error) {
  await fail(error);
}
