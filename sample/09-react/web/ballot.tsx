import { useStream } from 'nestjs-webwire/react';
import { useEffect, useState } from 'react';
import { MEALS, type Meal } from '../api/poll-api.js';
import { client } from './client.js';

export function Ballot({ isConnected }: { isConnected: boolean }) {
  const [choice, setChoice] = useState<Meal>();
  const error = useVote(choice, isConnected);
  const { item, status } = useStream(client, 'results');
  const results = item?.body;
  const total = results ? MEALS.reduce((sum, meal) => sum + results.votes[meal], 0) : 0;
  return (
    <section className="card" aria-labelledby="ballot-title" data-old={status !== 'open'}>
      <h2 id="ballot-title">Your vote</h2>
      <div className="meals">
        {MEALS.map((meal) => {
          const votes = results?.votes[meal] ?? 0;
          return (
            <button className="meal" key={meal} aria-pressed={meal === choice} onClick={() => setChoice(meal)}>
              <span className="bar" style={{ inlineSize: `${total ? (100 * votes) / total : 0}%` }} />
              <span>{meal}</span> <span className="votes">{votes}</span>
            </button>
          );
        })}
      </div>
      <p className="note">
        {results ? `${total} of ${results.pages} open pages have voted.` : 'Waiting for the results.'}
        {status === 'interrupted' && ' These are the last results before the connection was lost.'}
      </p>
      {error && <p role="alert">{error}</p>}
    </section>
  );
}

/** Votes when the choice changes and on each new connection, as a vote ends with its connection. Returns an error message. */
function useVote(choice: Meal | undefined, isConnected: boolean): string | undefined {
  const [error, setError] = useState<string>();
  useEffect(() => {
    if (!choice || !isConnected) return undefined;
    const abort = new AbortController();
    client.request('vote', choice, { signal: abort.signal }).then(
      () => setError(undefined),
      (reason: Error) => {
        // The next effect votes again.
        if (!abort.signal.aborted) setError(`Your vote was not counted: ${reason.message}`);
      },
    );
    return () => abort.abort();
  }, [choice, isConnected]);
  return error;
}
