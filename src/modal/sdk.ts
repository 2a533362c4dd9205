/** The SDK, with the gRPC library that it brings. One file of the package, loaded at its first use. */
export * from 'modal';
export { ChannelCredentials, createChannel, createClient, Metadata } from 'nice-grpc';
