/** A URL of a server on the computer that printed it. */
export interface LocalUrl {
  /** The start of the URL in the text. */
  readonly start: number;
  readonly length: number;
  readonly port: number;
  readonly scheme: 'http' | 'https';
  /** The path, query, and fragment, with the leading slash. */
  readonly path: string;
}

const URL_EXPRESSION =
  /(?<scheme>https?):\/\/(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1?\])(?::(?<port>\d{1,5}))?(?![\w:-]|\.\w)(?<path>[/?#][^\s"'`<>{}|\\^]*)?/gi;
/** Punctuation of the sentence that a URL ends, and brackets that weren't opened in it. */
const AFTER_URL = /(?:[.,;:!?*…]|\)(?<!\([^()]*\))|\](?<!\[[^[\]]*\]))+$/;

/** Finds the URLs of `localhost`, `127.0.0.1`, `0.0.0.0`, `[::]`, and `[::1]` in a text. */
export function findLocalUrls(text: string): LocalUrl[] {
  return [...text.matchAll(URL_EXPRESSION)].flatMap((match): LocalUrl[] => {
    const { scheme = '', port = '', path: rest = '' } = match.groups ?? {};
    const isSecure = scheme.toLowerCase() === 'https';
    const number = Number(port || (isSecure ? 443 : 80));
    if (number < 1 || number > 65_535) return [];
    const path = rest.replace(AFTER_URL, '');
    return [
      {
        start: match.index,
        length: match[0].length - rest.length + path.length,
        port: number,
        scheme: isSecure ? 'https' : 'http',
        path: path.startsWith('/') ? path : `/${path}`,
      },
    ];
  });
}
