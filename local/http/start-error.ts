/** Why the server can't start, as a sentence for the person who started it. */
export class StartError extends Error {}
