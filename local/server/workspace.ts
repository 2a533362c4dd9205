/** The account: session tokens, and the caller's identity. */
import type { CallContext } from 'nice-grpc';
import type { ControlPlane } from '../grpc/wire.ts';
import type { Auth } from '../state/auth.ts';
import { IMAGE_BUILDER_VERSION } from '../state/environments.ts';
import { nowSecs } from '../state/store.ts';

export const WORKSPACE_NAME = 'local';

export function workspaceService(auth: Auth, pageUrl: (path: string) => string) {
  return {
    async authTokenGet() {
      return { token: auth.sign({ workspace: WORKSPACE_NAME }) };
    },
    async clientHello() {
      return { imageBuilderVersion: IMAGE_BUILDER_VERSION, warning: '', serverWarnings: [] };
    },
    async tokenInfoGet(_request, { metadata }: CallContext) {
      return {
        tokenId: metadata.get('x-modal-token-id') ?? '',
        workspaceId: 'ac-local',
        workspaceName: WORKSPACE_NAME,
        createdAt: new Date(nowSecs() * 1000),
        tokenName: 'local',
        userIdentity: { userId: 'us-local', username: 'you' },
      };
    },
    async workspaceNameLookup() {
      return { workspaceName: WORKSPACE_NAME, username: WORKSPACE_NAME };
    },
    async workspaceDashboardUrlGet() {
      return { url: pageUrl('/') };
    },
  } satisfies Partial<ControlPlane>;
}
