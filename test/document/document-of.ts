import type { Type } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { WebwireModule, type WebwireModuleOptions } from 'nestjs-webwire';
import {
  createWebwireDocument,
  type AsyncApiDocument,
  type AsyncApiMessage,
  type JsonSchema,
  type WebwireDocumentOptions,
} from 'nestjs-webwire/document';
import { onTestFinished } from 'vitest';

/** The document of an application with gateways, and its warnings. */
export async function documentOf(
  providers: Type[],
  options: WebwireModuleOptions = {},
  own: Partial<WebwireDocumentOptions> = {},
) {
  const module = await Test.createTestingModule({
    imports: [WebwireModule.forRoot({ sessions: false, ...options })],
    providers,
  }).compile();
  const app = module.createNestApplication({ logger: false });
  onTestFinished(() => app.close());
  const warnings: string[] = [];
  const onWarning = (warning: string) => void warnings.push(warning);
  const document = await createWebwireDocument(app, { title: 'Test', version: '1.0', onWarning, ...own });
  return { document, warnings };
}

/** A message of the only channel. */
export function messageIn({ channels }: AsyncApiDocument, key: string): AsyncApiMessage | undefined {
  const [channel] = Object.values(channels);
  return channel!.messages[key];
}

/** The schema of a message of the only channel. */
export function payloadIn(document: AsyncApiDocument, key: string): JsonSchema | undefined {
  return messageIn(document, key)?.payload;
}
