import { WebwireGateway, WebwireStream } from 'nestjs-webwire';
import { interval, map, startWith, type Observable } from 'rxjs';
import type { Activity } from '../../api/streams-api.js';
import { ActivityService } from './activity.service.js';

/** Time between two items, in ms. */
const INTERVAL = 200;

@WebwireGateway()
export class ActivityGateway {
  constructor(private readonly activity: ActivityService) {}

  /** An Observable sends at its own pace. Its items are buffered for a client that reads slowly, so it should not have many. */
  @WebwireStream('activity')
  follow(): Observable<Activity> {
    return interval(INTERVAL).pipe(
      startWith(0),
      map(() => this.activity.snapshot()),
    );
  }
}
