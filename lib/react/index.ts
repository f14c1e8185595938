'use client';

export { useSignal } from './use-signal.js';
export { useStream, type StreamState, type UseStreamOptions } from './use-stream.js';
export { useWebwire, type UseWebwireOptions } from './use-webwire.js';
