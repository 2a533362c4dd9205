import { z } from 'zod';
import { ModalFileSchema, ProfileSchema } from './schema.ts';

/** A JSON schema, as far as it is looked at here. */
export interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly description?: string;
  /** What VS Code shows in the place of `description`, where that has code in it. */
  readonly markdownDescription?: string;
  readonly default?: unknown;
  readonly examples?: readonly unknown[];
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: JsonSchema | boolean;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
}

/** What the extension's own check says in better words than an editor could from a schema. */
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

/** The JSON schema of `modal.json` for editors: structure, types, defaults and words; values are checked by the extension. */
export function modalFileJsonSchema(): JsonSchema {
  return jsonSchemaOf(ModalFileSchema);
}

/** The JSON schema of one profile. */
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
