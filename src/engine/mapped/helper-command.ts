/** What a program that uses the library runs as the helper of `ask.ts`: `node THIS-FILE QUESTION`. */
import { runMappedHelper } from './answer.ts';

const [, , question = ''] = process.argv;

process.exitCode = runMappedHelper(question);
