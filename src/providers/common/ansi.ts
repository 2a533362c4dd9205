/** Dimmed text, for our own lines in terminals. */
export function dim(text: string): string {
  return `\u001b[2m${text}\u001b[22m`;
}

export function bold(text: string): string {
  return `\u001b[1m${text}\u001b[22m`;
}

/** Red text, for errors. */
export function red(text: string): string {
  return `\u001b[31m${text}\u001b[39m`;
}
