/** Signal names and numbers of Linux on x86-64, ARM and most others (signal(7), "Signal numbering"). Pure. */
import { OnggiError } from '../errors.ts';

const numbers: Readonly<Record<string, number>> = {
  HUP: 1,
  INT: 2,
  QUIT: 3,
  ILL: 4,
  TRAP: 5,
  ABRT: 6,
  BUS: 7,
  FPE: 8,
  KILL: 9,
  USR1: 10,
  SEGV: 11,
  USR2: 12,
  PIPE: 13,
  ALRM: 14,
  TERM: 15,
  STKFLT: 16,
  CHLD: 17,
  CONT: 18,
  STOP: 19,
  TSTP: 20,
  TTIN: 21,
  TTOU: 22,
  URG: 23,
  XCPU: 24,
  XFSZ: 25,
  VTALRM: 26,
  PROF: 27,
  WINCH: 28,
  IO: 29,
  PWR: 30,
  SYS: 31,
};

const aliases: Readonly<Record<string, number>> = { IOT: 6, CLD: 17, POLL: 29 };

/** The first real-time signal that programs may use: the C library keeps 32 and 33 (signal(7)). */
const realTimeFirst = 34;
const realTimeLast = 64;

/**
 * Number of "SIGTERM", "term", "15", "RTMIN+3" or "RTMAX-2", as `docker kill -s` takes them.
 *
 * @throws OnggiError `invalid`
 */
export function parseSignal(text: string): number {
  const number = lookUp(text);
  if (number === undefined) {
    throw new OnggiError('invalid', `signal "${text}": no such signal`, {
      hint: 'Give a name like SIGTERM or a number from 1 to 64.',
    });
  }
  return number;
}

/** Whether `parseSignal` knows it. */
export function isSignal(text: string): boolean {
  return lookUp(text) !== undefined;
}

function lookUp(text: string): number | undefined {
  if (/^\d{1,3}$/.test(text)) return inRange(Number(text));
  const name = text.toUpperCase().replace(/^SIG/, '');
  const realTime = /^RT(MIN|MAX)(?:([+-])(\d{1,2}))?$/.exec(name);
  if (realTime !== null) {
    const base = realTime[1] === 'MIN' ? realTimeFirst : realTimeLast;
    const offset = Number(realTime[3] ?? 0);
    const number = realTime[2] === '-' ? base - offset : base + offset;
    return number >= realTimeFirst ? inRange(number) : undefined;
  }
  return Object.hasOwn(numbers, name) ? numbers[name] : Object.hasOwn(aliases, name) ? aliases[name] : undefined;
}

function inRange(number: number): number | undefined {
  return number >= 1 && number <= realTimeLast ? number : undefined;
}

/** "SIGTERM" for 15, "SIGRTMIN+3" for 37, "signal 32" for a number without a name. */
export function signalName(number: number): string {
  const found = Object.entries(numbers).find(([, value]) => value === number);
  if (found !== undefined) return `SIG${found[0]}`;
  if (number < realTimeFirst || number > realTimeLast) return `signal ${number}`;
  return number === realTimeFirst ? 'SIGRTMIN' : `SIGRTMIN+${number - realTimeFirst}`;
}
