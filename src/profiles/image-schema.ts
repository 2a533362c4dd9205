import { z } from 'zod';
import { objectName, packages, relativePath, variableName } from './fields.ts';

/** The version of Python in the built-in base image. */
export const DEFAULT_PYTHON = '3.11';

/** What an image is made of, as it is written. */
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
        name: objectName.meta({ description: 'The Modal secret with the registry’s credentials.' }),
        kind: z.enum(['registry', 'aws-ecr', 'gcp-artifact-registry']).default('registry').meta({
          description:
            'How the registry signs in: by user name and password, or as AWS ECR or GCP Artifact Registry do.',
        }),
      })
      .optional()
      .meta({ description: 'The secret for a private `registry` tag.' }),
    dockerfile: relativePath.optional().meta({
      description: 'A Dockerfile in the folder, built by Modal.',
      examples: ['Dockerfile'],
    }),
    context: relativePath.optional().meta({
      description: 'The folder that `COPY` and `ADD` of the Dockerfile read from; the Dockerfile’s own when absent.',
    }),
    target: z
      .string()
      .min(1)
      .optional()
      .meta({ description: 'The stage of the Dockerfile to build; the last one when absent.' }),
    buildArgs: z
      .record(variableName, z.string())
      .optional()
      .meta({ description: 'Values for the Dockerfile’s `ARG`s.' }),
    name: z
      .string()
      .min(1)
      .optional()
      .meta({ description: 'An image published in the account, as `name` or `name:tag`.' }),
    snapshot: z
      .string()
      .regex(/^im-/, 'must be the id of a snapshot, such as "im-…"')
      .optional()
      .meta({ description: 'The id of a snapshot.' }),
    python: z
      .string()
      .regex(/^3\.\d{1,2}$/, 'must be a version of Python such as "3.12"')
      .optional()
      .meta({ description: 'The version of Python in the built-in base image.', examples: ['3.11', '3.12', '3.13'] }),
    apt: packages.default([]).meta({ description: 'Debian packages to install.' }),
    pip: packages
      .default([])
      .meta({ description: 'Python packages to install.', examples: [['numpy', 'torch==2.9.0']] }),
    pipFrom: relativePath.optional().meta({
      description:
        'Python packages to install as a file of the folder names them: `requirements.txt`, `pyproject.toml` or `uv.lock`.',
      examples: ['requirements.txt', 'pyproject.toml', 'uv.lock'],
    }),
    npm: packages.default([]).meta({ description: 'npm packages to install for all users.' }),
    commands: z
      .array(z.string().min(1))
      .default([])
      .meta({
        description: 'Shell commands that finish the image.',
        examples: [['curl -LsSf https://example.com/install.sh | sh']],
      }),
    env: z
      .record(variableName, z.string())
      .default({})
      .meta({ description: 'Environment variables of the image, at build and run.' }),
    buildSecrets: z.array(variableName).default([]).meta({
      description: 'Variables of this machine (or of `envFile`) that the build sees and the image does not keep.',
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
        message: `cannot be beside "${bases[0]}": an image has one base`,
        input: image,
      });
    const needs = (key: 'context' | 'target' | 'buildArgs' | 'registrySecret', base: 'dockerfile' | 'registry') => {
      if (image[key] !== undefined && image[base] === undefined)
        context.addIssue({ code: 'custom', path: [key], message: `needs "${base}" beside it`, input: image });
    };
    needs('context', 'dockerfile');
    needs('target', 'dockerfile');
    needs('buildArgs', 'dockerfile');
    needs('registrySecret', 'registry');
  });

/** What an image is made of. */
export type ImageProfile = z.infer<typeof ImageSchema>;
