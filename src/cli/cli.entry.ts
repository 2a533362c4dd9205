/** The program `sandboxes`. See docs/command-line.md. */
import { loadMain } from './load-main.ts';

void loadMain().then((loaded) => loaded?.main(process.argv.slice(2)));
