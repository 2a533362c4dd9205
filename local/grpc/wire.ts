/**
 * Modal's wire protocol as this server uses it. The service definitions come out of the SDK's own bundle (the build adds
 * the export, see `scripts/build.ts`), so the codecs are those of the SDK in use; the types are derived from its public
 * declarations. Only the router messages that the declarations do not reach are spelled out here.
 */
import type { ContainerProcess, ModalClient } from 'modal';
import type { Client, MethodDefinition, ServiceImplementation } from 'nice-grpc';

type ControlPlaneClient = ModalClient['cpClient'];
type RouterClient = ConstructorParameters<typeof ContainerProcess>[2];
type ControlPlaneService = ControlPlaneClient extends Client<infer Service, infer _Options> ? Service : never;

/** What a handler of a control-plane RPC receives. */
export type Request<Method extends keyof ControlPlane> = Parameters<ControlPlane[Method]>[0];
/** What a handler of a unary control-plane RPC may answer: any field may be left out. */
export type Reply<Method extends keyof ControlPlane> = Awaited<ReturnType<ControlPlane[Method]>>;

/** All RPCs of `modal.client.ModalClient`, as handlers. */
export type ControlPlane = ServiceImplementation<ControlPlaneService>;

/** As in the SDK's own types: a message may be given in part. */
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
  /** Bytes of the stream that the reader already has. */
  readonly offset: number;
  /** 0 = stdout, 1 = stderr */
  readonly fileDescriptor: number;
}
export interface StdinWriteRequest extends ExecRef {
  readonly offset: number;
  readonly data: Uint8Array;
  readonly eof: boolean;
}
/** One of the three is set; the first message of a stream is `start`. */
export interface StdinStreamMessage {
  readonly start?: { taskId: string; execId: string; offset: number } | undefined;
  readonly data?: Uint8Array | undefined;
  readonly end?: Empty | undefined;
}
export type ExecStartRequest = RouterRequest<'execStart'>;
/** Neither field while the process runs, else exactly one. */
export interface ExecStatus {
  readonly code?: number | undefined;
  readonly signal?: number | undefined;
}

/** The router as a service, for clients of it. */
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

/** A service definition as the SDK's bundle holds it, as far as this server looks into it. */
export interface WireDefinition {
  readonly name: string;
  readonly fullName: string;
  readonly methods: Record<
    string,
    { name: string; requestStream: boolean; responseStream: boolean; responseType: object }
  >;
}

/** What a sandbox is made of, as the SDK sends it. */
export type SandboxDefinition = NonNullable<Request<'sandboxCreateV2'>['definition']>;
export type SecretSource = Request<'sandboxCreateV2'>['secretSources'][number];
export type PtyInfo = NonNullable<ExecStartRequest['ptyInfo']>;
/** A result as replies carry it; see EndStatus for `status`. */
export type Result = NonNullable<Reply<'sandboxWaitV2'>['result']>;

/** Where a port of a sandbox can be reached. */
export type Tunnel = NonNullable<NonNullable<Reply<'sandboxGetTunnelsV2'>['tunnels']>[number]>;

/** `GenericStatus`: how a sandbox, an image build or a container ended. */
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

/** `ObjectCreationType`: what a `…GetOrCreate` may create. */
export const Creation = {
  lookup: 0,
  createIfMissing: 1,
  createFailIfExists: 2,
  createOverwrite: 3,
  ephemeral: 5,
} as const;

/** `FileDescriptor` of control-plane logs. (The router counts from 0 instead.) */
export const LogStream = { stdout: 1, stderr: 2, system: 3 } as const;
