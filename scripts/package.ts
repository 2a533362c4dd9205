/** `npm run package [path]`: packs the VSIX that users get. */
import { exit } from './cleanup.ts';
import { packageVsix } from './packageVsix.ts';
import { say, sentence } from './say.ts';

try {
  say(`Packed ${await packageVsix(process.argv[2])}.`);
  await exit(0);
} catch (error) {
  say(sentence(error));
  await exit(1);
}
