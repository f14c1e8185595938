import { MessageBody } from '@nestjs/websockets';
import { WebwireGateway, WebwireRequest } from 'nestjs-webwire';
import { WebwireClient } from 'nestjs-webwire/client';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { parse, parseAllDocuments } from 'yaml';
import { Document } from '../docs/documents.js';
import { ca } from '../support/certificate.js';
import { TestApp } from '../support/test-app.js';
import { describeWithProxy } from './describe-with-proxy.js';
import { DEPLOYMENT, Proxy, readConfiguration } from './proxy.js';

const { text } = new Document('docs/deployment.md');

/** The only code block of a language in docs/deployment.md. It may be indented. */
function blockOf(language: string): string {
  const [block, ...others] = [...text.matchAll(new RegExp(`^( *)\`\`\`${language}\\n([^]*?)^ *\`\`\``, 'gm'))];
  expect(others).toEqual([]);
  return block![2]!.replaceAll(new RegExp(`^${block![1]}`, 'gm'), '');
}

const linesOf = (configuration: string) => configuration.split('\n').map((line) => line.trim());

it('the configuration of nginx in the page has the lines of the sample', async () => {
  expect(linesOf(await readConfiguration('nginx'))).toEqual(expect.arrayContaining(linesOf(blockOf('nginx'))));
});

it('the Deployment in the page is a part of that of the sample', async () => {
  const [deployment] = parseAllDocuments(await readFile(join(DEPLOYMENT, 'kubernetes.yaml'), 'utf8'));
  expect(deployment!.toJS()).toMatchObject(parse(blockOf('yaml')) as object);
});

describeWithProxy('nginx', 'docs/deployment.md, with', () => {
  @WebwireGateway()
  class Gateway {
    @WebwireRequest('echo') echo(@MessageBody() body: string) {
      return body;
    }
  }

  it('requests pass', async () => {
    const app = await TestApp.start({ providers: [Gateway] });
    onTestFinished(() => app.close());
    const proxy = await Proxy.start('nginx', [app.port], [], blockOf('nginx'));
    class TrustingSocket extends WebSocket {
      constructor(url: string) {
        super(url, { ca });
      }
    }
    const client = new WebwireClient(proxy.url, { webSocket: TrustingSocket });
    onTestFinished(() => client.close());
    expect((await client.request('echo', 'hello')).text()).toBe('hello');
  });
});
