import { z } from 'zod';
import { ModalFileSchema, ProfileSchema } from './schema.ts';

/** The parts of a JSON schema that are used here. */
export interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly description?: string;
  /** Shown by VS Code instead of `description`. Set if that contains code. */
  readonly markdownDescription?: string;
  readonly default?: unknown;
  readonly examples?: readonly unknown[];
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: JsonSchema | boolean;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
}

/** Keywords that the extension checks itself, with better messages than an editor can derive from a schema. */
const CHECKED_BY_US = [
  'pattern',
  'format',
  'minimum',
  'maximum',
  'exclusiveMinimum',
  'multipleOf',
  'minLength',
  'maxLength',
  'minItems',
  'propertyNames',
];

/** Returns the JSON schema of `modal.json` for editors: structure, types, defaults, and descriptions. */
export function modalFileJsonSchema(): JsonSchema {
  return jsonSchemaOf(ModalFileSchema);
}

/** Returns the JSON schema of a profile. */
export function profileJsonSchema(): JsonSchema {
  const { $schema: _, ...schema } = jsonSchemaOf(ProfileSchema) as JsonSchema & { $schema?: string };
  return schema;
}

function jsonSchemaOf(schema: z.ZodType): JsonSchema {
  return z.toJSONSchema(schema, {
    io: 'input',
    target: 'draft-7',
    override: ({ jsonSchema }) => {
      const own = jsonSchema as Record<string, unknown>;
      for (const key of CHECKED_BY_US) delete own[key];
      if (jsonSchema.description?.includes('`')) own.markdownDescription = jsonSchema.description;
    },
  }) as JsonSchema;
}
