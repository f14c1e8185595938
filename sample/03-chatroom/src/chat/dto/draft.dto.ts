import { Transform } from 'class-transformer';
import { IsString, IsUUID, Length } from 'class-validator';
import { MAX_TEXT_LENGTH, type Draft } from '../../../api/chat-api.js';
import { cleanText } from '../clean-text.js';

export class DraftDto implements Draft {
  @IsUUID()
  nonce!: string;

  @Transform(({ value }: { value: unknown }) => (typeof value === 'string' ? cleanText(value) : value))
  @IsString()
  @Length(1, MAX_TEXT_LENGTH)
  text!: string;
}
