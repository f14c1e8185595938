import { client } from './client';

type Mount = (target: HTMLElement) => (() => unknown) | Promise<() => unknown>;

/** The page of each framework: the query of its URL is its name. */
const PAGES: Readonly<Record<string, () => Promise<{ mount: Mount }>>> = {
  vue: () => import('./vue/main'),
  svelte: () => import('./svelte/main'),
  angular: () => import('./angular/main'),
  'tanstack-query': () => import('./tanstack-query/main'),
};

/** Number of handlers and listeners that were added to the client and not removed. */
let handlers = 0;

function counted<Args extends unknown[]>(add: (...args: Args) => () => void): (...args: Args) => () => void {
  return (...args) => {
    const remove = add(...args);
    let isAdded = true;
    handlers++;
    return () => {
      if (isAdded) handlers--;
      isAdded = false;
      remove();
    };
  };
}

Object.assign(client, {
  on: counted(client.on.bind(client)),
  onSignal: counted(client.onSignal.bind(client)),
  subscribe: counted(client.subscribe),
});
Object.assign(globalThis, { countHandlers: () => handlers });

const { mount } = await PAGES[location.search.slice(1)]!();
const target = document.querySelector('main')!;
let unmount: (() => unknown) | undefined;
document.getElementById('show')!.addEventListener('click', async () => {
  unmount = await mount(target);
});
document.getElementById('hide')!.addEventListener('click', () => unmount?.());
document.body.dataset.ready = 'true';
