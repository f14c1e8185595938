import { useSignal } from 'nestjs-webwire/react';
import { useState } from 'react';
import { CHEERS, type Cheer } from '../api/poll-api.js';
import { client } from './client.js';

/** Number of cheers that stay on the page. */
const SHOWN = 12;

interface NumberedCheer {
  number: number;
  cheer: Cheer;
}

export function Cheers({ isConnected }: { isConnected: boolean }) {
  const [cheers, setCheers] = useState<readonly NumberedCheer[]>([]);
  useSignal(client, 'cheer', ({ body: cheer }) => {
    setCheers((earlier) => [...earlier.slice(1 - SHOWN), { number: (earlier.at(-1)?.number ?? 0) + 1, cheer }]);
  });
  return (
    <section className="card" aria-labelledby="cheers-title">
      <h2 id="cheers-title">Cheer the others</h2>
      <div className="cheers">
        {CHEERS.map((cheer) => (
          <button
            key={cheer}
            disabled={!isConnected}
            // It is not worth a message if the connection is lost at this moment.
            onClick={() => client.signal('cheer', cheer).catch(() => undefined)}
          >
            {cheer}
          </button>
        ))}
      </div>
      <p className="note" id="cheers-note">
        {cheers.length > 0 ? 'From all open pages:' : 'Nobody has cheered since this page was opened.'}
      </p>
      <ol className="cheered" role="log" aria-labelledby="cheers-note">
        {cheers.map(({ number, cheer }) => (
          <li key={number}>{cheer}</li>
        ))}
      </ol>
    </section>
  );
}
