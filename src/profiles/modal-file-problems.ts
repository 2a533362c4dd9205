import { closest, distance } from 'fastest-levenshtein';
import {
  findNodeAtLocation,
  getNodeValue,
  type Node,
  type ParseError,
  parseTree,
  printParseErrorCode,
} from 'jsonc-parser';
import { z } from 'zod';
import { flatten, type Issue, phraseOf } from './issues.ts';
import { ModalFileSchema } from './schema.ts';
import { strings } from './strings.ts';

/** A problem in a `modal.json`, with its location. */
export interface ModalFileProblem {
  /** The end of a sentence that starts with the key, such as `must be a number`. */
  readonly message: string;
  /** The keys and indexes of the value. */
  readonly path: readonly PropertyKey[];
  readonly offset: number;
  readonly length: number;
  /** The text to replace it with. */
  readonly fix?: { readonly title: string; readonly newText: string };
  /** The JSON schema reports it, too, so editors show it already. */
  readonly isShownBySchema: boolean;
}

/** Keys whose value is a path in the workspace folder. */
const FILE_KEYS = [['envFile'], ['image', 'dockerfile'], ['image', 'context'], ['image', 'pipFrom']] as const;

/** Finds the problems in a `modal.json`. `exists` must return whether a path in the workspace folder exists. */
export function modalFileProblems(text: string, exists: (path: string) => boolean): ModalFileProblem[] {
  const errors: ParseError[] = [];
  const tree = parseTree(text, errors, { allowTrailingComma: true });
  const problems: ModalFileProblem[] = errors.map(({ error, offset, length }) => ({
    message: strings.invalidJson(printParseErrorCode(error)),
    path: [],
    offset,
    length,
    isShownBySchema: true,
  }));
  if (!tree) return problems;
  for (const issue of ModalFileSchema.safeParse(getNodeValue(tree)).error?.issues ?? [])
    problems.push(...problemsOf(tree, issue));
  problems.push(...missingFiles(tree, exists));
  return problems;
}

function problemsOf(tree: Node, issue: Issue): ModalFileProblem[] {
  return flatten(issue).flatMap((each) =>
    each.code === 'unrecognized_keys' ? unknownKeys(tree, each) : [problemOf(tree, each)],
  );
}

function problemOf(tree: Node, issue: Issue): ModalFileProblem {
  const node = nodeAt(tree, issue.path);
  const suggestion = issue.code === 'custom' ? (issue.params?.suggestion as string | undefined) : undefined;
  return {
    message: phraseOf(issue),
    path: issue.path,
    offset: node.offset,
    length: node.length,
    ...(suggestion && { fix: { title: strings.changeTo(suggestion), newText: JSON.stringify(suggestion) } }),
    isShownBySchema: ['invalid_type', 'invalid_value', 'invalid_union'].includes(issue.code),
  };
}

function unknownKeys(tree: Node, issue: z.core.$ZodIssueUnrecognizedKeys): ModalFileProblem[] {
  const object = nodeAt(tree, issue.path);
  const known = keysAt(issue.path);
  return issue.keys.map((key) => {
    const place = object.children?.find((property) => property.children?.[0]?.value === key)?.children?.[0] ?? object;
    const near = known.length > 0 ? closest(key, known) : undefined;
    const isNear = near !== undefined && distance(key, near) <= Math.max(2, key.length / 3);
    return {
      message: isNear ? strings.misspelledKey(near) : strings.unknownKey(),
      path: [...issue.path, key],
      offset: place.offset,
      length: place.length,
      ...(isNear && { fix: { title: strings.changeTo(near), newText: JSON.stringify(near) } }),
      isShownBySchema: true,
    };
  });
}

function missingFiles(tree: Node, exists: (path: string) => boolean): ModalFileProblem[] {
  const profiles = findNodeAtLocation(tree, ['profiles']);
  return (profiles?.children ?? []).flatMap((property) => {
    const [name, profile] = property.children ?? [];
    if (!name || profile?.type !== 'object') return [];
    const listed = findNodeAtLocation(profile, ['setup', 'files'])?.children ?? [];
    const places = [...FILE_KEYS, ...listed.map((_, index) => ['setup', 'files', index] as const)];
    return places.flatMap((keys) => {
      const node = findNodeAtLocation(profile, [...keys]);
      if (typeof node?.value !== 'string' || exists(node.value)) return [];
      const path = ['profiles', name.value as string, ...keys];
      const message = strings.missingFile(node.value);
      return [{ message, path, offset: node.offset, length: node.length, isShownBySchema: false }];
    });
  });
}

/** Returns the node at a path, or its nearest existing ancestor. */
function nodeAt(tree: Node, path: readonly PropertyKey[]): Node {
  for (let length = path.length; length > 0; length -= 1) {
    const node = findNodeAtLocation(
      tree,
      path.slice(0, length).map((key) => (typeof key === 'number' ? key : String(key))),
    );
    if (node) return node;
  }
  return tree;
}

type JsonSchema = z.core.JSONSchema.BaseSchema;
let fileSchema: JsonSchema | undefined;

/** Returns the keys that an object at a path can have. */
function keysAt(path: readonly PropertyKey[]): string[] {
  fileSchema ??= z.toJSONSchema(ModalFileSchema, { io: 'input' }) as JsonSchema;
  let places: JsonSchema[] = [fileSchema];
  for (const key of path) {
    places = places.flatMap(alternatives).flatMap(({ properties, additionalProperties, items }) => {
      const next = typeof key === 'number' ? items : (properties?.[String(key)] ?? additionalProperties);
      return typeof next === 'object' && !Array.isArray(next) ? [next as JsonSchema] : [];
    });
  }
  return places.flatMap(alternatives).flatMap(({ properties = {} }) => Object.keys(properties));
}

function alternatives(schema: JsonSchema): JsonSchema[] {
  return [schema, ...((schema.anyOf ?? []) as JsonSchema[])];
}
