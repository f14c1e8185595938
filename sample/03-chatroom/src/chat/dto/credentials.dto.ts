import { IsString, Length } from 'class-validator';
import type { Credentials } from '../../../api/chat-api.js';

export class CredentialsDto implements Credentials {
  @IsString()
  @Length(1, 40)
  name!: string;

  @IsString()
  @Length(1, 200)
  password!: string;
}
