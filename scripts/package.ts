/** `npm run package [path]`: packages the extension as a VSIX. */
import { exit, fail } from './cleanup.ts';
import { packageVsix } from './package-vsix.ts';
import { say } from './say.ts';

try {
  say(`Created ${await packageVsix(process.argv[2])}.`);
  await exit(0);
} catch (error) {
  await fail(error);
}
