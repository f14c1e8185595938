import { IsInt, IsString, Length, Max, Min } from 'class-validator';
import type { Prompt } from '../../api/streams-api.js';

export class PromptDto implements Prompt {
  @IsString()
  @Length(1, 200)
  prompt!: string;

  @IsInt()
  @Min(1)
  @Max(1_000)
  words!: number;
}
