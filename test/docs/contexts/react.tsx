// docs/react.md
// Alone: React needs a document when it is loaded.
import { MessageBody } from '@nestjs/websockets';
import { Window } from 'happy-dom';
import { jsonCodec as codec, WebwireGateway, WebwireService, WebwireStream } from 'nestjs-webwire';
import { renderToString } from 'react-dom/server';
import { serve } from './serve.js';

let toast: (text: string) => void;

// block 1

@WebwireGateway({ path: '/chat', codec })
class ChatGateway {
  @WebwireStream('ticks') async *ticks(@MessageBody() { symbol }: { symbol: string }) {
    yield { price: symbol.length };
  }
}

console.log('on the server:', renderToString(<Prices symbol="ACME" />));
const app = await serve({ providers: [ChatGateway] });
const window = new Window();
for (const name of ['window', 'document', 'navigator'] as const) {
  Object.defineProperty(globalThis, name, { value: window[name], configurable: true });
}
const { createRoot } = await import('react-dom/client');
const root = createRoot(document.body);
const shown = new Promise<void>((resolve) => {
  const observer = new window.MutationObserver(() => {
    console.log('in a page:', document.body.innerHTML);
    if (!/4/.test(document.body.innerHTML)) return;
    observer.disconnect();
    resolve();
  });
  observer.observe(window.document.body, { childList: true, subtree: true, characterData: true });
});
const notified = new Promise<void>((resolve) => {
  toast = (text) => {
    console.log('toast:', text);
    resolve();
  };
});
root.render(<Prices symbol="ACME" />);
await shown;
app.get(WebwireService).broadcast('news', 'the stocks rise');
await notified;
root.unmount();
await client.close();
await app.close();
await window.happyDOM.close();

// Prints:
// on the server: <i>disconnected</i>
// in a page: <i>disconnected</i>
// in a page: <i>connecting</i>
// in a page: <b></b>
// in a page: <b>4</b>
// toast: the stocks rise
