/** The SDK and its gRPC library. Bundled into a separate file, which the extension loads at first use, and Local Modal shares. */
export * from 'modal';
export {
  ChannelCredentials,
  createChannel,
  createClient,
  createClientFactory,
  createServer,
  Metadata,
  ServerError,
  Status,
} from 'nice-grpc';
