export { createTestClient, recordedFrames, type TestClientOptions } from './create-test-client.js';
export type { TestClientQuery } from './query.js';
