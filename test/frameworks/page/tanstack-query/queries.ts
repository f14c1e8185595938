import { QueryClient, queryOptions, skipToken } from '@tanstack/react-query';
import { RequestError } from 'nestjs-webwire/client';
import { client } from '../client';
import type { Company, Tick } from '../stocks-api';

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      // The client waits for a connection itself.
      networkMode: 'always',
      // The signals of the server say when a reply is out of date.
      staleTime: Infinity,
      // The handler would report the same failure again.
      retry: (failures, error) => failures < 3 && !(error instanceof RequestError),
    },
    mutations: { networkMode: 'always' },
  },
});

export const companyQuery = (symbol: string) =>
  queryOptions<Company>({
    queryKey: ['company', symbol],
    queryFn: async ({ signal }) => (await client.request('company', { symbol }, { signal })).body,
  });

/** The server sends the data of these queries, so they have no function. */
export const newsQuery = queryOptions<string[]>({ queryKey: ['news'], queryFn: skipToken });
export const tickQuery = (symbol: string) => queryOptions<Tick>({ queryKey: ['tick', symbol], queryFn: skipToken });

/** Renames a company. Then the server sends a signal to all pages. */
export async function rename(company: Company): Promise<void> {
  await client.request('rename', company);
}

/** Keeps the cache up to date with the server. Returns a function that ends this. */
export function followServer(): () => void {
  const stops = [
    client.onSignal('companyChanged', ({ body: { symbol } }) =>
      queryClient.invalidateQueries({ queryKey: companyQuery(symbol).queryKey }),
    ),
    client.onSignal('news', ({ body }) => {
      queryClient.setQueryData(newsQuery.queryKey, (older = []) => [body, ...older].slice(0, 20));
    }),
    // Signals that were sent while there was no connection are lost.
    client.on('connected', ({ isReconnect }) => (isReconnect ? queryClient.invalidateQueries() : undefined)),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}
