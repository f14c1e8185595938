import { IsInt, IsPositive } from 'class-validator';
import type { RequestBody } from '../../../api/chat-api.js';

export class HistoryQueryDto implements RequestBody<'history'> {
  @IsInt()
  @IsPositive()
  before!: number;
}
