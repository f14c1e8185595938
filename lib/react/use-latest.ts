import { useInsertionEffect, useRef, type RefObject } from 'react';

/** Keeps the value of the last render that was committed, for callbacks that should not run effects again. */
export function useLatest<Value>(value: Value): RefObject<Value> {
  const latest = useRef(value);
  // Before all other effects. A render that is suspended or discarded has no effects.
  useInsertionEffect(() => {
    latest.current = value;
  });
  return latest;
}
