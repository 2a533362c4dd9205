/** What may be secret in a text of others: tokens of Modal and of signed requests, and passwords in URLs. */
const SECRETS: readonly (readonly [RegExp, string])[] = [
  [/\bas-[A-Za-z0-9]{6,}/g, 'as-…'],
  [/\beyJ[\w-]+\.[\w-]+\.[\w-]+/g, '…'],
  [/(\bBearer\s+)[\w.~+/=-]+/gi, '$1…'],
  [/(\w:\/\/)[^\s/:@]*:[^\s/@]*@/g, '$1…@'],
  [/([?&](?:[\w-]*(?:token|signature|credential|secret|password|key)[\w-]*)=)[^&\s"')]+/gi, '$1…'],
];

/** Replaces what looks like a token or password. */
export function withoutSecrets(text: string): string {
  return SECRETS.reduce((result, [pattern, replacement]) => result.replaceAll(pattern, replacement), text);
}
