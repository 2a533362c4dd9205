/**
 * Modal's wire protocol. The service definitions come from the SDK's bundle (the build adds the export, see
 * `scripts/build.ts`), so the codecs are those of the SDK in use. The types are derived from its public declarations. Only
 * the router messages that are missing there are declared here.
 */
import type { ContainerProcess, ModalClient } from 'modal';
import type { Client, MethodDefinition, ServiceImplementation } from 'nice-grpc';

type ControlPlaneClient = ModalClient['cpClient'];
type RouterClient = ConstructorParameters<typeof ContainerProcess>[2];
type ControlPlaneService = ControlPlaneClient extends Client<infer Service, infer _Options> ? Service : never;

/** The request of a control-plane RPC. */
export type Request<Method extends keyof ControlPlane> = Parameters<ControlPlane[Method]>[0];
/** The reply of a unary control-plane RPC. Every field is optional. */
export type Reply<Method extends keyof ControlPlane> = Awaited<ReturnType<ControlPlane[Method]>>;

/** All RPCs of `modal.client.ModalClient`, as handlers. */
export type ControlPlane = ServiceImplementation<ControlPlaneService>;

/** A message in which every field is optional, as in the SDK's types. */
type Partially<T> = T extends Uint8Array | Date | string | number | boolean | undefined
  ? T
  : T extends (infer Item)[]
    ? Partially<Item>[]
    : { [Key in keyof T]?: Partially<T[Key]> };
type Unary<In, Out> = MethodDefinition<Partially<In>, In, Partially<Out>, Out, false, false>;
type ServerStream<In, Out> = MethodDefinition<Partially<In>, In, Partially<Out>, Out, false, true>;
type ClientStream<In, Out> = MethodDefinition<Partially<In>, In, Out, Out, true, false>;
type RouterRequest<Method extends keyof RouterClient> = RouterClient[Method] extends (request: infer In) => unknown
  ? In
  : RouterClient[Method] extends (request: infer In, options?: never) => unknown
    ? In
    : never;
type RouterReply<Method extends keyof RouterClient> = RouterClient[Method] extends (
  request: never,
) => Promise<infer Out>
  ? Out
  : never;
type Empty = Record<string, never>;

export interface ExecRef {
  readonly taskId: string;
  readonly execId: string;
}
export interface StdioReadRequest extends ExecRef {
  /** The number of bytes that the reader already has. */
  readonly offset: number;
  /** 0 = stdout, 1 = stderr */
  readonly fileDescriptor: number;
}
export interface StdinWriteRequest extends ExecRef {
  readonly offset: number;
  readonly data: Uint8Array;
  readonly eof: boolean;
}
/** Exactly one field is set. The first message of a stream is `start`. */
export interface StdinStreamMessage {
  readonly start?: { taskId: string; execId: string; offset: number } | undefined;
  readonly data?: Uint8Array | undefined;
  readonly end?: Empty | undefined;
}
export type ExecStartRequest = RouterRequest<'execStart'>;
/** Has exactly one field, or none while the process is running. */
export interface ExecStatus {
  readonly code?: number | undefined;
  readonly signal?: number | undefined;
}

/** The router as a service definition, for its clients. */
export type RouterService = {
  sandboxStdinWriteV2: Unary<Omit<StdinWriteRequest, 'execId'>, Empty>;
  sandboxStdioReadV2: ServerStream<Omit<StdioReadRequest, 'execId'>, { data: Uint8Array; startingOffset: number }>;
  sandboxWaitUntilReady: Unary<{ taskId: string; timeout: number }, { readyAt: number }>;
  taskContainerCreate: Unary<RouterRequest<'containerCreate'>, RouterReply<'containerCreate'>>;
  taskContainerGet: Unary<RouterRequest<'containerGet'>, RouterReply<'containerGet'>>;
  taskContainerList: Unary<RouterRequest<'containerList'>, RouterReply<'containerList'>>;
  taskContainerTerminate: Unary<RouterRequest<'containerTerminate'>, Empty>;
  taskContainerWait: Unary<RouterRequest<'containerWait'>, RouterReply<'containerWait'>>;
  taskExecPoll: Unary<ExecRef, ExecStatus>;
  taskExecStart: Unary<ExecStartRequest, Empty>;
  taskExecStdinStatus: Unary<ExecRef, { numBytesWritten: number; closed: boolean }>;
  taskExecStdinWrite: Unary<StdinWriteRequest, Empty>;
  taskExecStdinWriteStream: ClientStream<StdinStreamMessage, Empty>;
  taskExecStdioRead: ServerStream<StdioReadRequest, { data: Uint8Array }>;
  taskExecWait: Unary<ExecRef, ExecStatus>;
  taskMountDirectory: Unary<RouterRequest<'mountDirectory'>, Empty>;
  taskReloadVolumes: Unary<RouterRequest<'reloadVolumes'>, Empty>;
  taskSetNetworkAccess: Unary<RouterRequest<'setNetworkAccess'>, Empty>;
  taskSetOutboundPolicy: Unary<RouterRequest<'setOutboundPolicy'>, Empty>;
  taskSnapshotDirectory: Unary<RouterRequest<'snapshotDirectory'>, RouterReply<'snapshotDirectory'>>;
  taskSnapshotFilesystem: Unary<RouterRequest<'snapshotFilesystem'>, RouterReply<'snapshotFilesystem'>>;
  taskSnapshotMemory: Unary<RouterRequest<'snapshotMemory'>, RouterReply<'snapshotMemory'>>;
  taskUnmountDirectory: Unary<RouterRequest<'unmountDirectory'>, Empty>;
};

/** All RPCs of `modal.task_command_router.TaskCommandRouter`, as handlers. */
export type Router = ServiceImplementation<RouterService>;

/** The parts of the SDK's service definitions that this server uses. */
export interface WireDefinition {
  readonly name: string;
  readonly fullName: string;
  readonly methods: Record<
    string,
    { name: string; requestStream: boolean; responseStream: boolean; responseType: object }
  >;
}

/** A sandbox's definition, as the SDK sends it. */
export type SandboxDefinition = NonNullable<Request<'sandboxCreateV2'>['definition']>;
export type SecretSource = Request<'sandboxCreateV2'>['secretSources'][number];
export type PtyInfo = NonNullable<ExecStartRequest['ptyInfo']>;
/** A result in replies. For `status`, see `EndStatus`. */
export type Result = NonNullable<Reply<'sandboxWaitV2'>['result']>;

/** The address of a sandbox's port. */
export type Tunnel = NonNullable<NonNullable<Reply<'sandboxGetTunnelsV2'>['tunnels']>[number]>;

/** `GenericStatus`: how a sandbox, an image build, or a container ended. */
export const EndStatus = {
  success: 1,
  failure: 2,
  terminated: 3,
  timeout: 4,
  initFailure: 5,
  internalFailure: 6,
  idleTimeout: 7,
} as const;
export type EndStatus = (typeof EndStatus)[keyof typeof EndStatus];

/** `ObjectCreationType`: what a `…GetOrCreate` call may create. */
export const Creation = {
  lookup: 0,
  createIfMissing: 1,
  createFailIfExists: 2,
  createOverwrite: 3,
  ephemeral: 5,
} as const;

/** `NetworkAccessType` of a sandbox. */
export const NetworkAccess = { open: 1, blocked: 2, allowlist: 3 } as const;

/** The router's file descriptor number for stderr. */
export const ROUTER_STDERR = 1;

/** `FileDescriptor` in control-plane logs. The router counts from 0 instead. */
export const LogStream = { stdout: 1, stderr: 2, system: 3 } as const;
