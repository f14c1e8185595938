/**
 * Longest message that is compressed or inflated synchronously, in bytes. That takes less than 0.3 ms, less than passing it to
 * another thread, and replies to requests that were read together leave together.
 */
export const MAX_SYNC_LENGTH = 16 * 1024;
