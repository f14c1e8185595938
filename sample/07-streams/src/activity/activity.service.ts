import { Injectable } from '@nestjs/common';
import type { Activity } from '../../api/streams-api.js';

/** Counts the work of the server, so that its clients can see that it really ends. */
@Injectable()
export class ActivityService implements Activity {
  writers = 0;
  words = 0;
  prices = 0;
  taken = 0;
  searches = 0;

  snapshot(): Activity {
    const { writers, words, prices, taken, searches } = this;
    return { writers, words, prices, taken, searches };
  }
}
