/** Lengths of time as Docker prints them: "About a minute", "3 weeks". Pure. */

import type { DurationStep } from '../../engine/types.ts';

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/** Hours are rounded, and what is longer is counted in rounded hours. */
const half = hour / 2;

/** As Docker's client has it (docker/go-units, HumanDuration). */
export const durationSteps: readonly DurationStep[] = [
  { below: second, words: 'Less than a second' },
  { below: 2 * second, words: '1 second' },
  { below: minute, each: second, early: 0, words: 'seconds' },
  { below: 2 * minute, words: 'About a minute' },
  { below: hour, each: minute, early: 0, words: 'minutes' },
  { below: 2 * hour - half, words: 'About an hour' },
  { below: 2 * day - half, each: hour, early: half, words: 'hours' },
  { below: 14 * day - half, each: day, early: half, words: 'days' },
  { below: 60 * day - half, each: 7 * day, early: half, words: 'weeks' },
  { below: 730 * day - half, each: 30 * day, early: half, words: 'months' },
  { below: Number.MAX_SAFE_INTEGER, each: 365 * day, early: half, words: 'years' },
];

/** @param milliseconds negative ones (a clock that was set back) count as none */
export function humanDuration(milliseconds: number): string {
  const step = durationSteps.find(({ below }) => milliseconds < below);
  if (step?.each === undefined) return step?.words ?? '';
  return `${Math.floor((milliseconds + step.early) / step.each)} ${step.words}`;
}

/** Go's time.Time as text, "2026-11-21 09:13:14 +0100 CET", in the local time zone. */
export function goTime(milliseconds: number): string {
  const date = new Date(milliseconds);
  const two = (value: number) => String(value).padStart(2, '0');
  const offset = -date.getTimezoneOffset();
  const sign = offset < 0 ? '-' : '+';
  const zone = `${sign}${two(Math.floor(Math.abs(offset) / 60))}${two(Math.abs(offset) % 60)}`;
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  return `${day} ${time} ${zone} ${offset === 0 ? 'UTC' : zoneName(date, zone)}`;
}

function zoneName(date: Date, otherwise: string): string {
  const parts = new Intl.DateTimeFormat('en-US', { timeZoneName: 'short' }).formatToParts(date);
  const name = parts.find(({ type }) => type === 'timeZoneName')?.value ?? '';
  return /^[A-Z]{2,5}$/.test(name) ? name : otherwise;
}
