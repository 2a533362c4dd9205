import { withoutSecrets } from '../../base/secrets.ts';

/** Stands for a secret. */
const MASK = '***';
/** Shorter values are words, numbers, and switches, which also occur where they aren't secret. */
const MIN_SECRET_CHARS = 6;
const ORDINARY_VALUE =
  /^(true|false|null|none|undefined|default|production|development|localhost|[\d.:-]*|\/[\w./-]*)$/i;
/** Names of variables whose values are secret. */
const SECRET_NAME =
  /key|token|secret|passw|pwd|credential|auth|dsn|cookie|private|signature|webhook|connection_?string/i;
/** Values that look as if a program had made them up: long, without spaces, with letters and digits. */
const TOKEN_VALUE = /^(?=.*[A-Za-z])(?=.*\d)[\w+/=.~-]{20,}$/;
/** Options of command lines whose values are secret: `--api-key abc`, `--password=abc`. */
const SECRET_OPTION =
  /(--?[\w-]*(?:key|token|secret|passw(?:or)?d|credential)[\w-]*(?:=|\s+))('[^']*'|"[^"]*"|[^\s'"]+)/gi;

/** Returns the values of variables that must not be stored: those with a telling name, and those that look like a token. */
export function secretValues(variables: Readonly<Record<string, string | undefined>>): string[] {
  return Object.entries(variables).flatMap(([name, value = '']) =>
    SECRET_NAME.test(name) || TOKEN_VALUE.test(value) ? [value] : [],
  );
}

/** Removes secrets from what is stored about a run. */
export class Redaction {
  /** The longest first, because one may contain another. */
  readonly #values: readonly string[];

  constructor(values: Iterable<string>) {
    const secrets = [...values].flatMap((value) => {
      const text = value.trim();
      if (text.length < MIN_SECRET_CHARS || ORDINARY_VALUE.test(text)) return [];
      // As terminals show a text of several lines, and as JSON and Python do.
      return [text, text.replaceAll('\n', '\r\n'), JSON.stringify(text).slice(1, -1)];
    });
    this.#values = [...new Set(secrets)].sort((a, b) => b.length - a.length);
  }

  /** The values, from which the same redaction can be created again. */
  get values(): readonly string[] {
    return this.#values;
  }

  /** Redacts a command line, a label, or a message: the known values, and what looks like a secret. */
  text(text: string): string {
    const known = this.#values.reduce((result, value) => result.replaceAll(value, MASK), text);
    return withoutSecrets(known).replaceAll(SECRET_OPTION, `$1${MASK}`);
  }

  /** Redacts the known values in a program's output. */
  bytes(bytes: Buffer): Buffer {
    return this.#values.reduce((result, value) => replaceAll(result, Buffer.from(value), Buffer.from(MASK)), bytes);
  }
}

function replaceAll(bytes: Buffer, from: Buffer, to: Buffer): Buffer {
  const parts: Buffer[] = [];
  let end = 0;
  for (let at = bytes.indexOf(from); at >= 0; at = bytes.indexOf(from, end)) {
    parts.push(bytes.subarray(end, at), to);
    end = at + from.length;
  }
  return parts.length === 0 ? bytes : Buffer.concat([...parts, bytes.subarray(end)]);
}
