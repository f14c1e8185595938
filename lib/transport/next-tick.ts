/** Bound here, so that tests with fake timers do not stop writing: Jest replaces the function, also in `node:process`. */
export const nextTick = process.nextTick.bind(process);
