const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const date = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long' });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'medium' });

export const timeOfDay = (time: number) => clock.format(time);
export const fullTime = (time: number) => full.format(time);

export const isSameDay = (a: number, b: number) => new Date(a).toDateString() === new Date(b).toDateString();

/** Formats the day of a message for a heading. */
export function dayOf(time: number, now = Date.now()): string {
  if (isSameDay(time, now)) return 'Today';
  const yesterday = new Date(now);
  yesterday.setDate(yesterday.getDate() - 1);
  return isSameDay(time, yesterday.getTime()) ? 'Yesterday' : date.format(time);
}
