/**
 * Reporter of node:test: a line a test, failures with their cause, and last the counts for whoever started it
 * (test-summary.ts). `node --test --test-reporter=./scripts/test-reporter.ts ...`
 */
import { relative } from 'node:path';
import type { TestEvent } from 'node:test/reporters';
import { inspect } from 'node:util';
import { summaryLine } from './test-summary.ts';

type Ended = Extract<TestEvent, { type: 'test:pass' | 'test:fail' }>['data'];

export default async function* report(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for await (const event of source) {
    if (event.type === 'test:stdout' || event.type === 'test:stderr') yield event.data.message;
    if (event.type !== 'test:pass' && event.type !== 'test:fail') continue;
    const { data } = event;
    // A suite only repeats what its tests have said, unless it broke by itself.
    if (data.details.type === 'suite' && !brokeItself(event)) continue;
    const skipped = data.skip !== undefined && data.skip !== false;
    if (event.type === 'test:fail') counts.failed += 1;
    else if (skipped) counts.skipped += 1;
    else counts.passed += 1;
    yield `${line(data, event.type === 'test:fail' ? 'FAIL' : skipped ? 'skip' : 'ok')}\n`;
    if (event.type === 'test:fail') yield `${cause(event.data.details.error)}\n`;
  }
  yield `${summaryLine(counts)}\n`;
}

function brokeItself(event: Extract<TestEvent, { type: 'test:pass' | 'test:fail' }>): boolean {
  return event.type === 'test:fail' && Reflect.get(event.data.details.error, 'failureType') !== 'subtestsFailed';
}

function line(data: Ended, word: string): string {
  // Where a test is defined may be the harness; the file that was run says more (Node 26 tells it).
  const entry: unknown = Reflect.get(data, 'entryFile') ?? data.file;
  const file = typeof entry === 'string' ? `${relative(process.cwd(), entry)}: ` : '';
  const why = typeof data.skip === 'string' ? ` (${data.skip})` : '';
  return `${word.padEnd(4)} ${file}${data.name}${why} (${Math.round(data.details.duration_ms)} ms)`;
}

function cause(error: Error): string {
  // Of a test file that died only these tell how.
  const [exitCode, signal] = [Reflect.get(error, 'exitCode'), Reflect.get(error, 'signal')];
  const death = exitCode === undefined && signal === undefined ? '' : ` (exit status ${exitCode}, signal ${signal})`;
  return `${inspect(error.cause ?? error, { depth: 5 })}${death}`.replace(/^/gm, '     ');
}
