/**
 * Up to this length, in bytes, a message is compressed or inflated at once. That takes less time than to hand it to another
 * thread, and messages that were read together are answered together. The time it takes, below 0.3 ms, is that of a handler.
 */
export const AT_ONCE = 16 * 1024;
