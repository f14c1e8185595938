import { useMutation, useQuery } from '@tanstack/react-query';
import { useStream, useWebwire } from 'nestjs-webwire/react';
import { useState } from 'react';
import { client } from '../client';
import { companyQuery, newsQuery, queryClient, rename, tickQuery } from './queries';

export function StockCard() {
  const [symbol, setSymbol] = useState('ACME');
  const { status } = useWebwire(client);
  const company = useQuery(companyQuery(symbol));
  const tick = useQuery(tickQuery(symbol));
  const news = useQuery(newsQuery);
  const renaming = useMutation({ mutationFn: rename });
  // Each item goes into the cache, from which other components may read it, too.
  useStream(
    client,
    'ticks',
    { symbol },
    {
      onItem: ({ body }) => queryClient.setQueryData(tickQuery(body.symbol).queryKey, body),
    },
  );
  return (
    <>
      <p role="status">{status}</p>
      <label>
        Company{' '}
        <select value={symbol} onChange={(event) => setSymbol(event.target.value)}>
          <option>ACME</option>
          <option>INIT</option>
          <option>NONE</option>
        </select>
      </label>
      <h2>{company.data?.name ?? company.error?.toString() ?? 'loading'}</h2>
      <button disabled={renaming.isPending} onClick={() => renaming.mutate({ symbol, name: 'Acme & Sons' })}>
        Rename
      </button>
      <p>Price: {tick.data?.price ?? 'unknown'}</p>
      <p>News: {news.data?.[0] ?? 'none'}</p>
    </>
  );
}
