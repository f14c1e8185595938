/** The last value that has arrived, and the error after which no more arrive. */
export interface Latest<Data> {
  readonly data?: Data | undefined;
  readonly error?: unknown;
}

/** Sends a request, and shows its reply. Returns a function that cancels it. */
export function showReply<Data>(
  send: (signal: AbortSignal) => Promise<Data>,
  show: (latest: Latest<Data>) => void,
): () => void {
  // `for await` waits for each promise of a list.
  return showItems((signal) => [send(signal)], show);
}

/** Opens a stream, and shows its items. Returns a function that closes it. */
export function showItems<Data>(
  open: (signal: AbortSignal) => AsyncIterable<Data> | Iterable<Promise<Data>>,
  show: (latest: Latest<Data>) => void,
): () => void {
  const abort = new AbortController();
  const { signal } = abort;
  const read = async () => {
    let data: Data | undefined;
    show({});
    try {
      for await (data of open(signal)) if (!signal.aborted) show({ data });
    } catch (error) {
      if (!signal.aborted) show({ data, error });
    }
  };
  void read();
  return () => abort.abort();
}
