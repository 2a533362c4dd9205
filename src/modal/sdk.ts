/** The SDK and its gRPC library. Bundled into a separate file, and loaded at first use. */
export * from 'modal';
export { ChannelCredentials, createChannel, createClient, Metadata } from 'nice-grpc';
