export { createWebwireDocument, type WebwireDocumentOptions } from './create-document.js';
export type {
  AsyncApiChannel,
  AsyncApiDocument,
  AsyncApiMessage,
  AsyncApiOperation,
  AsyncApiServer,
  Reference,
  WebwireExtension,
} from './asyncapi.js';
export type { JsonSchema } from './json-schema.js';
