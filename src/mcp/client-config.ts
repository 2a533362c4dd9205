import { isDeepStrictEqual } from 'node:util';
import { applyEdits, modify, type ParseError, parse as parseJson, printParseErrorCode } from 'jsonc-parser';
import { parse as parseToml, stringify } from 'smol-toml';
import { UserError } from '../base/errors.ts';
import type { LaunchCommand } from './launcher.ts';
import { strings } from './strings.ts';

/** The name of the server in the files of clients. */
export const SERVER_NAME = 'modal-sandboxes';

/** A program whose agents can use sandboxes, and the file in a project that tells it about servers. */
export interface AgentClient {
  readonly id: 'standard' | 'cursor' | 'codex';
  /** The names of programs, which aren't translated. */
  readonly label: string;
  /** Relative to the project, with `/`. */
  readonly path: string;
  /** Arguments that tell the server its folder. Without them, it's the folder that the client starts it in. */
  readonly args: readonly string[];
}

export const AGENT_CLIENTS: readonly AgentClient[] = [
  { id: 'standard', label: 'Claude Code, VS Code', path: '.mcp.json', args: [] },
  // biome-ignore lint/suspicious/noTemplateCurlyInString: Cursor replaces it.
  { id: 'cursor', label: 'Cursor', path: '.cursor/mcp.json', args: ['--folder', '${workspaceFolder}'] },
  { id: 'codex', label: 'Codex', path: '.codex/config.toml', args: [] },
];

/**
 * Returns the text of a client's file with our server in it. Everything else in the file stays as it is. Throws `UserError` if
 * the file can't be read, or has our server in a form that can't be replaced.
 */
export function withServer({ id, path }: AgentClient, text: string, { command, args, env }: LaunchCommand): string {
  const entry = { command, args: [...args], ...(env && { env }) };
  return id === 'codex' ? inToml(path, text, entry) : inJson(path, text, entry);
}

/** Returns the entry alone, as a preview. */
export function serverEntry(client: AgentClient, launch: LaunchCommand): string {
  return withServer(client, '', launch);
}

function inJson(path: string, text: string, entry: object): string {
  const errors: ParseError[] = [];
  const value: unknown = text.trim() === '' ? {} : parseJson(text, errors, { allowTrailingComma: true });
  const [error] = errors;
  if (error) throw new UserError(strings.clientFileInvalid(path, printParseErrorCode(error.error)));
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new UserError(strings.clientFileInvalid(path, typeof value));
  const formattingOptions = { insertSpaces: !/^\t/m.test(text), tabSize: 2, insertFinalNewline: true };
  const before = text.trim() === '' ? '{}\n' : text;
  return applyEdits(before, modify(before, ['mcpServers', SERVER_NAME], entry, { formattingOptions }));
}

/** The header of our table, and of tables in it. */
const OWN_TABLE = new RegExp(`^\\s*\\[\\s*mcp_servers\\s*\\.\\s*["']?${SERVER_NAME}["']?\\s*(?:\\.[^\\]]*)?\\]`);
const ANY_TABLE = /^\s*\[/;

function inToml(path: string, text: string, entry: LaunchCommand): string {
  const before = tomlOf(path, text);
  let isOwn = false;
  const others = text.split('\n').filter((line) => {
    if (ANY_TABLE.test(line)) isOwn = OWN_TABLE.test(line);
    return !isOwn;
  });
  const rest = others.join('\n').trimEnd();
  const own = stringify({ mcp_servers: { [SERVER_NAME]: entry } });
  const result = `${rest}${rest === '' ? '' : '\n\n'}${own.trim()}\n`;
  // Strings of several lines and inline tables are beyond what lines tell.
  const expected = { ...before, mcp_servers: { ...Object(before.mcp_servers), [SERVER_NAME]: entry } };
  let after: unknown;
  try {
    after = parseToml(result);
  } catch {
    // Told below.
  }
  if (!isDeepStrictEqual(JSON.parse(JSON.stringify(after ?? null)), JSON.parse(JSON.stringify(expected))))
    throw new UserError(strings.clientFileComplex(path));
  return result;
}

function tomlOf(path: string, text: string): Record<string, unknown> {
  try {
    return parseToml(text);
  } catch (error) {
    const [reason = ''] = String(error instanceof Error ? error.message : error).split('\n');
    throw new UserError(strings.clientFileInvalid(path, reason), { cause: error });
  }
}
