import { Injectable } from '@nestjs/common';
import { setTimeout as pause } from 'node:timers/promises';

/** Time for a word, in ms. */
const PACE = 40;

const SENTENCE = [
  ['The', 'A', 'Every', 'Another'],
  ['patient', 'distant', 'quiet', 'curious', 'small'],
  ['server', 'engine', 'browser', 'reader', 'machine'],
  ['sends', 'counts', 'keeps', 'repeats', 'follows'],
  ['each', 'the next', 'one more', 'the last'],
  ['word.', 'message.', 'number.', 'signal.'],
];

/** Stands for a language model. It needs no network, and says nothing of value. */
@Injectable()
export class LanguageModel {
  /**
   * Makes a text, word by word.
   * @param signal When it is aborted, the next word is not waited for, and the iteration fails with an `AbortError`.
   */
  async *generate(prompt: string, words: number, signal: AbortSignal): AsyncGenerator<string> {
    let choice = prompt.length;
    for (let word = 0; word < words; word++) {
      await pause(PACE, undefined, { signal });
      const options = SENTENCE[word % SENTENCE.length]!;
      choice = (choice * 31 + word) % 10_007;
      yield options[choice % options.length]!;
    }
  }
}
