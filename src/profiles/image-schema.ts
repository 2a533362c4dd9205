import { z } from 'zod';
import { buildVariableName, objectName, packages, relativePath, variableName } from './fields.ts';
import { strings } from './strings.ts';

/** The version of Python in the built-in base image. */
export const DEFAULT_PYTHON = '3.11';

/** The description of an image, as written. */
export const ImageSchema = z
  .strictObject({
    registry: z
      .string()
      .min(1)
      .optional()
      .meta({
        description: 'A registry tag, such as `python:3.13-slim` or `nvcr.io/nvidia/pytorch:25.01-py3`.',
        examples: ['python:3.13-slim', 'nvidia/cuda:12.8.1-devel-ubuntu24.04'],
      }),
    registrySecret: z
      .strictObject({
        name: objectName.meta({ description: "The name of the Modal secret with the registry's credentials." }),
        kind: z.enum(['registry', 'aws-ecr', 'gcp-artifact-registry']).default('registry').meta({
          description: 'How to sign in to the registry: user name and password, AWS ECR, or GCP Artifact Registry.',
        }),
      })
      .optional()
      .meta({ description: 'Credentials for a private registry.' }),
    dockerfile: relativePath.optional().meta({
      description: 'A Dockerfile in the folder. Modal builds it.',
      examples: ['Dockerfile'],
    }),
    context: relativePath.optional().meta({
      description: "The build context, which `COPY` and `ADD` read from. Defaults to the Dockerfile's folder.",
    }),
    target: z
      .string()
      .min(1)
      .optional()
      .meta({ description: 'The stage of the Dockerfile to build. Defaults to the last one.' }),
    buildArgs: z
      .record(variableName, z.string())
      .optional()
      .meta({ description: "Values for the Dockerfile's `ARG` instructions." }),
    name: z
      .string()
      .min(1)
      .optional()
      .meta({ description: 'An image that is published in the account, as `name` or `name:tag`.' }),
    snapshot: z
      .string()
      .regex(/^im-/, { error: () => strings.snapshotId() })
      .optional()
      .meta({ description: 'A snapshot ID.' }),
    python: z
      .string()
      .regex(/^3\.\d{1,2}$/, { error: () => strings.pythonVersion() })
      .optional()
      .meta({
        description: `The Python version of the built-in base image. Defaults to ${DEFAULT_PYTHON}.`,
        examples: ['3.11', '3.12', '3.13'],
      }),
    apt: packages.default([]).meta({ description: 'Debian packages to install.' }),
    pip: packages
      .default([])
      .meta({ description: 'Python packages to install.', examples: [['numpy', 'torch==2.9.0']] }),
    pipFrom: relativePath.optional().meta({
      description:
        'A file in the folder that lists Python packages to install: `requirements.txt`, `pyproject.toml`, `pylock.toml`, or `uv.lock`.',
      examples: ['requirements.txt', 'pyproject.toml', 'uv.lock'],
    }),
    npm: packages.default([]).meta({ description: 'npm packages to install globally.' }),
    commands: z
      .array(z.string().min(1))
      .default([])
      .meta({
        description: 'Shell commands to run last.',
        examples: [['curl -LsSf https://example.com/install.sh | sh']],
      }),
    env: z
      .record(variableName, z.string())
      .default({})
      .meta({ description: 'Environment variables of the image, set at build time and at run time.' }),
    buildSecrets: z.array(buildVariableName).default([]).meta({
      description:
        "Local variables (or variables from `envFile`) that are available to the build but aren't kept in the image.",
    }),
  })
  .superRefine((image, context) => {
    const bases = (['registry', 'dockerfile', 'name', 'snapshot', 'python'] as const).filter(
      (key) => image[key] !== undefined,
    );
    for (const key of bases.slice(1))
      context.addIssue({
        code: 'custom',
        path: [key],
        message: strings.oneBase(bases[0] ?? ''),
        input: image,
      });
    const requires = (key: 'context' | 'target' | 'buildArgs' | 'registrySecret', base: 'dockerfile' | 'registry') => {
      if (image[key] !== undefined && image[base] === undefined)
        context.addIssue({ code: 'custom', path: [key], message: strings.requires(base), input: image });
    };
    requires('context', 'dockerfile');
    requires('target', 'dockerfile');
    requires('buildArgs', 'dockerfile');
    requires('registrySecret', 'registry');
  });

/** The description of an image, with defaults filled in. */
export type ImageProfile = z.infer<typeof ImageSchema> & {
  /** Adds an SSH server. A key of the profile itself. */
  readonly ssh?: boolean;
};
