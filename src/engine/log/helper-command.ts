/** What a program that uses the library runs as the relay of a log: `node THIS-FILE QUESTION`. */
import { runLogRelay } from './relay.ts';

const [, , question = ''] = process.argv;

process.exitCode = await runLogRelay(question);
