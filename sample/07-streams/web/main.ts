import { CanceledError, jsonCodec, WebwireClient } from 'nestjs-webwire/client';
import type { StreamsApi } from '../api/streams-api.js';

/** Number of words of a text: it takes twenty seconds. */
const WORDS = 500;

/** Time for which a slow page waits after each price, in ms. */
const PAUSE = 100;

const element = (id: string) => document.getElementById(id)!;
const input = (id: string) => element(id) as HTMLInputElement;
const button = (id: string) => element(id) as HTMLButtonElement;
const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

function setText(id: string, value: string | number): void {
  element(id).textContent = String(value);
}

const client = new WebwireClient<StreamsApi>('/', { codec: jsonCodec });
for (const event of ['connected', 'disconnected', 'reconnecting'] as const) {
  client.on(event, () => setText('status', client.status));
}

/**
 * Makes a form start something, and a button stop it.
 * @param run Gets a signal that is aborted by the button. Its result, or its error, is shown.
 */
function startAndStop(form: string, stop: string, result: string, run: (signal: AbortSignal) => Promise<string>): void {
  let current: AbortController | undefined;
  const start = element(form).querySelector('button')!;
  const setRunning = (isRunning: boolean) => {
    start.disabled = isRunning;
    button(stop).disabled = !isRunning;
  };
  const perform = async (signal: AbortSignal) => {
    setText(result, '');
    setRunning(true);
    try {
      setText(result, await run(signal));
    } catch (error) {
      setText(result, error instanceof CanceledError ? 'Stopped.' : (error as Error).message);
    } finally {
      setRunning(false);
    }
  };
  element(form).addEventListener('submit', (event) => {
    event.preventDefault();
    current = new AbortController();
    void perform(current.signal);
  });
  element(stop).addEventListener('click', () => current?.abort());
}

startAndStop('writer', 'stop', 'text-state', async (signal) => {
  const prompt = input('prompt').value;
  const text = element('text');
  text.textContent = prompt;
  for await (const { body: word } of client.stream('write', { prompt, words: WORDS }, { signal })) {
    text.append(` ${word}`);
    text.scrollTop = text.scrollHeight;
  }
  return 'Complete.';
});

startAndStop('archive', 'cancel', 'found', async (signal) => {
  const { body: documents } = await client.request('search', { text: input('query').value }, { signal });
  return `Found ${documents.join(', ')}.`;
});

/** Reads a stream again and again: it ends when the connection is lost. */
async function follow(read: () => Promise<void>): Promise<never> {
  for (;;) {
    await read().catch((error: Error) => console.info(`A stream has ended: ${error.message}`));
    await pause(500);
  }
}

void follow(async () => {
  let last: number | undefined;
  let [shown, skipped] = [0, 0];
  for await (const { body: price } of client.stream('prices')) {
    skipped += price.number - (last ?? price.number - 1) - 1;
    last = price.number;
    setText('price', price.value.toFixed(3));
    setText('shown', ++shown);
    setText('skipped', skipped);
    // The loop asks for the next price only after this.
    if (input('slow').checked) await pause(PAUSE);
  }
});

void follow(async () => {
  for await (const { body: activity } of client.stream('activity')) {
    for (const [name, value] of Object.entries(activity)) setText(name, value);
  }
});
