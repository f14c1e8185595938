import { useWebwire } from 'nestjs-webwire/react';
import { Ballot } from './ballot.js';
import { Cheers } from './cheers.js';
import { client } from './client.js';

export function App() {
  const { status, error } = useWebwire(client);
  return (
    <>
      <header>
        <h1>What do we eat on Friday?</h1>
        <p className="status" data-status={status} role="status" title={error?.message}>
          {status}
        </p>
      </header>
      <main>
        <Ballot isConnected={status === 'connected'} />
        <Cheers isConnected={status === 'connected'} />
      </main>
    </>
  );
}
