/**
 * What a runtime tells whoever called it. Engines read the log file (`--log`), in the shape that runc's logger
 * (logrus) gives it, for the reason of a failure; people read standard error. Pure but for the sink.
 */

export const levels = ['debug', 'warning', 'error'] as const;
export type Level = (typeof levels)[number];
export type LogFormat = 'text' | 'json';

/** One line with its end. `time` in RFC 3339 without fraction, as runc writes it. */
export function logLine(format: LogFormat, level: Level, message: string, now: Date): string {
  const time = now.toISOString().replace(/\.\d+Z$/, 'Z');
  if (format === 'json') return `${JSON.stringify({ level, msg: message, time })}\n`;
  return `time="${time}" level=${level} msg=${JSON.stringify(message)}\n`;
}
